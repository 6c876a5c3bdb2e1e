"""The Segment Anything Model: ViT-B, ViT-L and ViT-H through the segment-anything package."""

import pickle
import zipfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from segment_anything import sam_model_registry
from segment_anything.modeling import Sam

from annotator.errors import CheckpointError
from annotator.prediction import Embedding, Frame, PointAnswers, Prediction, Prompt, stability_scores
from annotator.segmenters.base import LoadOptions, Notify
from annotator.segmenters.checkpoints import require
from annotator.segmenters.checks import check_embedding, check_image
from annotator.segmenters.devices import DeviceModel, pick_device
from annotator.segmenters.file_hash import file_md5
from annotator.segmenters.sam_points import decode_points

PREPROCESSING = 1  # counts up when the same weights and image would give another embedding
CHUNK = {"cpu": 2, "mps": 16, "cuda": 32}  # prompts decoded at once, some 40 MB each; a CPU gains nothing by more
POINTS = {"cpu": 4, "mps": 16, "cuda": 64}  # of a grid, decoded at once
ARRAY = "image_embedding"
ENCODER_WIDTHS = {768: "vit_b", 1024: "vit_l", 1280: "vit_h"}


class SamSegmenter:
    """A Segmenter over one SAM. Gives what SamPredictor gives, but holds no image and upscales no mask.

    Encoding and answering each run one call at a time; a click does not wait for an image that is being encoded.
    """

    def __init__(
        self,
        sam: Sam,
        *,
        name: str,
        title: str,
        fingerprint: str,
        device: torch.device,
        notify: Notify | None = None,
    ) -> None:
        self.name = name
        self.title = title
        self.fingerprint = fingerprint
        self._side: int = sam.image_encoder.img_size
        self._model = DeviceModel[Sam](sam, device, title=title, notify=notify)

    @property
    def device(self) -> str:
        return self._model.device

    def embed(self, image: np.ndarray) -> Embedding:
        """Encode one image, H×W×3 uint8 RGB. The embedding holds one array, 256×64×64 float32.

        Raises ImageError for anything but such an array.
        """
        check_image(image)
        frame = Frame.fit((image.shape[0], image.shape[1]), side=self._side)
        # PIL's bilinear is what SAM was trained behind (ResizeLongestSide); another resize shifts its answers.
        scaled = np.asarray(Image.fromarray(image).resize(frame.inner_hw[::-1], Image.Resampling.BILINEAR))
        array = self._model.run("embed", partial(_encode, scaled))
        return Embedding(segmenter=self.fingerprint, frame=frame, arrays={ARRAY: array})

    def predict(self, embedding: Embedding, prompt: Prompt) -> Prediction:
        """Answer one prompt with three candidates. Raises PromptError for an embedding of another segmenter."""
        return self.predict_batch(embedding, [prompt])[0]

    def predict_batch(self, embedding: Embedding, prompts: Sequence[Prompt]) -> list[Prediction]:
        """Answer many prompts of one embedding, in their order. Those of one form are decoded together.

        Padding all to one form would cost less, but changes the answers: a padding point is a token like any other.
        """
        check_embedding(embedding, self.fingerprint)
        forms: dict[tuple[int, bool, bool], list[int]] = {}
        for index, prompt in enumerate(prompts):
            form = len(prompt.point_labels), prompt.box_xyxy is not None, prompt.mask_input is not None
            forms.setdefault(form, []).append(index)
        answers: dict[int, Prediction] = {}

        def decode(sam: Sam, device: torch.device, some: Sequence[int]) -> Iterator[tuple]:
            return zip(some, *_decode(embedding, [prompts[index] for index in some], sam, device), strict=True)

        for indices in forms.values():
            for decoded in self._model.run_many("predict", indices, decode, chunk=CHUNK):
                for index, logits, iou in decoded:
                    answers[index] = Prediction(
                        low_res_logits=logits.copy(),  # a view would keep the whole batch in memory
                        predicted_iou=iou.clip(0, 1),  # a regression: SAM itself goes a little beyond
                        stability_score=stability_scores(logits, embedding.frame),
                        frame=embedding.frame,
                    )
        return [answers[index] for index in range(len(prompts))]

    def predict_points(self, embedding: Embedding, point_coords: np.ndarray, *, above: float) -> PointAnswers:
        """Answer each point alone with the candidates above a predicted IoU; see Segmenter and sam_points.py."""
        check_embedding(embedding, self.fingerprint)
        coords = _to_frame(np.asarray(point_coords, np.float64), embedding.frame)

        def decode(sam: Sam, device: torch.device, some: Sequence[int]) -> PointAnswers:
            found = decode_points(
                sam,
                torch.tensor(embedding.arrays[ARRAY], device=device),
                torch.tensor(coords[some], device=device),
                above=above,
                inner_hw=embedding.frame.inner_hw,
            )
            return PointAnswers(
                point_index=found.point_index.cpu().numpy() + some[0],
                predicted_iou=found.predicted_iou.float().cpu().numpy(),
                low_res_logits=found.low_res_logits.float().cpu().numpy(),
            )

        return PointAnswers.joined(list(self._model.run_many("predict", range(len(coords)), decode, chunk=POINTS)))

    def features(self, embedding: Embedding) -> np.ndarray:
        """The image embedding where the picture lies, h×w×256 float32, a place for 16×16 pixels of the frame."""
        check_embedding(embedding, self.fingerprint)
        array = embedding.arrays[ARRAY]
        height, width = (max(1, round(n * array.shape[1] / self._side)) for n in embedding.frame.inner_hw)
        return np.ascontiguousarray(array[:, :height, :width].transpose(1, 2, 0))


