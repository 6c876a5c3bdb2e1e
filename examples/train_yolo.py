"""Train a small YOLO on a YOLO export of the tool, with ultralytics.

    pip install ultralytics
    python launch.py export yolo-segment EXPORT --split 0.8,0.2,0
    python examples/train_yolo.py EXPORT

One epoch from weights drawn by lot, to show that the data set is sound and how it is loaded: it needs no download and
no network. To train in earnest, start from weights that have seen much (--model yolo11n-seg.pt, which ultralytics
downloads) and give it --epochs 100. For a yolo-detect export take --model yolo11n.yaml.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn


def stop(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(1)


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path, metavar="EXPORT", help="folder of a YOLO export")
    parser.add_argument("--model", default="yolo11n-seg.yaml", help="a .yaml is untrained (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("--size", type=int, default=320, help="longer side in training (default: %(default)s pixels)")
    parser.add_argument("--batch", type=int, default=8, help="pictures a step (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument("--device", default="cpu", help='"cpu", "mps", or a GPU\'s number (default: %(default)s)')
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for weights and logs (%(default)s)")
    given = parser.parse_args(arguments)
    if min(given.epochs, given.batch) < 1 or given.size < 32:
        parser.error("--epochs and --batch are at least 1, --size at least 32.")
    return given


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train, print what ultralytics measured on val, and return it."""
    given = options(arguments)
    data = given.export.resolve() / "data.yaml"
    if not data.is_file():
        stop(f"{given.export} is no YOLO export: it has no data.yaml. Make one: launch.py export yolo-segment EXPORT")
    if given.model.endswith(".yaml"):  # nothing is to be fetched: not weights, not fonts, not packages
        os.environ.setdefault("YOLO_OFFLINE", "true")
        os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    try:
        from ultralytics import YOLO
    except ImportError:
        stop("ultralytics is missing. Install it: pip install ultralytics")
    results = YOLO(given.model).train(
        data=str(data),
        epochs=given.epochs,
        imgsz=given.size,
        batch=given.batch,
        seed=given.seed,
        device=given.device,
        project=str(given.out.resolve()),
        name="train",
        exist_ok=True,
        workers=0,
        amp=False,  # its check would download a model
        plots=False,  # their font would be downloaded
    )
    measured = {name: float(value) for name, value in results.results_dict.items()}
    for name, value in measured.items():
        print(f"{name:28} {value:.4f}")
    print(f"weights in {results.save_dir / 'weights'}")
    return measured


if __name__ == "__main__":
    main()
