// The exported models in onnxruntime-web, behind the preparation: what mnist_vit.DigitReader is in Python.
import * as ort from "./ort/ort.wasm.min.mjs"
import {clearPaper, hasInk, isBelieved, merge, pageInputs, prepareDigit, restore} from "./preparation.js"

ort.env.wasm.wasmPaths = new URL("ort/", import.meta.url).href
ort.env.wasm.numThreads = 1  // more need headers that static hosts do not send

const load = name => ort.InferenceSession.create(new URL(`${name}.onnx`, import.meta.url).href, {executionProviders: ["wasm"]})

const batch = (images, side) => {
  const pixels = new Float32Array(images.length * side * side)
  images.forEach((image, i) => pixels.set(image.data, i * side * side))
  return {image: new ort.Tensor("float32", pixels, [images.length, 1, side, side])}
}

export class DigitReader {
  static async load() {
    const reader = new DigitReader()
    reader.sessions = {page: await load("scene"), digit: await load("digit")}
    return reader
  }

  // {digit, probabilities, image (28×28), attention (49)}, or null where there is no ink
  async predict(drawing) {
    const image = prepareDigit(clearPaper(drawing))
    if (!hasInk(image)) return null
    const {probabilities, attention} = await this.sessions.digit.run(batch([image], 28))
    const shares = [...probabilities.data]
    return {digit: shares.indexOf(Math.max(...shares)), probabilities: shares, image, attention: attention.data}
  }

  // [{digit, score, box, attention, window}], in reading order, boxes in pixels of the drawing
  async read(drawing, side = 112) {
    const windows = pageInputs(clearPaper(drawing), side)
    if (!windows.length) return []
    const found = await this.sessions.page.run(batch(windows.map(window => window.image), side))
    const patches = found.attention.dims[1]
    return merge([...found.images.data].flatMap((owner, i) => {
      const window = windows[Number(owner)], box = [...found.boxes.data.slice(4 * i, 4 * i + 4)]
      if (!isBelieved(box, window)) return []
      const attention = found.attention.data.slice(patches * i, patches * (i + 1))
      return [{digit: Number(found.digits.data[i]), score: found.scores.data[i], box: restore(box, window), attention, window}]
    }))
  }
}