def _encode(scaled: np.ndarray, sam: Sam, device: torch.device) -> np.ndarray:
    """h×w×3 uint8 of longer side 1024 -> 256×64×64 float32."""
    pixels = torch.tensor(scaled, device=device).permute(2, 0, 1).contiguous()[None]
    return sam.image_encoder(sam.preprocess(pixels))[0].float().cpu().numpy()


def _decode(
    embedding: Embedding, prompts: Sequence[Prompt], sam: Sam, device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """B prompts of one form -> B×3×256×256 float32 logits, B×3 float32 predicted IoU."""

    def tensor(arrays: list[np.ndarray]) -> torch.Tensor:
        return torch.tensor(np.stack(arrays), dtype=torch.float32, device=device)

    frame = embedding.frame
    points = None
    if len(prompts[0].point_labels):
        coords = tensor([_to_frame(prompt.point_coords, frame) for prompt in prompts])
        points = coords, tensor([prompt.point_labels for prompt in prompts])
    boxes = [_to_frame(prompt.box_xyxy, frame) for prompt in prompts if prompt.box_xyxy is not None]
    masks = [prompt.mask_input[None] for prompt in prompts if prompt.mask_input is not None]
    sparse, dense = sam.prompt_encoder(
        points=points, boxes=tensor(boxes) if boxes else None, masks=tensor(masks) if masks else None
    )
    logits, iou = sam.mask_decoder(
        image_embeddings=tensor([embedding.arrays[ARRAY]]),
        image_pe=sam.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=True,
    )
    return logits.float().cpu().numpy(), iou.float().cpu().numpy()


def _to_frame(coords: np.ndarray, frame: Frame) -> np.ndarray:
    """(x, y) pairs in any shape, from pixels of the original image to pixels of the frame; float32, as MPS needs.

    Scaled from the corner, without a half pixel, as ResizeLongestSide does.
    """
    scale = np.divide(frame.inner_hw[::-1], frame.size_hw[::-1])
    return (coords.reshape(-1, 2) * scale).astype(np.float32).reshape(coords.shape)


def load(name: str, title: str, options: LoadOptions) -> SamSegmenter:
    """SAM `name` with its official weights from options.checkpoint_dir, or with those of options.checkpoint.

    Raises CheckpointError where the file is missing, damaged, or of another architecture; SettingsError for a device
    that this machine has not.
    """
    device = pick_device(options.device)
    if options.checkpoint is None:
        path = require(name, options.checkpoint_dir)
    else:
        path = Path(options.checkpoint)
        if not path.is_file():
            raise CheckpointError(f"There is no file {path.resolve()}. --checkpoint takes the path of a weights file.")
    sam = _build(name, title, path)
    return SamSegmenter(
        sam,
        name=name,
        title=title,
        fingerprint=f"{name}-{file_md5(path)[:16]}-{PREPROCESSING}",
        device=device,
        notify=options.notify,
    )


def _build(name: str, title: str, path: Path) -> Sam:
    """A SAM on the CPU in float32, with the file's weights."""
    state = _read_weights(path)
    with torch.device("meta"):  # the random weights that the constructor makes would take seconds and be thrown away
        sam = sam_model_registry[name]()
    expected = {key: tuple(value.shape) for key, value in sam.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in state.items()}
    if expected != found:
        width = found.get("image_encoder.pos_embed", (0,))[-1]
        looks_like = ENCODER_WIDTHS.get(width)
        if looks_like not in (None, name):
            advice = f"It looks like {looks_like}: use --model {looks_like}."
        else:
            wrong = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
            advice = f"{len(wrong)} entries are missing, unknown or of another shape, the first is {wrong[0]}."
        raise CheckpointError(f"{path.resolve()} does not hold the weights of {title}. {advice}")
    # Copied out of the file's memory map: a file that changes or goes away must not take a running model with it.
    own = {key: value.to(torch.float32, copy=True) for key, value in state.items()}
    sam.load_state_dict(own, strict=True, assign=True)
    return sam


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file that torch.save wrote; never executes what a pickle asks for."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError, OSError) as error:
        raise CheckpointError(
            f"{path.resolve()} cannot be read as weights; it is damaged, or not a file of tensors alone "
            "(nothing in it was executed). Fetch it again, or name another one with --checkpoint."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise CheckpointError(
            f"{path.resolve()} holds something else than a dictionary of tensors, as SAM's weights are. "
            "Name another file with --checkpoint."
        )
    return state
