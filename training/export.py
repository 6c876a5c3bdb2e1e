"""The averaged weights of a run as a file for inference.

    python -m training.export RUN_FOLDER OUT.safetensors

Batch normalisation is folded, the rest half precision. `python launch.py --checkpoint OUT.safetensors` serves it.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from annotator.errors import SettingsError
from annotator.files import write_whole
from annotator.segmenters.builtin.architecture import Architecture
from annotator.segmenters.builtin.network import Network
from annotator.segmenters.builtin.weights import content_of
from training.model import folded, trainable
from training.run_folder import RunFolder


def inference_network(state: Mapping[str, Any]) -> Network:
    """The averaged network of a checkpoint, folded."""
    network = trainable(Architecture.from_metadata(state["architecture"]))
    network.load_state_dict(state["average"])
    return folded(network)


def exported(state: Mapping[str, Any]) -> bytes:
    """The weights file of a checkpoint; its header says how long it was trained, and how."""
    notes = {name: str(state[name]) for name in ("step", "prompts", "options")}
    return content_of(inference_network(state), notes | {"seconds": f"{state['seconds']:.0f}"})


def write_weights(path: Path, content: bytes) -> None:
    """Raises SystemExit with what to do where the file cannot be written; none is left half written."""
    try:
        write_whole(path, content)
    except SettingsError as error:
        raise SystemExit(str(error)) from error


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER")
    parser.add_argument("out", type=Path, metavar="OUT.safetensors")
    arguments = parser.parse_args(words)
    folder = RunFolder(arguments.run)
    if not folder.has_checkpoint:
        raise SystemExit(
            f"{arguments.run} holds no checkpoint. Train first: python -m training DATA --out {arguments.run}"
        )
    write_weights(arguments.out, exported(folder.load()))
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
