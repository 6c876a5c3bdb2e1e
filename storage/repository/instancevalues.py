"""What an instance's row holds, as plain JSON."""

from collections.abc import Collection
from typing import Any

from storage.schema import InstanceRow

VALUE_KEYS = ("category_id", "rle", "predicted_iou", "stability_score", "model", "origin", "prompt", "is_crowd")


def values_of(row: InstanceRow, keys: Collection[str] = VALUE_KEYS) -> dict[str, Any]:
    """What the row holds now, in the form that `assign_values` takes."""
    special = {"rle": {"size": [row.rle_height, row.rle_width], "counts": row.rle_counts}}
    return {key: special[key] if key in special else getattr(row, key) for key in VALUE_KEYS if key in keys}


def state_of(row: InstanceRow) -> dict[str, Any]:
    """The same, and whether it is deleted."""
    return {**values_of(row), "deleted": row.deleted_at is not None}
