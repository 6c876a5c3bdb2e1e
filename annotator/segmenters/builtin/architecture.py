"""How large the built-in network is: what its weights file says of itself, so that a larger one loads as well."""

import json
from dataclasses import asdict, dataclass

# EfficientNet-Lite (Tan & Le 2019), stage by stage: repeats, kernel, stride, expansion, channels out
BACKBONES: dict[str, tuple[tuple[int, int, int, int, int], ...]] = {
    "lite0": (
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
    ),
    "lite1": (
        (1, 3, 1, 1, 16),
        (3, 3, 2, 6, 24),
        (3, 5, 2, 6, 40),
        (4, 3, 2, 6, 80),
        (4, 5, 1, 6, 112),
        (5, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
    ),
    "lite2": (
        (1, 3, 1, 1, 16),
        (3, 3, 2, 6, 24),
        (3, 5, 2, 6, 48),
        (4, 3, 2, 6, 88),
        (4, 5, 1, 6, 120),
        (5, 5, 2, 6, 208),
        (1, 3, 1, 6, 352),
    ),
}
TAPPED = (1, 2, 4, 6)  # the stages whose outputs are kept, at strides 4, 8, 16, 32
LEVELS = len(TAPPED)
METADATA_KEY = "architecture"  # of the weights file


@dataclass(frozen=True)
class Architecture:
    """What a network is built from. The defaults are those of weights files that say nothing.

    backbone: a key of BACKBONES. features, decoder: channels of feature pyramid and decoder at strides 4, 8, 16, 32.
    query: channels in which the likeness of two places is measured.
    """

    backbone: str = "lite0"
    features: tuple[int, ...] = (24, 40, 80, 112)
    decoder: tuple[int, ...] = (24, 48, 80, 128)
    query: int = 32

    def __post_init__(self) -> None:
        if self.backbone not in BACKBONES:
            raise ValueError(f"No backbone is called {self.backbone!r}. There are {', '.join(BACKBONES)}.")
        for name in ("features", "decoder"):
            widths = tuple(int(width) for width in getattr(self, name))
            if len(widths) != LEVELS or min(widths) < 1:
                raise ValueError(f"{name} takes {LEVELS} widths above 0, got {widths}.")
            object.__setattr__(self, name, widths)
        if self.query < 1:
            raise ValueError(f"query takes a width above 0, got {self.query}.")

    @property
    def tapped(self) -> dict[int, int]:
        """Number of each backbone block whose output is kept -> its channels."""
        last, found = -1, {}
        for stage, (repeats, *_, channels) in enumerate(BACKBONES[self.backbone]):
            last += repeats
            if stage in TAPPED:
                found[last] = channels
        return found

    def to_metadata(self) -> dict[str, str]:
        """For the header of a safetensors file, which holds text alone."""
        return {METADATA_KEY: json.dumps(asdict(self))}

    @classmethod
    def from_metadata(cls, metadata: dict[str, str] | None) -> "Architecture":
        """Raises ValueError for a description that this version does not understand."""
        try:
            return cls(**json.loads((metadata or {}).get(METADATA_KEY, "{}")))
        except TypeError as error:
            raise ValueError(f"The weights are of an architecture unknown to this version: {error}.") from error
