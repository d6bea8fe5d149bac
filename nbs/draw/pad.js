// Strokes, drawn with a mouse, a finger, a pen or the keyboard, and the ink that they leave.
// A stroke is a list of points [x, y] on a sheet of WIDTH×HEIGHT pixels, however large it is shown.

export const WIDTH = 560, HEIGHT = 400
export const PEN = 16  // width of a line
const STEP = 10, SMALL_STEP = 2  // of the keyboard's pen

export function drawStrokes(context, strokes, color) {
  context.clearRect(0, 0, WIDTH, HEIGHT)
  Object.assign(context, {strokeStyle: color, lineWidth: PEN, lineCap: "round", lineJoin: "round"})
  for (const stroke of strokes) {
    context.beginPath()
    context.moveTo(...stroke[0])
    for (const point of stroke) context.lineTo(...point)
    context.stroke()
  }
}

// how much of each pixel is covered: {data, width, height}, 1 = full ink, exactly 0 = blank
export function inkOf(strokes) {
  const sheet = Object.assign(document.createElement("canvas"), {width: WIDTH, height: HEIGHT})
  const context = sheet.getContext("2d", {willReadFrequently: true})
  drawStrokes(context, strokes, "black")
  const {data} = context.getImageData(0, 0, WIDTH, HEIGHT)
  return {data: Float32Array.from({length: WIDTH * HEIGHT}, (_, i) => data[4 * i + 3] / 255), width: WIDTH, height: HEIGHT}
}

export class Pad {
  strokes = []
  pen = {x: WIDTH / 2, y: HEIGHT / 2, isDown: false, isShown: false}  // of the keyboard

  // canvas: where pointers and keys are heard; changed: called after each change of strokes or pen
  constructor(canvas, changed) {
    this.canvas = canvas
    this.changed = changed
    canvas.addEventListener("pointerdown", event => this.press(event))
    canvas.addEventListener("pointermove", event => this.move(event))
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { this.drawing = null })
    canvas.addEventListener("keydown", event => this.type(event))
    canvas.addEventListener("focus", () => this.showPen(canvas.matches(":focus-visible")))
    canvas.addEventListener("blur", () => this.showPen(false))
  }

  place({clientX, clientY}) {
    const {left, top, width, height} = this.canvas.getBoundingClientRect()
    return [(clientX - left) * WIDTH / width, (clientY - top) * HEIGHT / height]
  }

  press(event) {
    if (!event.isPrimary || event.button !== 0) return
    this.canvas.setPointerCapture(event.pointerId)
    this.showPen(false)
    this.drawing = [this.place(event)]
    this.strokes.push(this.drawing)
    this.changed()
  }

  move(event) {
    if (!event.isPrimary || !this.drawing) return
    const passed = event.getCoalescedEvents?.() ?? []
    this.drawing.push(...(passed.length ? passed : [event]).map(each => this.place(each)))
    this.changed()
  }

  type(event) {
    const {key, shiftKey} = event, step = shiftKey ? SMALL_STEP : STEP
    const moves = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]}
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (key in moves) this.step(...moves[key])
    else if (key === " " || key === "Enter") this.lower(!this.pen.isDown)
    else if (key === "Escape") this.lower(false)
    else if (key === "Backspace") this.undo()
    else return
    event.preventDefault()
  }

  step(dx, dy) {
    const {pen} = this
    pen.isShown = true
    pen.x = Math.min(Math.max(pen.x + dx, 0), WIDTH)
    pen.y = Math.min(Math.max(pen.y + dy, 0), HEIGHT)
    if (pen.isDown) this.strokes.at(-1).push([pen.x, pen.y])
    this.changed()
  }

  lower(isDown) {
    Object.assign(this.pen, {isDown, isShown: true})
    if (isDown) this.strokes.push([[this.pen.x, this.pen.y]])
    this.changed()
  }

  showPen(isShown) {
    Object.assign(this.pen, {isShown, isDown: isShown && this.pen.isDown})
    this.changed()
  }

  undo() { this.replace(this.strokes.slice(0, -1)) }

  replace(strokes) {
    this.strokes = strokes
    this.drawing = null
    this.pen.isDown = false
    this.changed()
  }
}
