/**
 * A picture and its reductions by two: drawing the next larger one is fast at every zoom, and as good as the slow way.
 */

const SMALLEST = 200; // pixels; below it even the whole picture is quickly drawn

/**
 * @param {string} url
 * @returns {Promise<ImageBitmap[]>} the picture, the same at half the size, a quarter, …
 * @throws {DOMException} if it cannot be loaded or decoded
 */
export async function loadLevels(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const levels = [await createImageBitmap(image)];
  for (let { width, height } = levels[0]; Math.min(width, height) >= 2 * SMALLEST; ) {
    [width, height] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    const size = { resizeWidth: width, resizeHeight: height, resizeQuality: "medium" };
    levels.push(await createImageBitmap(levels[levels.length - 1], size));
  }
  return levels;
}

/** Gives their memory back at once. */
export function closeLevels(levels) {
  for (const level of levels) level.close();
}
