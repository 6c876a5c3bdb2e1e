"""How proposals are made: SAM's own names and defaults, and those of segmenters that judge themselves otherwise."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from annotator.errors import SettingsError

LIVE_IOU, LIVE_STABILITY = 0.15, 0.1  # how far below the settings' thresholds candidates are kept, to filter live
MOST_PER_SIDE, MOST_PER_BATCH, MOST_LAYERS = 256, 4096, 4


@dataclass(frozen=True)
class Floor:
    """The least that a candidate needs to be kept at all: what live filtering can go down to.

    box_nms_thresh: for `sifting.visible`; 1 where the candidates are sifted already.
    """

    pred_iou_thresh: float
    stability_score_thresh: float
    box_nms_thresh: float


@dataclass(frozen=True, kw_only=True)
class AutomaskSettings:
    """The settings of segment_anything's SamAutomaticMaskGenerator, checked. Thresholds are 0..1, areas in pixels.

    Raises SettingsError for a value that is not allowed.
    """

    points_per_side: int = 32
    points_per_batch: int = 64
    pred_iou_thresh: float = 0.88
    stability_score_thresh: float = 0.95
    stability_score_offset: float = 1.0
    box_nms_thresh: float = 0.7
    crop_n_layers: int = 0
    crop_nms_thresh: float = 0.7
    crop_overlap_ratio: float = 512 / 1500
    crop_n_points_downscale_factor: int = 1
    min_mask_region_area: int = 0

    def __post_init__(self) -> None:
        for name, least, most in (
            ("points_per_side", 1, MOST_PER_SIDE),
            ("points_per_batch", 1, MOST_PER_BATCH),
            ("crop_n_layers", 0, MOST_LAYERS),
            ("crop_n_points_downscale_factor", 1, MOST_PER_SIDE),
            ("min_mask_region_area", 0, math.inf),
        ):
            object.__setattr__(self, name, _whole(name, getattr(self, name), least, most))
        for name in ("pred_iou_thresh", "stability_score_thresh", "box_nms_thresh", "crop_nms_thresh"):
            object.__setattr__(self, name, _number(name, getattr(self, name), 1.0))
        object.__setattr__(
            self, "stability_score_offset", _number("stability_score_offset", self.stability_score_offset, math.inf)
        )
        object.__setattr__(self, "crop_overlap_ratio", _number("crop_overlap_ratio", self.crop_overlap_ratio, 0.9))
        if self.crop_n_points_downscale_factor**self.crop_n_layers > self.points_per_side:
            raise SettingsError(
                f"crop_n_points_downscale_factor {self.crop_n_points_downscale_factor} leaves no points for crop layer "
                f"{self.crop_n_layers} of points_per_side {self.points_per_side}: take a smaller factor or more points."
            )

    @classmethod
    def for_segmenter(cls, name: str, **given: Any) -> "AutomaskSettings":
        """The defaults that suit the segmenter called `name`, overridden by what is given.

        Raises SettingsError for an unknown setting, or a value that is not allowed.
        """
        return cls.from_json(DEFAULTS.get(name, {}) | given)

    @property
    def live(self) -> bool:
        """Whether thresholds can be lowered afterwards: what crops and cleaning do depends on the settings' own."""
        return not self.crop_n_layers and not self.min_mask_region_area

    @property
    def floor(self) -> Floor:
        """What the candidates of a run with these settings have at least."""
        if not self.live:
            return Floor(self.pred_iou_thresh, self.stability_score_thresh, 1.0)
        iou, stability = self.pred_iou_thresh - LIVE_IOU, self.stability_score_thresh - LIVE_STABILITY
        return Floor(round(max(0.0, iou), 6), round(max(0.0, stability), 6), self.box_nms_thresh)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "AutomaskSettings":
        """Raises SettingsError for an unknown setting, or a value that is not allowed."""
        known = [field.name for field in fields(cls)]
        if unknown := sorted(value.keys() - set(known)):
            raise SettingsError(f"No setting is called {unknown[0]!r}; there are {', '.join(known)}.")
        return cls(**value)


# By the segmenter's name in the registry; SAM's own defaults where it has no line.
DEFAULTS: dict[str, dict[str, Any]] = {
    # it knows its own masks less well than SAM does; a denser grid than its 16 finds little more at 512 pixels
    "builtin": {"points_per_side": 16, "pred_iou_thresh": 0.5, "stability_score_thresh": 0.55},
}


def _whole(name: str, value: Any, least: int, most: float) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or value != int(value) or not least <= value <= most:
        raise SettingsError(f"{name} is a whole number {_range(least, most)}, got {value!r}.")
    return int(value)


def _number(name: str, value: Any, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most or value == math.inf:
        raise SettingsError(f"{name} is a number {_range(0, most)}, got {value!r}.")
    return float(value)


def _range(least: int, most: float) -> str:
    return f"from {least} on" if most == math.inf else f"from {least} to {most:g}"
