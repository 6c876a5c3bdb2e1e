"""What every segmenter offers. `predict` is stateless: no segmenter holds "the current image"."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from annotator.prediction import Embedding, PointAnswers, Prediction, Prompt

Notify = Callable[[str], None]  # takes one line for the user: "out of GPU memory, going on on the CPU"


@runtime_checkable
class Segmenter(Protocol):
    """A promptable network over one set of weights; safe to call from several threads."""

    name: str  # its key in the registry
    title: str  # what a person reads: "built-in", "SAM ViT-B"
    fingerprint: str  # changes whenever the weights or the preprocessing do; keys cached embeddings

    @property
    def device(self) -> str:
        """Where it runs now: "cpu", "cuda:0", "mps"; may change when a GPU runs out of memory."""
        ...

    def embed(self, image: np.ndarray) -> Embedding:
        """Encode one image, H×W×3 uint8 RGB (upright). The slow part; its answer serves any number of prompts."""
        ...

    def predict(self, embedding: Embedding, prompt: Prompt) -> Prediction:
        """Answer one prompt with three candidates. Raises PromptError for an embedding of another segmenter."""
        ...

    def predict_batch(self, embedding: Embedding, prompts: Sequence[Prompt]) -> list[Prediction]:
        """Answer many prompts of one embedding, in their order; the same answers as one by one, to rounding."""
        ...

    def predict_points(self, embedding: Embedding, point_coords: np.ndarray, *, above: float) -> PointAnswers:
        """Answer each of N×2 (x, y) points alone, as a foreground click, with the candidates above a predicted IoU.

        `PointAnswers.of` makes it of predict_batch; a segmenter may know how to do no more than is asked for.
        """
        ...

    def features(self, embedding: Embedding) -> np.ndarray:
        """What the encoder saw at each place of the picture, h×w×C float32 without the padding; alike places are near.

        Raises PromptError for an embedding of another segmenter.
        """
        ...


@dataclass(frozen=True)
class LoadOptions:
    """What a segmenter may need to know to be built.

    device: "auto", "cpu", "cuda", "cuda:N" or "mps". checkpoint: a weights file to use in place of the known one.
    checkpoint_dir: where known files are looked for. notify: told one line when something changes by itself.
    """

    device: str = "auto"
    checkpoint: Path | None = None
    checkpoint_dir: Path | None = None
    notify: Notify | None = None


@dataclass(frozen=True)
class SegmenterInfo:
    """A line of the registry: how to name a segmenter before it is loaded, and how to load it."""

    name: str
    title: str
    load: Callable[[LoadOptions], Segmenter]
    download_bytes: int = 0  # size of the checkpoint file to fetch; 0 where nothing is to be fetched
