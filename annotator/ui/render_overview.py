"""The look at the data set as the plain JSON that its page and the API's clients read."""

from dataclasses import asdict
from typing import Any

from annotator.analysis import SIZE_EDGES
from annotator.overview.checks import Check, Finding
from annotator.overview.figures import Numbers
from annotator.overview.gallery import Change, Tile
from annotator.ui import overviewplots, render
from annotator.ui.figure import plot_json, plotly_address
from annotator.workspace import Workspace

JSON = dict[str, Any]


def figures_json(numbers: Numbers) -> JSON:
    """As analysis_json: plotly is the address of the library that draws them."""
    return {
        "plotly": plotly_address(),
        "facts": overviewplots.facts(numbers),
        "figures": [plot_json(plot) for plot in overviewplots.plots(numbers)],
    }


def numbers_json(numbers: Numbers) -> JSON:
    """The same numbers for a program: sizes as {"from", "to", "masks"} in pixels, centres row by row from the top."""
    filled = [(place, n) for place, n in enumerate(numbers.sizes) if n]
    return {
        "pictures": numbers.pictures,
        "instances": numbers.instances,
        "statuses": {status.value: n for status, n in numbers.statuses.items()},
        "categories": {category.name: n for category, n in numbers.categories},
        "sizes": [
            {"from": round(SIZE_EDGES[place]), "to": round(SIZE_EDGES[place + 1]), "masks": n} for place, n in filled
        ],
        "centres": [list(row) for row in numbers.centres],
        "instances_per_picture": list(numbers.counts),
        "labelers": {name: {origin.value: n for origin, n in made.items()} for name, made in numbers.labelers.items()},
        "splits": {name: {split.value: n for split, n in made.items()} for name, made in numbers.splits.items()},
    }


def check_json(check: Check) -> JSON:
    return asdict(check) | {"name": check.name.value, "findings": [_finding_json(one) for one in check.findings]}


def _finding_json(finding: Finding) -> JSON:
    return asdict(finding) | {"instance_ids": list(finding.instance_ids)}


def tile_json(tile: Tile, workspace: Workspace) -> JSON:
    facts = tile.facts
    generation = workspace.database.generation  # after a restore, an id may be of another picture
    return {
        "id": facts.id,
        "image_id": facts.image_id,
        "image_name": tile.image_name,
        "category_id": facts.category_id,
        "area": facts.area,
        "size_hw": list(facts.size_hw),
        "predicted_iou": facts.predicted_iou,
        "origin": facts.origin.value,
        "labeler": facts.labeler,
        "url": f"annotator/crops/{facts.id}.jpg?v={tile.key}&g={generation}",
    }


def change_json(change: Change, workspace: Workspace) -> JSON:
    """What a change of many came to, and all that the page shows otherwise because of it."""
    images = (workspace.image(image_id) for image_id in change.image_ids)
    return {
        "op_id": change.op_id,
        "image_ids": list(change.image_ids),
        "gone": list(change.gone),
        "refused": list(change.refused),
        "images": [render.counted_image_json(image, workspace) for image in images],
        "categories": render.categories_json(workspace),
    }
