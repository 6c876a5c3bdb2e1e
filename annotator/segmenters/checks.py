"""What every segmenter refuses at its door."""

import numpy as np

from annotator.errors import ImageError, PromptError
from annotator.prediction import Embedding


def check_image(image: np.ndarray) -> None:
    """Raise ImageError unless image is H×W×3 uint8 with at least one pixel."""
    if not isinstance(image, np.ndarray):
        raise ImageError(f"Expected a picture as an H×W×3 uint8 array in RGB order, got a {type(image).__name__}.")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ImageError(
            f"Expected a picture as an H×W×3 uint8 array in RGB order, got {image.dtype} of shape {image.shape}."
        )


def check_embedding(embedding: Embedding, fingerprint: str) -> None:
    """Raise PromptError unless the segmenter with this fingerprint made the embedding."""
    if embedding.segmenter != fingerprint:
        raise PromptError(
            f"This picture was encoded by {embedding.segmenter}, and {fingerprint} is asked about it: encode it again."
        )
