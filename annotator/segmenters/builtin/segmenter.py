"""The built-in network behind the Segmenter protocol."""

import hashlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from annotator.errors import CheckpointError
from annotator.prediction import (
    Embedding,
    Frame,
    PointAnswers,
    Prediction,
    Prompt,
    resize_image,
    single_points,
    stability_scores,
)
from annotator.segmenters.base import LoadOptions, Notify
from annotator.segmenters.builtin.consensus import agreed
from annotator.segmenters.builtin.drawing import prompt_maps
from annotator.segmenters.builtin.network import SIDE, Network, Prepared
from annotator.segmenters.builtin.weights import network_from
from annotator.segmenters.builtin.window import CLOSEST, WHOLE, Window, close_up
from annotator.segmenters.checks import check_embedding, check_image
from annotator.segmenters.devices import DeviceModel, Lane, multiplies_bfloat16, pick_device
from annotator.segmenters.obedience import obey

WEIGHTS = Path(__file__).with_name("weights.safetensors")
PREPROCESSING = 2  # raise it whenever what goes into the encoder, or what is kept of it, changes
MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # of RGB in 0..1, as ImageNet networks are fed
STD = np.array([0.229, 0.224, 0.225], np.float32)
FEATURE_STRIDE = 8  # of the frame's pixels: the finest scale of the queries
CHUNK = {"cpu": 4, "mps": 16, "cuda": 64}  # prompts in one decoder pass: some 25 MB of activations each
PICTURE = "picture"  # the array of an embedding that holds pixels, for close-ups
KEPT_WINDOWS = 48  # encoded, 2 MB each: a labeler works in one, and comes back to it with undo


