// The page: a pad, a reader, and what is shown of its answers.
import {drawStrokes, HEIGHT, inkOf, Pad, WIDTH} from "./pad.js"
import {restore} from "./preparation.js"
import {DigitReader} from "./reader.js"

const EXAMPLE = [  // a 2, a 5 and an 8
  [[60, 130], [75, 105], [105, 95], [135, 110], [138, 145], [115, 190], [80, 235], [60, 262], [100, 258], [150, 262]],
  [[262, 100], [248, 180]], [[262, 100], [330, 96]],
  [[248, 180], [280, 165], [318, 172], [336, 205], [328, 245], [295, 265], [262, 258], [245, 240]],
  [[490, 125], [465, 98], [430, 105], [420, 135], [440, 165], [480, 190], [498, 225], [482, 258], [445, 268], [418, 248],
   [420, 215], [450, 185], [480, 160], [494, 130]],
]
const find = id => document.getElementById(id)
const percent = share => `${(100 * share).toFixed(1)} %`
const color = id => getComputedStyle(find(id)).color  // as the style sheet has it, in the theme that is shown
const contexts = {drawing: find("drawing").getContext("2d"), marks: find("marks").getContext("2d"), seen: find("seen").getContext("2d")}
const pad = new Pad(find("marks"), () => { draw(); read() })
const mode = () => document.querySelector("input[name=mode]:checked").value

let reader, found = [], prediction = null, selected = 0, busy = false, again = false

// --- reading: the latest drawing, one at a time

async function read() {
  again = busy || !reader
  if (again) return
  busy = true
  try {
    const start = performance.now(), blank = !pad.strokes.length
    if (mode() === "page") await readPage()
    else prediction = await reader.predict(inkOf(pad.strokes))
    show()
    find("time").textContent = blank ? "" : `read in ${Math.round(performance.now() - start)} ms`
  } catch (error) {
    say(`The drawing cannot be read: ${error.message}`)
  }
  busy = false
  if (again) requestAnimationFrame(read)
}

async function readPage() {
  found = await reader.read(inkOf(pad.strokes))
  const [x, y] = pad.strokes.at(-1)?.at(-1) ?? [0, 0]  // the digit that is being drawn
  const drawn = found.findIndex(({box: [x1, y1, x2, y2]}) => x1 - 8 < x && x < x2 + 8 && y1 - 8 < y && y < y2 + 8)
  selected = drawn < 0 ? found.length - 1 : drawn
}

// --- showing

function draw() {
  drawStrokes(contexts.drawing, pad.strokes, color("drawing"))
  const marks = contexts.marks
  marks.clearRect(0, 0, WIDTH, HEIGHT)
  if (mode() === "page") found.forEach((detection, i) => drawDetection(marks, detection, i === selected))
  if (pad.pen.isShown) drawPen(marks, pad.pen)
}

function drawDetection(context, {digit, box: [x1, y1, x2, y2], attention, window}, isSelected) {
  if (isSelected) drawHeat(context, attention, window)
  context.strokeStyle = context.fillStyle = color("marks")
  context.lineWidth = isSelected ? 4 : 2
  context.strokeRect(x1 - 3, y1 - 3, x2 - x1 + 6, y2 - y1 + 6)
  context.font = "bold 22px system-ui, sans-serif"
  context.fillText(digit, Math.min(x1, WIDTH - 20), y1 > 30 ? y1 - 8 : Math.min(y2 + 26, HEIGHT - 4))
}

// the patches of a window, where they lie on the paper; the darkest tint is the largest share
function drawHeat(context, attention, window) {
  const grid = Math.sqrt(attention.length), patch = window.image.width / grid, most = Math.max(...attention)
  context.fillStyle = color("marks")
  attention.forEach((share, i) => {
    const x = patch * (i % grid), y = patch * Math.floor(i / grid)
    const [x1, y1, x2, y2] = restore([x, y, x + patch, y + patch], window)
    context.globalAlpha = 0.6 * share / most
    context.fillRect(x1, y1, x2 - x1, y2 - y1)
  })
  context.globalAlpha = 1
}

function drawPen(context, {x, y, isDown}) {
  context.strokeStyle = color("drawing")
  context.lineWidth = 3
  context.beginPath()
  context.arc(x, y, isDown ? 5 : 11, 0, 2 * Math.PI)
  context.stroke()
}

function show() {
  find("page-result").hidden = mode() !== "page"
  find("digit-result").hidden = mode() !== "digit"
  find("hint").hidden = !found.length
  if (mode() === "page") showPage()
  else showDigit()
  draw()
}

function say(text) {
  if (find("answer").textContent !== text) find("answer").textContent = text  // read aloud only when it changes
}

function showPage() {
  say(found.length ? found.map(({digit}) => digit).join(" ") : pad.strokes.length ? "no digit yet" : "Draw some digits")
  const buttons = found.map(({digit, score}, i) => {
    const button = Object.assign(document.createElement("button"), {type: "button"})
    button.setAttribute("aria-pressed", i === selected)
    button.append(Object.assign(document.createElement("b"), {textContent: digit}), percent(score))
    button.addEventListener("click", () => { selected = i; show(); find("digits").children[i].firstChild.focus() })
    const item = document.createElement("li")
    item.append(button)
    return item
  })
  find("digits").replaceChildren(...buttons)
}

function showDigit() {
  const shares = prediction?.probabilities ?? Array(10).fill(0)
  say(prediction ? `${prediction.digit} (${percent(shares[prediction.digit])})` : "Draw a digit")
  find("bars").replaceChildren(...shares.map((share, digit) => {
    const item = document.createElement("li"), bar = document.createElement("i")
    bar.style.transform = `scaleX(${share})`
    item.append(digit, bar, Object.assign(document.createElement("span"), {textContent: percent(share)}))
    return item
  }))
  const context = contexts.seen, {width} = context.canvas
  context.clearRect(0, 0, width, width)
  if (!prediction) return
  drawPixels(context, prediction.image, width / 28)
  drawHeat(context, prediction.attention, {image: prediction.image, left: 0, top: 0, scaleX: 28 / width, scaleY: 28 / width})
}

function drawPixels(context, {data, width}, size) {
  context.fillStyle = color("drawing")
  data.forEach((value, i) => {
    context.globalAlpha = value
    context.fillRect(size * (i % width), size * Math.floor(i / width), size, size)
  })
  context.globalAlpha = 1
}

// --- the tools

find("undo").addEventListener("click", () => pad.undo())
find("clear").addEventListener("click", () => pad.replace([]))
find("example").addEventListener("click", () => pad.replace(structuredClone(EXAMPLE)))
for (const input of document.querySelectorAll("input[name=mode]")) input.addEventListener("change", () => { show(); read() })
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show)

try {
  reader = await DigitReader.load()
  show()
  read()
} catch (error) {
  say(`The models cannot be loaded: ${error.message}`)
}
export {reader}
