"""What the built-in model is compared with: two classical methods that learn nothing, and an earlier network.

Each has `embed` and `predict` as a segmenter has, as far as benchmarks/clicks.py asks for them.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import cv2
import numpy as np
import torch

from annotator.errors import AnnotatorError
from annotator.prediction import Frame, Prompt, resize_image, upscale_mask


@dataclass(frozen=True, eq=False)
class PeerAnswer:
    """K masks of H×W bool, how good each is thought to be, and K×256×256 logits where the peer makes some."""

    masks: Sequence[np.ndarray]
    predicted_iou: np.ndarray
    low_res_logits: np.ndarray | None = None

    @property
    def best(self) -> int:
        return int(np.argmax(self.predicted_iou))

    def mask(self, index: int) -> np.ndarray:
        return self.masks[index]


class Peer(Protocol):
    """A method that is asked as a segmenter is; what `embed` gives, only its own `predict` understands."""

    fingerprint: str
    device: str

    def embed(self, image: np.ndarray) -> Any: ...

    def predict(self, embedding: Any, prompt: Prompt) -> PeerAnswer: ...


class GrabCut:
    """Graph cut (Rother et al. 2004) by OpenCV, begun from where colour and place are nearer to foreground clicks."""

    fingerprint, device = "grabcut", "cpu"
    disc = 0.012  # radius of what a click settles, as a share of the longer side
    reach = 0.35  # of the diagonal: as far away as UNLIKE is different
    unlike = 60.0  # CIELAB units
    limit = 0.9  # farther than this from all foreground clicks, nothing is foreground at first
    iterations = 3
    foreground = (cv2.GC_FGD, cv2.GC_PR_FGD)

    def embed(self, image: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(image[:, :, ::-1])

    def predict(self, embedding: np.ndarray, prompt: Prompt) -> PeerAnswer:
        lab = cv2.cvtColor(embedding, cv2.COLOR_BGR2LAB).astype(np.float32)
        height, width = lab.shape[:2]
        radius = max(3, int(self.disc * max(height, width)))
        rows, columns = np.ogrid[:height, :width]
        nearest = {True: np.full((height, width), np.inf), False: np.full((height, width), np.inf)}
        clicks = [(int(x), int(y), bool(label)) for (x, y), label in zip(*_clicks(prompt), strict=True)]
        for x, y, foreground in clicks:
            around = lab[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            colour = np.linalg.norm(lab - around.mean((0, 1)), axis=2) / self.unlike
            place = np.hypot(rows - y, columns - x) / (self.reach * np.hypot(height, width))
            nearest[foreground] = np.minimum(nearest[foreground], colour + place)
        likely = (nearest[True] < nearest[False]) & (nearest[True] < self.limit)
        trimap = np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        for x, y, foreground in clicks:
            cv2.circle(trimap, (x, y), radius, cv2.GC_FGD if foreground else cv2.GC_BGD, -1)
        if 0 < np.isin(trimap, self.foreground).sum() < trimap.size:  # else there is nothing to tell apart
            models = np.zeros((1, 65)), np.zeros((1, 65))
            cv2.grabCut(embedding, trimap, (0, 0, 0, 0), *models, self.iterations, cv2.GC_INIT_WITH_MASK)
        found = np.isin(trimap, self.foreground)
        _, parts = cv2.connectedComponents(found.astype(np.uint8))
        clicked = {int(parts[y, x]) for x, y, foreground in clicks if foreground} - {0}
        return PeerAnswer([np.isin(parts, list(clicked))], np.ones(1))


class RandomWalker:
    """Random walker (Grady 2006) by scikit-image on a reduced picture, whose edge stands for the background."""

    fingerprint, device = "random_walker", "cpu"
    side = 240  # of the reduced picture, in pixels: it takes minutes on a whole one
    disc = 3
    beta = 300

    def embed(self, image: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
        height, width = image.shape[:2]
        scale = min(1.0, self.side / max(height, width))
        small = resize_image(image, (max(2, round(height * scale)), max(2, round(width * scale))))
        return small / 255.0, (height, width)

    def predict(self, embedding: tuple[np.ndarray, tuple[int, int]], prompt: Prompt) -> PeerAnswer:
        from skimage.segmentation import random_walker

        small, (height, width) = embedding
        seeds = np.full(small.shape[:2], 2, np.int32)
        seeds[1:-1, 1:-1] = 0
        shrink = np.array([small.shape[1] / width, small.shape[0] / height])
        for xy, label in zip(*_clicks(prompt), strict=True):
            x, y = (int(value) for value in xy * shrink)
            cv2.circle(seeds, (x, y), self.disc, 1 if label else 2, -1)
        walked = random_walker(small, seeds, beta=self.beta, mode="cg_j", channel_axis=2) == 1
        whole = cv2.resize(walked.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
        return PeerAnswer([np.asarray(whole)], np.ones(1))


class EarlierNetwork:
    """A network as it lies in a folder: network.py (load, prompt_maps, SIZE, MEAN, STD) beside its weights."""

    fingerprint, device = "reference", "cpu"

    def __init__(self, folder: Path) -> None:
        self.module = _module(folder / "network.py")
        self.network = self.module.load()

    def embed(self, image: np.ndarray) -> tuple[Frame, Any]:
        module = self.module
        frame = Frame.fit((image.shape[0], image.shape[1]), side=module.SIZE)
        padded = np.zeros((module.SIZE, module.SIZE, 3), np.float32)
        inner = resize_image(image, frame.inner_hw).astype(np.float32) / 255
        padded[: frame.inner_hw[0], : frame.inner_hw[1]] = (inner - np.float32(module.MEAN)) / np.float32(module.STD)
        with torch.inference_mode():
            return frame, self.network.encoder(torch.from_numpy(padded.transpose(2, 0, 1)[None].copy()))

    def predict(self, embedding: tuple[Frame, Any], prompt: Prompt) -> PeerAnswer:
        frame, features = embedding
        points, labels = _clicks(prompt)
        maps = self.module.prompt_maps(
            points,
            labels,
            scale=frame.side / max(frame.size_hw),
            box_xyxy=prompt.box_xyxy,
            previous_logits=prompt.mask_input,
        )
        with torch.inference_mode():
            logits, predicted = (one[0].numpy() for one in self.network.decoder(features, torch.from_numpy(maps[None])))
        return PeerAnswer([upscale_mask(each, frame, frame.size_hw) for each in logits], predicted, logits)


def _clicks(prompt: Prompt) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(prompt.point_coords), np.asarray(prompt.point_labels)


def _module(path: Path) -> ModuleType:
    if not path.is_file():
        raise AnnotatorError(
            f"{path} is not there: --reference names a folder with network.py and weights.safetensors."
        )
    spec = importlib.util.spec_from_file_location("reference_network", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def peers(reference: Path | None) -> dict[str, Any]:
    """Name -> what makes the peer."""
    known: dict[str, Any] = {"grabcut": GrabCut, "random_walker": RandomWalker}
    if reference is not None:
        known["reference"] = partial(EarlierNetwork, reference)
    return known
