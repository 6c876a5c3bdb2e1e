"""Where a worker gets its segmenter from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from annotator.config import Settings
from annotator.segmenters import get_segmenter
from annotator.segmenters.base import Segmenter


class Source(Protocol):
    """Goes to the workers instead of a network: pickled, and hashable, for each loads its segmenter once."""

    def load(self) -> Segmenter:
        """Raises SettingsError or CheckpointError."""
        ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class SegmenterSource:
    """A line of the segmenters' registry, with what it needs to be loaded; paths as the worker sees them."""

    name: str
    device: str = "auto"
    checkpoint: Path | None = None
    checkpoint_dir: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> "SegmenterSource":
        """The one that a workspace with these settings begins with."""
        checkpoint = None if settings.checkpoint is None else settings.checkpoint.resolve()
        return cls(settings.model, settings.device, checkpoint, settings.folder("checkpoints"))

    def load(self) -> Segmenter:
        return get_segmenter(
            self.name, device=self.device, checkpoint=self.checkpoint, checkpoint_dir=self.checkpoint_dir
        )
