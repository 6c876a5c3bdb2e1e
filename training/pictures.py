"""A run to look at: curves, and the answers to first clicks."""

from collections.abc import Sequence

import cv2
import numpy as np

from training.validation import Shown

PANEL_HW = (150, 300)
EDGE = 34  # around a panel's plot, for its numbers
ACROSS = 4  # panels side by side
INK, GREY, LINE = (30, 30, 30), (200, 200, 200), (30, 90, 200)
TRUTH, ANSWER, CLICK = (255, 220, 0), (255, 40, 80), (0, 230, 60)


def curves(tables: Sequence[list[dict[str, float]]], against: str = "prompts") -> np.ndarray:
    """One small panel for every column of the tables but steps and seconds, over `against`: H×W×3 uint8 RGB."""
    panels = []
    for rows in tables:
        for name in dict.fromkeys(key for row in rows for key in row):
            points = [(row[against], row[name]) for row in rows if name in row]
            if name not in {"step", "seconds", against} and points:
                panels.append(_panel(name, np.array(points)))
    if not panels:
        return np.full((*PANEL_HW, 3), 255, np.uint8)
    panels += [np.full_like(panels[0], 255)] * (-len(panels) % ACROSS)
    return np.vstack([np.hstack(panels[start : start + ACROSS]) for start in range(0, len(panels), ACROSS)])


def _panel(name: str, points: np.ndarray) -> np.ndarray:
    height, width = PANEL_HW
    panel = np.full((height, width, 3), 255, np.uint8)
    low, high = points.min(0), points.max(0)
    places = (points - low) / np.maximum(high - low, 1e-12)
    pixels = np.column_stack(
        [EDGE + places[:, 0] * (width - 2 * EDGE), height - EDGE - places[:, 1] * (height - 2 * EDGE)]
    )
    cv2.rectangle(panel, (EDGE, EDGE), (width - EDGE, height - EDGE), GREY)
    cv2.polylines(panel, [pixels.round().astype(np.int32)], False, LINE, 1, cv2.LINE_AA)
    for text, place in (
        (f"{name}  {points[-1, 1]:.4g}", (EDGE, EDGE - 8)),
        (f"{high[1]:.3g}", (1, EDGE + 8)),
        (f"{low[1]:.3g}", (1, height - EDGE)),
        (f"{low[0]:.0f}", (EDGE, height - EDGE + 14)),
        (f"{high[0]:.0f}", (width - 2 * EDGE, height - EDGE + 14)),
    ):
        cv2.putText(panel, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.36, INK, 1, cv2.LINE_AA)
    return panel


def contact_sheet(shown: Sequence[Shown]) -> np.ndarray:
    """One row an object: picture with click and true outline, then the three candidates with predicted IoUs."""
    return np.vstack([_row(one) for one in shown])


def _row(shown: Shown) -> np.ndarray:
    side = shown.logits.shape[-1]
    small = cv2.resize(shown.sample.image, (side, side), interpolation=cv2.INTER_AREA)
    asked = small.copy()
    outlines, _ = cv2.findContours(shown.sample.truth.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(asked, outlines, -1, TRUTH, 1)
    row, column = shown.click
    cv2.circle(asked, (column, row), 4, CLICK, -1, cv2.LINE_AA)
    cells = [asked]
    for logits, predicted in zip(shown.logits, shown.predicted_iou, strict=True):
        mask, cell = (logits > 0) & shown.sample.valid, small.copy()
        cell[mask] = (0.5 * cell[mask] + 0.5 * np.array(ANSWER)).astype(np.uint8)
        chosen = predicted == shown.predicted_iou.max()
        truth = shown.sample.truth & shown.sample.valid
        true = (mask & truth).sum() / max(1, (mask | truth).sum())
        text = f"{'* ' if chosen else ''}{predicted:.2f} ({true:.2f})"
        cv2.putText(cell, text, (6, side - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
        cells.append(cell)
    return np.hstack(cells)
