"""The segmenters there are. A new one is a file in this room and a line in SEGMENTERS.

Nothing here imports torch: the page and the command line name the segmenters long before one is loaded.
"""

from functools import partial
from pathlib import Path

from annotator.errors import SettingsError
from annotator.segmenters.base import LoadOptions, Notify, Segmenter, SegmenterInfo
from annotator.segmenters.checkpoints import CHECKPOINTS


def _load_builtin(options: LoadOptions) -> Segmenter:
    from annotator.segmenters import builtin

    return builtin.load(options)


def _load_sam(name: str, title: str, options: LoadOptions) -> Segmenter:
    from annotator.segmenters import sam

    return sam.load(name, title, options)


def _sam(name: str, title: str) -> SegmenterInfo:
    return SegmenterInfo(name, title, partial(_load_sam, name, title), download_bytes=CHECKPOINTS[name].size or 0)


SEGMENTERS: dict[str, SegmenterInfo] = {
    info.name: info
    for info in (
        SegmenterInfo("builtin", "built-in", _load_builtin),
        _sam("vit_b", "SAM ViT-B"),
        _sam("vit_l", "SAM ViT-L"),
        _sam("vit_h", "SAM ViT-H"),
    )
}


def get_segmenter(
    name: str,
    *,
    device: str = "auto",
    checkpoint: Path | None = None,
    checkpoint_dir: Path | None = None,
    notify: Notify | None = None,
) -> Segmenter:
    """Load a segmenter by its name in SEGMENTERS.

    device: "auto", "cpu", "cuda", "cuda:N" or "mps". checkpoint: a weights file in place of the known one.
    checkpoint_dir: where known files lie, `checkpoints/` of the default workspace when None.
    notify: told one line when something changes by itself, such as a move to the CPU.

    Raises SettingsError for an unknown name or a device this machine has not, CheckpointError for missing or wrong
    weights.
    """
    if name not in SEGMENTERS:
        raise SettingsError(f"No model is called {name!r}. Choose one of: {', '.join(SEGMENTERS)}.")
    options = LoadOptions(device=device, checkpoint=checkpoint, checkpoint_dir=checkpoint_dir, notify=notify)
    return SEGMENTERS[name].load(options)
