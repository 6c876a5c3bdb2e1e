"""Stand-ins at the protocols' edge: quick, deterministic, free of torch and of weights."""

import time
from collections.abc import Sequence

import numpy as np

from annotator.errors import ImageError, PromptError
from annotator.prediction import (
    CANDIDATES,
    LOW_RES_SIDE,
    Embedding,
    Frame,
    PointAnswers,
    Prediction,
    Prompt,
    resize_image,
    single_points,
    stability_scores,
)

REACH = (1.0, 0.5, 2.0)  # each candidate's radius, in parts of the segmenter's
PREDICTED_IOU = (0.9, 0.8, 0.7)  # so the first candidate is the best


class FakeSegmenter:
    """A Segmenter that answers with discs: around foreground points, less those around background ones, or the box.

    radius: of the first candidate's discs, in low-res pixels (1/256 of the longer side); the second's is half of it,
    the third's twice. A box is answered as it is, then 2 low-res pixels smaller, then 2 larger. A mask_input is
    joined with what the prompt says. The embedding holds a 16×16 copy of the picture, so that a mix-up can be seen.
    embed_delay_s and predict_delay_s make it as slow as a test needs. `embeds` and `predicts` count the calls.
    """

    def __init__(
        self,
        *,
        name: str = "fake",
        fingerprint: str = "fake-1",
        radius: float = 16.0,
        embed_delay_s: float = 0.0,
        predict_delay_s: float = 0.0,
    ) -> None:
        self.name = name
        self.title = name
        self.fingerprint = fingerprint
        self.radius = radius
        self.embed_delay_s = embed_delay_s
        self.predict_delay_s = predict_delay_s
        self.embeds = 0
        self.predicts = 0

    @property
    def device(self) -> str:
        return "cpu"

    def embed(self, image: np.ndarray) -> Embedding:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ImageError(f"Expected an H×W×3 uint8 RGB picture, got {image.dtype} of shape {image.shape}.")
        self.embeds += 1
        time.sleep(self.embed_delay_s)
        small = resize_image(image, (16, 16)).astype(np.float32)
        frame = Frame.fit((image.shape[0], image.shape[1]), side=1024)
        return Embedding(segmenter=self.fingerprint, frame=frame, arrays={"picture": small})

    def predict(self, embedding: Embedding, prompt: Prompt) -> Prediction:
        if embedding.segmenter != self.fingerprint:
            raise PromptError(f"This embedding was made by {embedding.segmenter}, not {self.fingerprint}: embed again.")
        self.predicts += 1
        time.sleep(self.predict_delay_s)
        logits = np.stack([self._candidate(embedding.frame, prompt, number) for number in range(CANDIDATES)])
        return Prediction(
            low_res_logits=logits,
            predicted_iou=np.array(PREDICTED_IOU, np.float32),
            stability_score=stability_scores(logits, embedding.frame),
            frame=embedding.frame,
        )

    def predict_batch(self, embedding: Embedding, prompts: Sequence[Prompt]) -> list[Prediction]:
        return [self.predict(embedding, prompt) for prompt in prompts]

    def predict_points(self, embedding: Embedding, point_coords: np.ndarray, *, above: float) -> PointAnswers:
        return PointAnswers.of(self.predict_batch(embedding, single_points(point_coords)), above=above)

    def features(self, embedding: Embedding) -> np.ndarray:
        return embedding.arrays["picture"]  # the colours of the 16×16 copy

    def _candidate(self, frame: Frame, prompt: Prompt, number: int) -> np.ndarray:
        """256×256 float32: how many low-res pixels inside (above 0) or outside (below 0) each place is."""
        rows, columns = np.mgrid[0:LOW_RES_SIDE, 0:LOW_RES_SIDE].astype(np.float32)
        logits = np.full((LOW_RES_SIDE, LOW_RES_SIDE), -float(LOW_RES_SIDE), np.float32)
        if prompt.mask_input is not None:
            logits = np.maximum(logits, prompt.mask_input)
        if prompt.box_xyxy is not None:
            (left, top), (right, bottom) = _to_low_res(prompt.box_xyxy.reshape(2, 2), frame)
            margin = (0.0, -2.0, 2.0)[number]
            inside = np.minimum.reduce([columns - left, right - columns, rows - top, bottom - rows]) + margin
            logits = np.maximum(logits, inside)
        points = _to_low_res(prompt.point_coords, frame)
        radius = max(2.0, self.radius * REACH[number])
        for (x, y), label in zip(points, prompt.point_labels, strict=True):
            if label == 1:
                logits = np.maximum(logits, radius - np.hypot(columns - x, rows - y))
        for (x, y), label in zip(points, prompt.point_labels, strict=True):
            if label == 0:
                logits = np.minimum(logits, np.hypot(columns - x, rows - y) - max(2.0, radius / 2))
        return logits.astype(np.float32)


def _to_low_res(coords: np.ndarray, frame: Frame) -> np.ndarray:
    """N×2 (x, y) pixels of the original image -> N×2 places among the centres of the low-res pixels."""
    scale = np.array([frame.inner_hw[1] / frame.size_hw[1], frame.inner_hw[0] / frame.size_hw[0]])
    return (coords + 0.5) * scale * (LOW_RES_SIDE / frame.side) - 0.5
