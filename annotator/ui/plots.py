"""An analysis as Plotly figures. Background, text and grid have no colours here: the page gives them its theme's."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from annotator.analysis import Analysis
from annotator.ui.figure import (
    BLUE,
    GREY,
    PLAIN,
    Plot,
    Series,
    category_bars,
    count,
    count_axis,
    count_bars,
    new_figure,
    size_bars,
    unused_note,
)
from storage.repository.statistics import MaskKind, MaskScores

# Blue and orange are told apart by every eye; the dots differ in form as well. Both stand out on light and on dark.
COLORS = {MaskKind.INSTANCE: BLUE, MaskKind.PROPOSAL: "#e08a1e"}
SYMBOLS = {MaskKind.INSTANCE: "circle", MaskKind.PROPOSAL: "diamond-open"}
WORDS = {MaskKind.INSTANCE: "instances", MaskKind.PROPOSAL: "proposals"}
PERCENT_BINS = 10
FEW_DOTS = 500


def facts(analysis: Analysis) -> list[dict[str, str]]:
    """The few numbers to begin with, each a value and its words."""
    totals = {kind: sum(counts) for kind, counts in analysis.counts.items()}
    scores = [one.predicted_iou for one in analysis.scores[MaskKind.INSTANCE].scores]
    pairs = [
        (f"{totals[MaskKind.INSTANCE]:,}", "instances"),
        (f"{totals[MaskKind.PROPOSAL]:,}", "open proposals"),
        (f"{np.median(scores):.2f}" if scores else "–", "median predicted IoU of the instances"),
    ]
    if analysis.image is None:
        begun = sum(bool(count) for count in analysis.counts[MaskKind.INSTANCE])
        pairs.append((f"{begun:,} of {len(analysis.counts[MaskKind.INSTANCE]):,}", "pictures with instances"))
    else:
        pairs.append((f"{100 * analysis.covered[MaskKind.INSTANCE][0]:.0f} %", "of the picture under instances"))
    return [{"value": value, "words": words} for value, words in pairs]


def plots(analysis: Analysis) -> list[Plot]:
    """All that can be said of it, in the order of the page; [] where there is no mask."""
    if analysis.is_empty:
        return []
    made = [_scores(analysis), _sizes(analysis), _categories(analysis)]
    if analysis.image is not None:
        return [*made, _coverage_of_one(analysis)]
    return [*made, _coverage_of_all(analysis), _counts(analysis)]


def _scores(analysis: Analysis) -> Plot:
    limits, figure = analysis.thresholds, new_figure()
    if analysis.hidden.total:
        _add_dots(figure, analysis.hidden, "proposals not shown", symbol="diamond-open", color=GREY)
    for kind, scores in reversed(list(analysis.scores.items())):  # what is saved lies on top
        if scores.total:
            _add_dots(figure, scores, WORDS[kind], symbol=SYMBOLS[kind], color=COLORS[kind])
    line = {"line_dash": "dot", "line_width": 1.5}
    figure.add_vline(x=limits.predicted_iou, **line)
    figure.add_hline(y=limits.stability_score, **line)
    figure.update_layout(hovermode="closest", showlegend=True, dragmode="zoom", height=360)
    figure.update_xaxes(title_text="predicted IoU", fixedrange=False, range=_range(figure, "x", limits.predicted_iou))
    figure.update_yaxes(
        title_text="stability score", fixedrange=False, range=_range(figure, "y", limits.stability_score)
    )
    whose = "The lines are" if limits.is_shared else "The lines are, for most pictures,"
    notes = ["Each dot is a mask: click one to see it, drag to zoom in, double-click to zoom out."]
    if len(figure.data) > 1:
        notes.append("A click on a name hides its dots.")
    notes.append(
        f"{whose} the thresholds: {limits.predicted_iou:g} predicted IoU, {limits.stability_score:g} stability."
    )
    if analysis.hidden.total:
        notes.append("Proposals not shown are below them, or overlap a better one.")
    drawn = {kind: len(scores.scores) for kind, scores in analysis.scores.items()}
    if any(drawn[kind] < scores.total for kind, scores in analysis.scores.items()):
        parts = [f"{drawn[kind]:,} of {scores.total:,} {WORDS[kind]}" for kind, scores in analysis.scores.items()]
        notes.append(f"Drawn are {' and '.join(parts)}, picked evenly.")
    unscored = sum(analysis.counts[MaskKind.INSTANCE]) - analysis.scores[MaskKind.INSTANCE].total
    if unscored > 0:
        notes.append(f"{count(unscored, 'instance')} without scores cannot be drawn.")
    return Plot("scores", "Predicted IoU and stability", " ".join(notes), figure)


def _add_dots(figure: go.Figure, scores: MaskScores, name: str, *, symbol: str, color: str) -> None:
    """customdata of a dot: [kind, id, image_id]."""
    size, opacity = (7, 0.75) if len(scores.scores) <= FEW_DOTS else (5, 0.5)  # where many lie on one another
    figure.add_scatter(
        x=_column(scores, "predicted_iou"),
        y=_column(scores, "stability_score"),
        customdata=[[one.kind.value, one.id, one.image_id] for one in scores.scores],
        text=[f"{one.area:,} pixels" for one in scores.scores],
        hovertemplate=f"{name}<br>%{{x:.3f}} predicted IoU<br>%{{y:.3f}} stability<br>%{{text}}" + PLAIN,
        name=name,
        mode="markers",
        marker={
            "symbol": symbol,
            "color": color,
            "size": size,
            "opacity": opacity,
            "line": {"width": size / 5, "color": color},
        },
    )


def _column(scores: MaskScores, name: str) -> np.ndarray:
    return np.array([getattr(one, name) for one in scores.scores], np.float32)


def _range(figure: go.Figure, axis: str, threshold: float) -> list[float]:
    """From a little below the lowest to a little above the highest value, 1 and the threshold within it."""
    values = [value for trace in figure.data for value in (trace[axis].min(), trace[axis].max())]
    return [float(min(threshold, 1.0, *values)) - 0.015, float(max(threshold, 1.0, *values)) + 0.01]


def _sizes(analysis: Analysis) -> Plot:
    figure = size_bars(_series(analysis.sizes))
    return Plot("sizes", "Mask sizes", f"The scale is logarithmic.{_both(analysis)}", figure)


def _categories(analysis: Analysis) -> Plot:
    return Plot("categories", "Categories", unused_note(analysis.categories), category_bars(analysis.categories))


def _coverage_of_one(analysis: Analysis) -> Plot:
    """One bar, cut in three: under instances, under proposals alone, under none."""
    saved = analysis.covered[MaskKind.INSTANCE][0]
    covered = analysis.covered_by_any or 0.0
    figure = new_figure()
    parts = (
        (WORDS[MaskKind.INSTANCE], saved, COLORS[MaskKind.INSTANCE]),
        ("proposals alone", covered - saved, COLORS[MaskKind.PROPOSAL]),
        ("no mask", 1 - covered, "rgba(138, 147, 163, 0.3)"),
    )
    for name, share, color in parts:
        figure.add_bar(
            orientation="h",
            x=[100 * share],
            y=[0],
            name=f"{name}, {100 * share:.0f} %",
            marker_color=color,
            hovertemplate=f"%{{x:.1f}} %: {name}" + PLAIN,
        )
    figure.update_layout(barmode="stack", showlegend=True, legend_traceorder="normal", height=150)
    figure.update_xaxes(range=[0, 100], ticksuffix=" %")
    figure.update_yaxes(visible=False)
    return Plot("coverage", "Coverage of the picture", "What several masks cover counts once.", figure)


def _coverage_of_all(analysis: Analysis) -> Plot:
    figure = new_figure()
    edges = np.linspace(0, 1, PERCENT_BINS + 1)
    for kind, shares in analysis.covered.items():
        if any(shares):
            figure.add_bar(
                x=50 * (edges[:-1] + edges[1:]),
                y=np.histogram(np.minimum(shares, 1.0), edges)[0].tolist(),
                name=WORDS[kind],
                marker_color=COLORS[kind],
                hovertemplate="%{y:,} pictures, " + WORDS[kind] + PLAIN,
            )
    figure.update_xaxes(title_text="share of a picture under masks", ticksuffix=" %", range=[0, 100])
    count_axis(figure, "pictures")
    looked_at, images = (len(analysis.covered[MaskKind.INSTANCE]), len(analysis.counts[MaskKind.INSTANCE]))
    sample = f" {looked_at:,} of {images:,} pictures were looked at, picked evenly." if looked_at < images else ""
    note = f"What several masks cover counts once.{sample}{_both(analysis)}"
    return Plot("coverage", "Coverage of the pictures", note, figure)


def _counts(analysis: Analysis) -> Plot:
    """How many pictures have so many masks."""
    means = " and ".join(
        f"{np.mean(counts):.1f} {'open ' if kind is MaskKind.PROPOSAL else ''}{WORDS[kind]}"
        for kind, counts in analysis.counts.items()
    )
    return Plot("counts", "Masks a picture", f"On average {means}.", count_bars(_series(analysis.counts)))


def _series(counts: Mapping[MaskKind, Sequence[int]]) -> list[Series]:
    return [Series(WORDS[kind], COLORS[kind], some) for kind, some in counts.items()]


def _both(analysis: Analysis) -> str:
    if analysis.image is not None or not analysis.scores[MaskKind.PROPOSAL].total:
        return ""
    return " A proposal counts also where it became an instance."
