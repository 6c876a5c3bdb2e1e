"""Masks for a whole picture: our generator beside segment_anything's SamAutomaticMaskGenerator with the same weights.

    python benchmarks/automask.py [--points-per-side 12] [--checkpoint sam_vit_b_01ec64.pth] [--picture FILE] [--json]

One picture of 1920×1080, a ViT-B; without --checkpoint its weights are made on the spot, in such a way that a realistic
share of candidates passes the thresholds. The picture is encoded once, for both; then they take turns, each run a
process of its own. Time is that after encoding, peak memory that above the process as it is with the model and the
encoded picture. matched is the share of masks that have one of the other side at IoU 0.99, one to one.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from segment_anything import SamAutomaticMaskGenerator, sam_model_registry

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from annotator.automask import AutomaskSettings, generate
from annotator.prediction import Embedding, Frame
from annotator.segmenters.sam import ARRAY, SamSegmenter
from storage.rle import Rle, iou_matrix

SIZE = (1920, 1080)
SAME = 0.99  # IoU from which on two masks are the same
SIDES = ("ours", "theirs")


def pairs(ours: list[Rle], theirs: list[Rle]) -> list[tuple[int, int]]:
    """Which masks are the same, one to one: those of the highest IoU first."""
    ious = iou_matrix(ours, theirs)
    found = []
    for place in np.argsort(-ious, axis=None, kind="stable"):
        number, other = np.unravel_index(place, ious.shape)
        if ious[number, other] < SAME:  # pairs that are taken have been set to 0, too
            if not ious.flat[place]:
                continue
            break
        found.append((int(number), int(other)))
        ious[number], ious[:, other] = 0, 0
    return found


def load_picture(path: Path) -> np.ndarray:
    return np.array(Image.open(path).convert("RGB"))


def make_picture(source: Path | None, path: Path) -> None:
    """1080×1920 of the given picture, or of skimage's coffee."""
    from skimage import data

    image = Image.fromarray(data.coffee()) if source is None else Image.open(source).convert("RGB")
    image.resize(SIZE, Image.Resampling.LANCZOS).save(path)


def build(weights: Path | None) -> SamSegmenter:
    """A ViT-B with the weights of a file, or with some made here."""
    torch.manual_seed(0)
    sam = sam_model_registry["vit_b"](checkpoint=None if weights is None else str(weights))
    return SamSegmenter(sam, name="vit_b", title="ViT-B", fingerprint="vit_b-1", device=torch.device("cpu"))


def prepare(image: np.ndarray, checkpoint: Path | None, weights: Path, encoded: Path) -> float:
    """Write the weights, if there is no checkpoint, and the encoded picture -> seconds that encoding took.

    Weights made here are such that they propose masks in this picture.
    """
    from tests.annotator.segmenters.networks import make_lively

    segmenter = build(checkpoint)
    start = time.perf_counter()
    embedding = segmenter.embed(image)
    seconds = time.perf_counter() - start
    if checkpoint is None:
        make_lively(segmenter._model._model, embedding)
        torch.save(segmenter._model._model.state_dict(), weights)
    np.save(encoded, embedding.arrays[ARRAY])
    return seconds


def memory_mb(line: str) -> float:
    """VmRSS (now) or VmHWM (the most so far) of this process."""
    for each in Path("/proc/self/status").read_text().splitlines():
        if each.startswith(f"{line}:"):
            return int(each.split()[1]) / 1024
    raise ValueError(f"/proc/self/status has no {line}.")


