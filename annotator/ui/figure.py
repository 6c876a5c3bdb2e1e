"""What the Plotly figures of the page share. Background, text and grid have no colours here: the page gives them its
theme's.
"""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import plotly
import plotly.graph_objects as go

from annotator.analysis import SIZE_EDGES
from storage.records import CategoryRecord

PLOTLY_FILE = Path(plotly.__file__).with_name("package_data") / "plotly.min.js"  # draws the figures in the page
PLOTLY_VERSION = plotly.__version__

BLUE = "#2f7de1"  # stands out on light and on dark
GREY = "#8a93a3"
PLAIN = "<extra></extra>"  # without the second box that Plotly writes a name in, whose colours cannot be chosen
MOST_CATEGORIES, NAME_LENGTH = 30, 22  # bars, letters of a name: more could not be read
MOST_BINS = 24  # of the histogram of masks a picture


@dataclass(frozen=True)
class Plot:
    """A figure, and what stands around it in plain text."""

    name: str
    title: str
    note: str
    figure: go.Figure


@dataclass(frozen=True)
class Series:
    """Counts that are drawn together, what is counted in words, and its colour."""

    words: str
    color: str
    counts: Sequence[int]


def plotly_address() -> str:
    """Where the page finds the library."""
    return f"annotator/plotly.js?v={PLOTLY_VERSION}"


def plot_json(plot: Plot) -> dict[str, Any]:
    return {"name": plot.name, "title": plot.title, "note": plot.note, "figure": plot.figure.to_dict()}


def new_figure() -> go.Figure:
    axis = {"automargin": True, "fixedrange": True}  # a finger that scrolls past must not zoom
    return go.Figure(
        layout={
            "template": go.layout.Template(),
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "margin": {"l": 56, "r": 24, "t": 32, "b": 44},
            "height": 280,
            "barmode": "group",
            "bargap": 0.12,
            "dragmode": False,
            "xaxis": axis,
            "yaxis": axis,
        }
    )


def size_bars(some: Sequence[Series]) -> go.Figure:
    """Masks in each bin of SIZE_EDGES, from the first bin that holds some to the last."""
    figure = new_figure()
    filled = np.flatnonzero(np.sum([series.counts for series in some], axis=0))
    first, last = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, 1)
    exponents = np.log10(SIZE_EDGES)
    for series in some:
        if any(series.counts):
            figure.add_bar(
                x=(exponents[first:last] + exponents[first + 1 : last + 1]) / 2,
                y=list(series.counts[first:last]),
                text=[f"{SIZE_EDGES[at]:,.0f} to {SIZE_EDGES[at + 1]:,.0f} pixels" for at in range(first, last)],
                textposition="none",
                hovertemplate="%{y:,} " + series.words + "<br>%{text}" + PLAIN,
                name=series.words,
                marker_color=series.color,
            )
    powers = list(range(math.floor(exponents[first]), math.ceil(exponents[last]) + 1))
    figure.update_xaxes(
        title_text="pixels",
        tickvals=powers,
        ticktext=[_short(10**power) for power in powers],
        range=[exponents[first] - 0.1, exponents[last] + 0.1],
    )
    count_axis(figure, "masks")
    return figure


def count_bars(some: Sequence[Series]) -> go.Figure:
    """How many pictures have so many masks; counts: the masks of each picture."""
    figure = new_figure()
    most = max((max(series.counts, default=0) for series in some), default=0)
    width = math.ceil((most + 1) / MOST_BINS)
    edges = np.arange(0, most + width + 1, width)
    for series in some:
        if any(series.counts):
            figure.add_bar(
                x=edges[:-1] + (width - 1) / 2,
                y=np.histogram(series.counts, edges)[0].tolist(),
                text=[f"{at}" if width == 1 else f"{at} to {at + width - 1}" for at in edges[:-1]],
                textposition="none",
                name=series.words,
                marker_color=series.color,
                hovertemplate="%{y:,} pictures with %{text} " + series.words + PLAIN,
            )
    figure.update_xaxes(title_text="masks on a picture", **whole_ticks(most))
    count_axis(figure, "pictures")
    return figure


def category_bars(categories: Sequence[tuple[CategoryRecord, int]]) -> go.Figure:
    """The most used ones, each in its colour; customdata of a bar is the category's id, None for the rest together."""
    used = sorted(((category, n) for category, n in categories if n), key=lambda pair: -pair[1])
    rows: list[tuple[int | None, str, str, int]] = [
        (category.id, category.name, category.color, n) for category, n in used[:MOST_CATEGORIES]
    ]
    if used[MOST_CATEGORIES:]:
        others = used[MOST_CATEGORIES:]
        rows.append((None, f"{len(others)} others", GREY, sum(n for _, n in others)))
    figure = lying_bars([(name, [n]) for _, name, _, n in rows], [""], colors=[[color for _, _, color, _ in rows]])
    figure.update_traces(customdata=[category_id for category_id, _, _, _ in rows])
    figure.update_xaxes(title_text="instances")
    return figure


def lying_bars(
    rows: Sequence[tuple[str, Sequence[int]]], words: Sequence[str], *, colors: Sequence[str | Sequence[str]]
) -> go.Figure:
    """A bar for each (name, counts), the counts one behind the other; words and colors: of each of the counts."""
    figure = new_figure()
    names = [short_name(name) for name, _ in rows]
    for place, (word, color) in enumerate(zip(words, colors, strict=True)):
        figure.add_bar(
            orientation="h",
            x=[counts[place] for _, counts in rows],
            y=list(range(len(rows))),
            text=names,
            textposition="none",
            name=word,
            hovertemplate="%{text}: %{x:,}" + (f" {word}" if word else "") + PLAIN,
            marker={"color": color, "line": {"color": GREY, "width": 1}},
        )
    figure.update_layout(barmode="stack", showlegend=len(words) > 1, height=max(280, 90 + 20 * len(rows)))
    most = max((sum(counts) for _, counts in rows), default=0)
    figure.update_xaxes(rangemode="tozero", **whole_ticks(most))
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=names,
        range=[max(len(rows), 4) - 0.4, -0.6],  # the first at the top, and a single bar no wall
        showgrid=False,
    )
    return figure


def unused_note(categories: Sequence[tuple[CategoryRecord, int]]) -> str:
    """Which categories have no bar."""
    unused = [category.name for category, n in categories if not n]
    if len(unused) == len(categories):
        return "Nothing is saved under a category yet."
    if not unused:
        return "Every category is in use."
    more = f" and {len(unused) - 3} more" if len(unused) > 3 else ""
    return f"Without an instance: {', '.join(unused[:3])}{more}."


def count_axis(figure: go.Figure, title: str) -> None:
    highest = max((max(trace.y, default=0) for trace in figure.data), default=0)
    figure.update_layout(showlegend=True)
    figure.update_yaxes(title_text=title, rangemode="tozero", **whole_ticks(highest))


def whole_ticks(highest: float) -> dict[str, Any]:
    """Nothing is counted in halves."""
    return {"dtick": 1} if highest <= 5 else {"tickformat": ",d"}


def short_name(name: str) -> str:
    """As Plotly shows it: what looks like markup is none."""
    return html.escape(name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…", quote=False)


def _short(number: int) -> str:
    """10000 -> "10k"."""
    for size, sign in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number // size}{sign}"
    return str(number)


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
