"""The numbers of a data set as Plotly figures."""

import re

import numpy as np
import plotly.graph_objects as go

from annotator.analysis import SIZE_EDGES
from annotator.overview.figures import CELLS, Numbers
from annotator.review import SET_BY_HAND
from annotator.ui.figure import (
    BLUE,
    GREY,
    PLAIN,
    Plot,
    Series,
    category_bars,
    count,
    count_bars,
    lying_bars,
    new_figure,
    size_bars,
    unused_note,
)
from storage.records import FINISHED, ImageStatus, Origin, Split

STATUS_WORDS = {status: status.value.replace("_", " ") for status in ImageStatus}
STATUS_COLORS = {
    ImageStatus.NEW: GREY,
    ImageStatus.IN_PROGRESS: BLUE,
    ImageStatus.DONE: "#2f9e5f",
    ImageStatus.SUBMITTED: "#8a63d2",
    ImageStatus.RETURNED: "#e08a1e",
    ImageStatus.ACCEPTED: "#1b7a4b",
}
ORIGIN_WORDS = {Origin.CLICK: "clicked", Origin.AUTO: "accepted proposals", Origin.IMPORT: "imported"}
ORIGIN_COLORS = {Origin.CLICK: BLUE, Origin.AUTO: "#e08a1e", Origin.IMPORT: "#2f9e5f"}
MOST_BARS = 30  # bars: more could not be read


def facts(numbers: Numbers) -> list[dict[str, str]]:
    """The few numbers to begin with, each a value and its words."""
    begun = sum(bool(some) for some in numbers.counts)
    used = sum(bool(n) for _, n in numbers.categories)
    pairs = [
        (f"{numbers.instances:,}", "instances"),
        (f"{begun:,} of {numbers.pictures:,}", "pictures with instances"),
        (f"{sum(numbers.statuses[status] for status in FINISHED):,}", "pictures done"),
        (f"{used:,} of {len(numbers.categories):,}", "categories in use"),
    ]
    return [{"value": value, "words": words} for value, words in pairs]


def plots(numbers: Numbers) -> list[Plot]:
    """In the order of the page; [] where there is no picture."""
    if not numbers.pictures:
        return []
    made = [_statuses(numbers)]
    if numbers.instances:
        made = [_categories(numbers), _positions(numbers), _sizes(numbers), _counts(numbers), _labelers(numbers), *made]
    return [*made, _splits(numbers)]


def _categories(numbers: Numbers) -> Plot:
    note = f"{unused_note(numbers.categories)} Click a bar to see its instances."
    return Plot("categories", "Instances per category", note, category_bars(numbers.categories))


def _statuses(numbers: Numbers) -> Plot:
    shown = {status: n for status, n in numbers.statuses.items() if n or status in SET_BY_HAND}
    rows = [(STATUS_WORDS[status], [n]) for status, n in shown.items()]
    colors = [STATUS_COLORS[status] for status in shown]
    figure = lying_bars(rows, [""], colors=[colors])
    figure.update_xaxes(title_text="pictures")
    share = 100 * sum(numbers.statuses[status] for status in FINISHED) / numbers.pictures
    return Plot("statuses", "Pictures by status", f"{share:.0f} % are done.", figure)


def _sizes(numbers: Numbers) -> Plot:
    cumulated = np.cumsum(numbers.sizes)
    middle = int(np.searchsorted(cumulated, cumulated[-1] / 2)) if cumulated[-1] else 0
    low, high = SIZE_EDGES[middle], SIZE_EDGES[middle + 1]
    note = f"The scale is logarithmic. The median lies between {low:,.0f} and {high:,.0f} pixels."
    figure = size_bars([Series("instances", BLUE, numbers.sizes)])
    figure.update_layout(showlegend=False)
    return Plot("sizes", "Mask sizes", note, figure)


def _counts(numbers: Numbers) -> Plot:
    figure = count_bars([Series("instances", BLUE, numbers.counts)])
    figure.update_layout(showlegend=False)
    mean = f"On average {np.mean(numbers.counts):.1f}, at most {max(numbers.counts):,}."
    return Plot("counts", "Instances per picture", mean, figure)


