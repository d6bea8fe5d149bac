// The preparation of mnist_vit/preparation.py, pages.py and inference.py, function by function, for drawings.
// An image is {data: Float32Array, width, height}, row by row; 1 is full ink, exactly 0 is blank paper.
// .ci/test_draw.py feeds the same drawings to both and compares.

export const SIDE = 20  // length of a digit of MNIST, pixels
const SIZES = [10, 32]  // longer side of a digit in a window, pixels: no others are believed
const MOST_SCALED = 12_000_000  // pixels of a scaled page

export const blank = (width, height) => ({data: new Float32Array(width * height), width, height})
export const hasInk = image => image.data.some(value => value > 0)
const like = (image, f) => ({...image, data: image.data.map(f)})  // the same shape, f of each pixel
const largest = values => values.reduce((a, b) => Math.max(a, b), 0)

// to the nearest integer, halves to the even one, as Python's round does
export function round(x) {
  const low = Math.floor(x), rest = x - low
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low
}

export function crop(image, [x1, y1, x2, y2]) {
  const part = blank(x2 - x1, y2 - y1)
  paste(part, image, -x1, -y1)
  return part
}

// copy an image onto another one, which may cut it off
function paste(target, image, left, top) {
  const first = Math.max(0, -left), last = Math.min(image.width, target.width - left)
  for (let y = Math.max(0, -top); y < Math.min(image.height, target.height - top); y++) {
    const row = image.data.subarray(y * image.width + first, y * image.width + last)
    if (last > first) target.data.set(row, (y + top) * target.width + left + first)
  }
}

// --- resizing, as Pillow does it for images of floats

const FILTERS = {
  box: {support: 0.5, weight: x => (x > -0.5 && x <= 0.5 ? 1 : 0)},
  lanczos: {support: 3, weight: x => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0)},
}
const sinc = x => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI))

// for each output pixel: the first input pixel, and the weights from there on
function coefficients(before, after, {support, weight}) {
  const scale = before / after, wide = Math.max(scale, 1)
  return Array.from({length: after}, (_, i) => {
    const centre = (i + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - support * wide + 0.5))
    const end = Math.min(before, Math.trunc(centre + support * wide + 0.5))
    const weights = Array.from({length: end - first}, (_, k) => weight((k + first - centre + 0.5) / wide))
    const sum = weights.reduce((a, b) => a + b, 0)
    return {first, weights: weights.map(w => w / sum)}
  })
}

function resizeRows(image, width, filter) {
  if (width === image.width) return image
  const wanted = coefficients(image.width, width, filter), out = blank(width, image.height)
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < width; x++) {
      const {first, weights} = wanted[x], start = y * image.width + first
      let sum = 0
      for (let k = 0; k < weights.length; k++) sum += image.data[start + k] * weights[k]
      out.data[y * width + x] = sum
    }
  }
  return out
}

function transposed(image) {
  const out = blank(image.height, image.width)
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) out.data[x * out.width + y] = image.data[y * image.width + x]
  }
  return out
}

export function resize(image, width, height, smooth = false) {
  const filter = smooth ? FILTERS.lanczos : FILTERS.box
  const wide = resizeRows(image, Math.max(1, round(width)), filter)
  return transposed(resizeRows(transposed(wide), Math.max(1, round(height)), filter))
}

// --- connected pieces; a pixel touches its eight neighbours

export function findComponents({data, width, height}, least = 0) {
  const labels = new Int32Array(data.length), pieces = []
  for (let start = 0; start < data.length; start++) {
    if (data[start] > least && !labels[start]) pieces.push(flood(start, pieces.length + 1))
  }
  return {labels, pieces}

  function flood(start, label) {
    const stack = [start]
    let count = 0, mass = 0, darkest = 0, x1 = width, y1 = height, x2 = 0, y2 = 0
    labels[start] = label
    while (stack.length) {
      const place = stack.pop(), x = place % width, y = (place - x) / width
      count += 1
      mass += data[place]
      darkest = Math.max(darkest, data[place])
      x1 = Math.min(x1, x)
      y1 = Math.min(y1, y)
      x2 = Math.max(x2, x + 1)
      y2 = Math.max(y2, y + 1)
      for (let v = Math.max(y - 1, 0); v < Math.min(y + 2, height); v++) {
        for (let next = v * width + Math.max(x - 1, 0); next < v * width + Math.min(x + 2, width); next++) {
          if (data[next] <= least || labels[next]) continue
          labels[next] = label
          stack.push(next)
        }
      }
    }
    return {label, count, mass, darkest, box: [x1, y1, x2, y2]}
  }
}

// the largest value at most `reach` pixels away, along both axes
function maximumFilter(image, reach) {
  const filterRows = ({data, width, height}) => {
    const out = blank(width, height)
    for (let i = 0; i < data.length; i++) {
      const x = i % width, end = i + Math.min(reach, width - 1 - x)
      let most = 0
      for (let k = i - Math.min(reach, x); k <= end; k++) if (data[k] > most) most = data[k]
      out.data[i] = most
    }
    return out
  }
  return transposed(filterRows(transposed(filterRows(image))))
}