class Meter:
    """Seconds and peak MB from now on. Linux lets a process forget its peak so far."""

    def __init__(self) -> None:
        self._before_mb = memory_mb("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        self._start = time.perf_counter()

    def figures(self) -> dict[str, float]:
        return {"seconds": time.perf_counter() - self._start, "memory_mb": memory_mb("VmHWM") - self._before_mb}


def timed(where: Any, name: str, seconds: dict[str, float], label: str) -> None:
    """Add up in seconds[label] what calls of where.name take."""
    call = getattr(where, name)

    def measured(*args: Any, **more: Any) -> Any:
        start = time.perf_counter()
        try:
            return call(*args, **more)
        finally:
            seconds[label] = seconds.get(label, 0.0) + time.perf_counter() - start

    setattr(where, name, measured)


def run_ours(image: np.ndarray, weights: Path, encoded: Path, settings: AutomaskSettings) -> dict[str, Any]:
    segmenter, inside = build(weights), dict[str, float]()
    frame = Frame.fit((image.shape[0], image.shape[1]), side=1024)
    embedding = Embedding(segmenter=segmenter.fingerprint, frame=frame, arrays={ARRAY: np.load(encoded)})
    timed(segmenter, "predict_points", inside, "decoding")
    meter = Meter()
    found = generate(segmenter, image, settings, embedding=embedding)
    masks = [one.rle.to_coco() for one in found.visible()]
    return meter.figures() | {"decoding_s": inside["decoding"], "above_floor": len(found.found), "masks": masks}


def run_theirs(image: np.ndarray, weights: Path, encoded: Path, settings: AutomaskSettings) -> dict[str, Any]:
    sam, inside = build(weights)._model._model, dict[str, float]()
    theirs = SamAutomaticMaskGenerator(sam, **settings.to_json(), output_mode="coco_rle")
    predictor, features = theirs.predictor, torch.tensor(np.load(encoded))[None]

    def set_image(image: np.ndarray) -> None:
        size_hw = (image.shape[0], image.shape[1])
        predictor.original_size, predictor.input_size = size_hw, Frame.fit(size_hw, side=1024).inner_hw
        predictor.features, predictor.is_image_set = features, True

    predictor.set_image = set_image
    timed(sam.mask_decoder, "forward", inside, "decoding")
    meter = Meter()
    masks = [one["segmentation"] for one in theirs.generate(image)]
    return meter.figures() | {"decoding_s": inside["decoding"], "masks": masks}


def work(side: str, picture: Path, weights: Path, encoded: Path, settings: AutomaskSettings) -> dict[str, Any]:
    """One run, in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--picture", str(picture), "--checkpoint", str(weights)]
    command += ["--encoded", str(encoded), "--settings", json.dumps(settings.to_json())]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def spread(values: list[float]) -> dict[str, float]:
    return {
        name: round(float(value), 3) for name, value in zip(("min", "max"), (min(values), max(values)), strict=True)
    }


def compare(picture: Path | None, checkpoint: Path | None, settings: AutomaskSettings, repeats: int) -> dict[str, Any]:
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        image, encoded = Path(folder) / "picture.png", Path(folder) / "encoded.npy"
        weights = checkpoint or Path(folder) / "vit_b.pth"
        make_picture(picture, image)
        encode_s = prepare(load_picture(image), checkpoint, weights, encoded)
        print(f"encoded in {encode_s:.1f} s", file=sys.stderr, flush=True)
        for number in range(repeats):
            for side in SIDES if number % 2 == 0 else SIDES[::-1]:
                runs[side].append(work(side, image, weights, encoded, settings))
                seconds = runs[side][-1]["seconds"]
                print(f"{side} {number + 1} of {repeats}: {seconds:.1f} s after encoding", file=sys.stderr, flush=True)
    masks = {side: [Rle.from_coco(one) for one in runs[side][0]["masks"]] for side in SIDES}
    result: dict[str, Any] = {
        "picture": f"{SIZE[0]}×{SIZE[1]}",
        "weights": "made here" if checkpoint is None else checkpoint.name,
        "settings": settings.to_json(),
        "threads": torch.get_num_threads(),
        "repeats": repeats,
        "encode_s": round(encode_s, 1),
    }
    for name, ratio in (("seconds", "time_ratio"), ("memory_mb", "memory_ratio")):
        ours, theirs = ([one[name] for one in runs[side]] for side in SIDES)
        result[ratio] = round(float(np.median(ours) / np.median(theirs)), 4)
        result[f"{ratio}_spread"] = spread([mine / other for mine, other in zip(ours, theirs, strict=True)])
    result["matched"] = round(len(pairs(*masks.values())) / max(1, *(len(one) for one in masks.values())), 4)
    for side in SIDES:
        names = ("seconds", "decoding_s", "memory_mb")
        figures = {name: round(float(np.median([one[name] for one in runs[side]])), 3) for name in names}
        result[side] = figures | {
            "rest_s": round(figures["seconds"] - figures["decoding_s"], 3),  # upscaling, thresholds, NMS, run lengths
            "seconds_spread": spread([one["seconds"] for one in runs[side]]),
            "masks": len(masks[side]),
        }
    result["candidates"] = {
        "asked": 3 * settings.points_per_side**2,
        "above_floor": runs["ours"][0]["above_floor"],
    }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--points-per-side", type=int, default=12, help="32 is SAM's default, and takes seven times as long"
    )
    parser.add_argument(
        "--box-nms-thresh", type=float, default=0.9, help="made weights find large masks: 0.7 leaves few"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--picture", type=Path, help="resized to 1920×1080; otherwise a cup of coffee")
    parser.add_argument("--checkpoint", type=Path, help="real weights of a ViT-B")
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--encoded", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--settings", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        run = run_ours if args.side == "ours" else run_theirs
        settings = AutomaskSettings.from_json(args.settings)
        print(json.dumps(run(load_picture(args.picture), args.checkpoint, args.encoded, settings)))
        return
    settings = AutomaskSettings(points_per_side=args.points_per_side, box_nms_thresh=args.box_nms_thresh)
    result = compare(args.picture, args.checkpoint, settings, args.repeats)
    for side in SIDES:
        figures = result[side]
        seconds, decoding, megabytes = figures["seconds"], figures["decoding_s"], figures["memory_mb"]
        print(f"{side:7} {seconds:7.1f} s ({decoding:.1f} s decoding), {megabytes:6.0f} MB, {figures['masks']} masks")
    for ratio in ("time_ratio", "memory_ratio"):
        low, high = result[f"{ratio}_spread"].values()
        print(f"{ratio} {result[ratio]} (runs {low} to {high})")
    print(f"matched {result['matched']}")
    if args.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