class BuiltinSegmenter:
    """Encodes a picture in a fraction of a second on a CPU and answers each prompt with three candidates.

    Candidates that are much alike are averaged (consensus.py). Every click is obeyed: where an answer leaves out a
    foreground click or covers a background click, its low-res logits are mended in the nearest region before they are
    handed out (annotator/segmenters/obedience.py). Masks, stability scores and low_res_logits all speak of the mended
    answer; predicted_iou is the network's.

    A prompt with a small box, or with an earlier mask that is small, gets its answer from a close-up: a window around
    it is encoded from the picture's own pixels (window.py).
    """

    name = "builtin"
    title = "built-in"

    def __init__(
        self,
        network: Network,
        *,
        fingerprint: str,
        device: torch.device,
        notify: Notify | None = None,
        close_ups: bool = True,
    ) -> None:
        self.fingerprint, self.close_ups = fingerprint, close_ups
        self._windows: OrderedDict[tuple[weakref.ref[Embedding], Window], Mapping[str, np.ndarray]] = OrderedDict()
        self._lock = threading.Lock()  # of the windows
        # on CPUs the convolutions run up to twice as fast with the channels innermost
        network = network.to(memory_format=torch.channels_last)
        self._model = DeviceModel(network, device, title=self.title, notify=notify)

    @property
    def device(self) -> str:
        return self._model.device

    def embed(self, image: np.ndarray) -> Embedding:
        """H×W×3 uint8 RGB -> what every answer about it needs: H×W×C float32 arrays, channels innermost, and pixels."""
        check_image(image)
        frame = Frame.fit((image.shape[0], image.shape[1]), side=SIDE)
        arrays = self._encode(resize_image(image, frame.inner_hw), SIDE, "embed")
        closest = Frame.fit(frame.size_hw, side=min(CLOSEST, max(frame.size_hw)))
        return Embedding(self.fingerprint, frame, {**arrays, PICTURE: np.array(resize_image(image, closest.inner_hw))})

    def predict(self, embedding: Embedding, prompt: Prompt) -> Prediction:
        """Answer one prompt with three candidates. Raises PromptError for an embedding of another segmenter."""
        return self.predict_batch(embedding, [prompt])[0]

    def predict_batch(self, embedding: Embedding, prompts: Sequence[Prompt]) -> list[Prediction]:
        """Answer many prompts of one embedding, in their order; one pass for each chunk of them, to bound memory."""
        check_embedding(embedding, self.fingerprint)
        prompts = [self._led(embedding, prompt) for prompt in prompts]
        close = [self._close_up(embedding, prompt) for prompt in prompts]
        left = [prompt for prompt, answer in zip(prompts, close, strict=True) if answer is None]
        decoded = zip(left, self._decode(embedding.arrays, left, embedding.frame, WHOLE), strict=True)
        others = (_prediction(*found, prompt, embedding.frame) for prompt, found in decoded)
        return [answer or next(others) for answer in close]

    def predict_points(self, embedding: Embedding, point_coords: np.ndarray, *, above: float) -> PointAnswers:
        """Answer each point alone with the candidates above a predicted IoU; see Segmenter."""
        return PointAnswers.of(self.predict_batch(embedding, single_points(point_coords)), above=above)

    def features(self, embedding: Embedding) -> np.ndarray:
        """The unit vectors by which the network itself tells what is alike, of all three scales one after another."""
        check_embedding(embedding, self.fingerprint)
        height, width = (max(1, round(n / FEATURE_STRIDE)) for n in embedding.frame.inner_hw)
        side = SIDE // FEATURE_STRIDE
        scales = [cv2.resize(embedding.arrays[name], (side, side)) for name in ("query1", "query2", "query3")]
        return np.concatenate(scales, axis=2)[:height, :width]

    def _encode(self, pixels: np.ndarray, side: int, lane: Lane) -> Mapping[str, np.ndarray]:
        """H×W×3 uint8 RGB, at most side×side -> the arrays of a picture that has nothing right of it and below."""
        padded = np.zeros((1, side, side, 3), np.float32)
        padded[0, : pixels.shape[0], : pixels.shape[1]] = (pixels.astype(np.float32) / 255 - MEAN) / STD

        def encode(network: Network, device: torch.device) -> dict[str, np.ndarray]:
            prepared = network.decoder.prepare(network.encoder(_channels_last(padded, device)))
            return {name: _innermost(tensor) for name, tensor in prepared._asdict().items()}

        return self._model.run(lane, encode)

    def _decode(
        self, arrays: Mapping[str, np.ndarray], prompts: Sequence[Prompt], frame: Frame, window: Window
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each prompt 3×s×s float32 logits of the window and 3 predicted IoUs, before they are mended."""

        def decode(
            network: Network, device: torch.device, some: Sequence[Prompt]
        ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            prepared = Prepared(**{name: _channels_last(arrays[name], device) for name in Prepared._fields})
            drawn = np.stack([prompt_maps(prompt, frame, window) for prompt in some])
            maps = torch.from_numpy(drawn).to(device, memory_format=torch.channels_last)
            inside = torch.from_numpy(window.inside(frame)[None, None]).to(device)
            # In bfloat16 a click takes two thirds of the time, and masks differ by a thousandth of their IoU.
            quicker = device.type == "cpu" and multiplies_bfloat16()
            with torch.autocast(device.type, torch.bfloat16, enabled=quicker):
                logits, predicted_iou = network.decoder(prepared, maps, inside)
            logits = agreed(logits.float(), predicted_iou.float())
            found = logits.contiguous().cpu().numpy(), predicted_iou.float().clamp(0, 1).cpu().numpy()
            return zip(*found, strict=True)

        for decoded in self._model.run_many("predict", prompts, decode, chunk=CHUNK):
            yield from decoded

    def _led(self, embedding: Embedding, prompt: Prompt) -> Prompt:
        """Several clicks at once, with what the first of the foreground finds fed back: in training, too, clicks that
        correct come after a mask. Any other prompt as it is.
        """
        foreground = np.flatnonzero(prompt.point_labels == 1)[:1]
        if prompt.mask_input is not None or len(prompt.point_coords) < 2 or not len(foreground):
            return prompt
        first = Prompt(prompt.point_coords[foreground], prompt.point_labels[foreground], prompt.box_xyxy)
        found = self.predict(embedding, first)
        return replace(prompt, mask_input=found.low_res_logits[found.best])

    def _close_up(self, embedding: Embedding, prompt: Prompt) -> Prediction | None:
        """The answer from close up; None where that would show no more, or not all that is found there."""
        frame = embedding.frame
        window = close_up(prompt, frame) if self.close_ups else None
        if window is None:
            return None
        ((logits, predicted_iou),) = self._decode(self._window_arrays(embedding, window), [prompt], frame, window)
        if window.cuts(logits[int(predicted_iou.argmax())], frame):
            return None
        return _prediction(window.spread(logits), predicted_iou, prompt, frame)

    def _window_arrays(self, embedding: Embedding, window: Window) -> Mapping[str, np.ndarray]:
        """A window encoded, kept as long as its picture's embedding is in use and others do not crowd it out."""
        key = weakref.ref(embedding), window
        with self._lock:
            if key in self._windows:
                self._windows.move_to_end(key)
                return self._windows[key]
        pixels = window.pixels(embedding.arrays[PICTURE], embedding.frame)
        arrays = self._encode(pixels, window.side, "predict")  # for a click, which waits for no other picture
        with self._lock:
            self._windows[key] = arrays
            self._windows.move_to_end(key)
            for gone in [one for one in self._windows if one[0]() is None]:
                del self._windows[gone]
            while len(self._windows) > KEPT_WINDOWS:
                self._windows.popitem(last=False)
        return arrays


def _prediction(logits: np.ndarray, predicted_iou: np.ndarray, prompt: Prompt, frame: Frame) -> Prediction:
    """3×256×256 logits and predicted IoUs -> the answer, mended where a click was not obeyed."""
    mended = obey(logits, prompt, frame)
    return Prediction(mended, predicted_iou, stability_scores(mended, frame), frame)


def _channels_last(array: np.ndarray, device: torch.device) -> Tensor:
    """1×H×W×C float32 array (or H×W×C) -> 1×C×H×W tensor, on a CPU in the same memory."""
    writable = np.require(array, requirements="W")  # torch has no tensors that are only for reading, and warns
    return torch.from_numpy(writable.reshape(1, *array.shape[-3:])).permute(0, 3, 1, 2).to(device)


def _innermost(tensor: Tensor) -> np.ndarray:
    """1×C×H×W tensor -> H×W×C float32 array."""
    return tensor[0].permute(1, 2, 0).float().contiguous().cpu().numpy()


def load(options: LoadOptions, *, close_ups: bool = True) -> BuiltinSegmenter:
    """The built-in segmenter with its own weights, or with those of options.checkpoint. close_ups: see its class.

    Raises CheckpointError for a weights file that is missing or not of this network, SettingsError for a device that
    this machine has not.
    """
    path = options.checkpoint or WEIGHTS
    device = pick_device(options.device)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"The weights of the built-in model could not be read: {path}: {error.strerror}. Restore the file from the "
            "repository, or leave out --checkpoint."
        ) from error
    try:
        network = network_from(content)
    except ValueError as error:
        raise CheckpointError(
            f"{path} does not hold the weights of the built-in model. Restore the file from the repository, or leave "
            "out --checkpoint."
        ) from error
    fingerprint = f"builtin-{hashlib.sha256(content).hexdigest()[:16]}-{PREPROCESSING}"
    return BuiltinSegmenter(network, fingerprint=fingerprint, device=device, notify=options.notify, close_ups=close_ups)