// preparation.clear_paper for paper without noise, which a drawing has
export function clearPaper(image, least = 0.12) {
  const candidates = image.data.filter(value => value > Math.fround(least)).sort()
  if (candidates.length < 3) return blank(image.width, image.height)
  const full = candidates[round(0.99 * (candidates.length - 1))]
  const {width, height} = image, share = like(image, value => (value ? Math.min(Math.fround(value / full), 1) : 0))
  const {labels, pieces} = findComponents(share, Math.fround(0.1))
  const isStroke = pieces.map(piece => piece.count >= 3 && piece.darkest > Math.fround(0.4))
  return like(share, (value, i) => (value > Math.fround(0.004) && touches(i) ? value : 0))

  function touches(place) {  // a stroke, or a pixel of one beside it?
    const x = place % width, y = (place - x) / width
    for (let v = Math.max(y - 1, 0); v < Math.min(y + 2, height); v++) {
      for (let next = v * width + Math.max(x - 1, 0); next < v * width + Math.min(x + 2, width); next++) {
        if (labels[next] && isStroke[labels[next] - 1]) return true
      }
    }
    return false
  }
}

// --- one digit, as MNIST was made

export function inkBox(image, isInk = value => value > 0) {
  const box = [image.width, image.height, 0, 0]
  image.data.forEach((value, i) => {
    if (!isInk(value)) return
    const x = i % image.width, y = (i - x) / image.width
    box[0] = Math.min(box[0], x)
    box[1] = Math.min(box[1], y)
    box[2] = Math.max(box[2], x + 1)
    box[3] = Math.max(box[3], y + 1)
  })
  return box
}

export function removeSpecks(image, least = 0.01) {
  const {labels, pieces} = findComponents(image)
  if (pieces.length < 2) return image
  const heaviest = largest(pieces.map(piece => piece.mass))
  return like(image, (value, i) => (labels[i] && pieces[labels[i] - 1].mass >= least * heaviest ? value : 0))
}

function shrinkDigit(digit) {
  const {width, height} = digit, factor = SIDE / Math.max(width, height), within = value => Math.min(Math.max(value, 0), 1)
  let ink = digit
  if (factor > 1) {
    const padded = crop(digit, [-1, -1, width + 1, height + 1]), fine = 4 * factor
    const wide = like(resize(padded, fine * padded.width, fine * padded.height, true), within)
    ink = crop(wide, inkBox(wide, value => value > Math.fround(0.1)))
  } else if (factor <= 0.5) {  // sharpen the edges of the stroke
    const darkest = largest(digit.data), f = Math.fround
    const sharp = like(digit, value => within(f(f(f(1.25 * value) / darkest) - f(0.125))))
    ink = crop(sharp, inkBox(sharp))
  }
  const again = SIDE / Math.max(ink.width, ink.height)
  return resize(ink, again * ink.width, again * ink.height)
}

function centreDigit(digit) {
  const {width, height} = digit, darkest = largest(digit.data)
  let mass = 0, right = 0, down = 0
  digit.data.forEach((value, i) => {
    mass += value
    right += value * (i % width)
    down += value * Math.floor(i / width)
  })
  const place = (moment, side) => Math.min(Math.max(round(14 - moment / mass), 0), 28 - side)
  const frame = blank(28, 28)
  paste(frame, like(digit, value => value / darkest), place(right, width), place(down, height))
  return frame
}

export function prepareDigit(ink) {
  const clean = removeSpecks(ink)
  return hasInk(clean) ? centreDigit(shrinkDigit(crop(clean, inkBox(clean)))) : blank(28, 28)
}

// --- a page, in windows as large as the detector's canvas

export function findPieces(ink) {
  const {labels, pieces} = findComponents(ink)
  for (const piece of pieces) {
    const [x1, y1, x2, y2] = piece.box
    piece.side = Math.max(x2 - x1, y2 - y1)
    piece.thickness = Math.min(x2 - x1, y2 - y1)
    piece.centre = [(x1 + x2) / 2, (y1 + y2) / 2]
  }
  const whole = pieces.filter(piece => !isLine(piece, pieces))
  const usual = usualSide(whole.map(piece => piece.side))
  const kept = new Set(whole.filter(({side}) => side > 0.25 * usual && side < 3.5 * usual).map(piece => piece.label))
  const sides = pieces.filter(piece => kept.has(piece.label)).map(piece => piece.side)
  return {ink: like(ink, (value, i) => (kept.has(labels[i]) ? value : 0)), sides}
}

// long and thin, or around two others that are no specks
function isLine({box: [x1, y1, x2, y2], side, thickness}, pieces) {
  const inside = pieces.filter(({centre: [x, y], side: other}) =>
    x > x1 && x < x2 && y > y1 && y < y2 && other > 0.015 * side)
  return side >= 20 * thickness || inside.length > 2
}

