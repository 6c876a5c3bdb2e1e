"""The sample pictures that come with the tool (origin and licences: samples/LICENSE.md)."""

from pathlib import Path

SAMPLES = ("coffee.png", "chelsea.png", "astronaut.png", "rocket.jpg")
FOLDER = Path(__file__).resolve().parent.parent / "samples"


def sample_paths() -> list[Path]:
    """Where the samples lie, in the order they are shown."""
    return [FOLDER / name for name in SAMPLES]
