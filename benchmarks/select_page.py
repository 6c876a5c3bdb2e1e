"""What the canvas is compared to: the page most tools have, where gr.Image.select returns a painted picture.

The same segmenter answers; the picture travels to the browser with each click.

    python benchmarks/select_page.py PICTURE PORT
"""

import os
import sys
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
import numpy as np

from annotator.images import read_image
from annotator.prediction import Prompt
from annotator.segmenters import get_segmenter

TINT = np.array([30, 144, 255], np.float32)


def main(picture: Path, port: int) -> None:
    segmenter = get_segmenter("builtin")
    pixels = read_image(picture).pixels
    embedding = segmenter.embed(pixels)

    def click(points: list, event: gr.SelectData) -> tuple[np.ndarray, list]:
        points = [*points, event.index]
        prompt = Prompt(point_coords=np.array(points, np.float32), point_labels=np.ones(len(points), np.int64))
        prediction = segmenter.predict(embedding, prompt)
        painted = pixels.copy()
        mask = prediction.mask(prediction.best)
        painted[mask] = (0.6 * painted[mask] + 0.4 * TINT).astype(np.uint8)
        return painted, points

    with gr.Blocks() as page:
        points = gr.State([])
        image = gr.Image(pixels, interactive=False, elem_id="picture")
        image.select(click, [points], [image, points], show_progress="hidden")
    page.launch(server_port=port, ssr_mode=False, quiet=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