// the median of sides, each weighted by itself
function usualSide(sides) {
  const sorted = [...sides].sort((a, b) => a - b), half = sides.reduce((a, b) => a + b, 0) / 2
  let total = 0
  return sorted.find(side => (total += side) >= half)
}

function percentile(values, percent) {
  const sorted = [...values].sort((a, b) => a - b), place = percent / 100 * (sorted.length - 1)
  const low = Math.floor(place), high = Math.min(low + 1, sorted.length - 1)
  return sorted[low] + (place - low) * (sorted[high] - sorted[low])
}

export function pageScales(sides, ratio = 1.8) {
  if (!sides.length) return []
  const usual = usualSide(sides), whole = sides.filter(side => side >= 0.4 * usual)
  const low = percentile(whole, 5), high = percentile(whole, 95)
  const count = Math.max(1, Math.ceil(Math.log(high / low) / Math.log(ratio)))
  const step = (high / low) ** (1 / count)
  return Array.from({length: count}, (_, i) => SIDE / (low * step ** (i + 0.5)))
}

export function scalePage(ink, scale) {
  let page = resize(ink, scale * ink.width, scale * ink.height, scale > 1)
  page = like(page, value => (value > Math.fround(0.02) ? Math.min(value, 1) : 0))
  const darkest = maximumFilter(page, SIDE / 2)
  return like(page, (value, i) => value / Math.max(darkest.data[i], 0.25))
}

// [start, core's start, core's end] of windows along one axis
function spans(length, side, overlap) {
  if (length <= side) return [[-Math.floor((side - length) / 2), -Infinity, Infinity]]
  const count = Math.ceil((length - overlap) / (side - overlap))
  const starts = Array.from({length: count}, (_, i) => round(i * (length - side) / (count - 1)))
  const seams = starts.slice(1).map((start, i) => (starts[i] + side + start) / 2)
  return starts.map((start, i) => [start, i ? seams[i - 1] : -Infinity, i < count - 1 ? seams[i] : Infinity])
}

export function pageWindows(page, side = 112, overlap = 36) {
  const windows = []
  for (const [top, up, down] of spans(page.height, side, overlap)) {
    for (const [left, west, east] of spans(page.width, side, overlap)) {
      const image = crop(page, [left, top, left + side, top + side])
      if (hasInk(image)) windows.push({image, left, top, core: [west, up, east, down]})
    }
  }
  return windows
}

// pages.page_inputs: windows, each with the scale of its page
export function pageInputs(ink, side = 112) {
  const {ink: pieces, sides} = findPieces(ink)
  return pageScales(sides).flatMap(scale => {
    const page = scalePage(pieces, Math.min(scale, (MOST_SCALED / ink.data.length) ** 0.5))
    const scaleX = page.width / ink.width, scaleY = page.height / ink.height
    return pageWindows(page, side).map(window => ({...window, scaleX, scaleY}))
  })
}

// pages.Place.restore: a box of a window as a box of the picture
export function restore([x1, y1, x2, y2], {left, top, scaleX, scaleY}) {
  return [(x1 + left) / scaleX, (y1 + top) / scaleY, (x2 + left) / scaleX, (y2 + top) / scaleY]
}

// whether a box of a window has its centre in the window's core and the size of a digit
export function isBelieved([x1, y1, x2, y2], {left, top, core: [west, up, east, down]}) {
  const x = (x1 + x2) / 2 + left, y = (y1 + y2) / 2 + top, size = Math.max(x2 - x1, y2 - y1)
  return west <= x && x < east && up <= y && y < down && SIZES[0] <= size && size <= SIZES[1]
}

// pages.merge_detections: of detections that overlap, the most certain one
export function merge(found, most = 0.5) {
  const kept = []
  for (const d of [...found].sort((a, b) => b.score - a.score)) {
    if (kept.every(other => shared(d.box, other.box) <= most)) kept.push(d)
  }
  return readingOrder(kept)
}

// what share of the smaller of two boxes they have in common
function shared(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]), height = Math.min(a[3], b[3]) - Math.max(a[1], b[1])
  if (width <= 0 || height <= 0) return 0
  return width * height / Math.min(...[a, b].map(([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1)))
}

// boxes.reading_order: lines from top to bottom, each from left to right
export function readingOrder(detections) {
  const twice = ({box}, axis) => box[axis] + box[axis + 2]  // the middle
  const byMiddle = axis => (a, b) => twice(a, axis) - twice(b, axis) || a.digit - b.digit
  let rest = [...detections].sort(byMiddle(1))
  const ordered = []
  while (rest.length) {
    const [, top, , bottom] = rest[0].box
    const belongs = ({box: [, y1, , y2]}) =>
      Math.min(bottom, y2) - Math.max(top, y1) >= Math.min(bottom - top, y2 - y1) / 2
    ordered.push(...rest.filter(belongs).sort(byMiddle(0)))
    rest = rest.filter(d => !belongs(d))
  }
  return ordered
}