def _positions(numbers: Numbers) -> Plot:
    figure = new_figure()
    middles = (np.arange(CELLS) + 0.5) * 100 / CELLS
    counts = np.array(numbers.centres, np.int32)
    # A few cells hold most masks of many a data set: by the root, the others are seen as well.
    figure.add_heatmap(
        x=middles,
        y=middles,
        z=np.sqrt(counts).round(3).tolist(),
        text=[[count(int(n), "mask") for n in row] for row in counts],
        colorscale=[[0, "rgba(47, 125, 225, 0)"], [1, "rgba(47, 125, 225, 1)"]],
        showscale=False,
        xgap=1,
        ygap=1,
        hovertemplate="%{text}<br>%{x:.0f} % from the left, %{y:.0f} % from the top" + PLAIN,
    )
    quarters = [0, 25, 50, 75, 100]
    axis = {
        "range": [0, 100],
        "tickvals": quarters,
        "ticktext": [f"{one} %" for one in quarters],
        "showgrid": False,
        "zeroline": False,
        "showline": True,
        "mirror": True,
    }
    figure.update_xaxes(**axis, constrain="domain")
    figure.update_yaxes(**axis, constrain="domain", scaleanchor="x")
    figure.update_yaxes(range=[100, 0])  # the top of the picture at the top
    figure.update_layout(height=max(280, 90 + 20 * min(30, len([1 for _, n in numbers.categories if n]))))
    note = "Where the middles of the masks' boxes lie, every picture drawn as a square. The bluer, the more."
    return Plot("positions", "Positions", note, figure)


def _labelers(numbers: Numbers) -> Plot:
    some = sorted(numbers.labelers.items(), key=lambda pair: -sum(pair[1].values()))
    rows = [(name, [made.get(origin, 0) for origin in Origin]) for name, made in some[:MOST_BARS]]
    if some[MOST_BARS:]:
        others = [made for _, made in some[MOST_BARS:]]
        rows.append((f"{len(others)} others", [sum(made.get(origin, 0) for made in others) for origin in Origin]))
    origins = [place for place, _ in enumerate(Origin) if any(counts[place] for _, counts in rows)]
    figure = lying_bars(
        [(name, [counts[place] for place in origins]) for name, counts in rows],
        [ORIGIN_WORDS[list(Origin)[place]] for place in origins],
        colors=[ORIGIN_COLORS[list(Origin)[place]] for place in origins],
    )
    figure.update_layout(showlegend=True, legend_traceorder="normal")
    figure.update_xaxes(title_text="instances")
    return Plot("labelers", "Labelers", "Who saved the instances, and how they came about.", figure)


def _splits(numbers: Numbers) -> Plot:
    if not numbers.splits:
        note = "An export with a split divides the pictures, and each stays where it came."
        return Plot("splits", "Splits", note, _nothing("no split yet"))
    some = list(numbers.splits.items())[:MOST_BARS]
    without = [max(0, numbers.pictures - sum(made.values())) for _, made in some]
    rows = [(_scheme(name), [*made.values(), left]) for (name, made), left in zip(some, without, strict=True)]
    words = [*(split.value for split in Split), "in none yet"]
    figure = lying_bars(rows, words, colors=[BLUE, "#e08a1e", "#2f9e5f", GREY])
    figure.update_layout(legend_traceorder="normal")
    figure.update_xaxes(title_text="pictures")
    return Plot("splits", "Splits", "One bar for each way of splitting that an export was asked for.", figure)


def _scheme(name: str) -> str:
    """0.800000/0.100000/0.100000 seed 0 stratified -> "80/10/10 seed 0 strat.", which a bar has room for."""
    return re.sub(r"\d\.\d+", lambda share: f"{100 * float(share[0]):g}", name).replace("stratified", "strat.")


def _nothing(words: str) -> go.Figure:
    """A figure that says that there is nothing to draw."""
    figure = new_figure()
    figure.update_layout(height=150)
    figure.add_annotation(text=words, showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure
