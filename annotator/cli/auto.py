"""`launch.py auto`: masks proposed on many pictures."""

import os
from contextlib import ExitStack
from dataclasses import fields
from typing import Annotated, Any

import typer

from annotator.cli.models import fetch_missing_checkpoint
from annotator.cli.options import Checkpoint, Data, DatabaseUrl, OtherDevice, OtherModel, existing_workspace, settings
from annotator.cli.terminal import clear_errors, progress, say, until_interrupt
from annotator.errors import SettingsError

AUTO_LABELER = "auto"  # whose instances --accept saves


def _grid(help: str) -> Any:
    """An option of SAM's own name, its default that of the model."""
    return typer.Option(help=f"{help} [default: the model's]", show_default=False)


def auto_command(
    context: typer.Context,
    data: Data = None,
    database: DatabaseUrl = None,
    model: OtherModel = None,
    device: OtherDevice = None,
    checkpoint: Checkpoint = None,
    image: Annotated[
        list[str] | None, typer.Option("--image", help="Only the picture of that name; may be said again.")
    ] = None,
    accept: Annotated[
        str | None, typer.Option("--accept", metavar="CATEGORY", help="Save what is proposed as that category at once.")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="local: here, one picture after another; dask: many at once, by worker processes.")
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Worker processes of dask on this machine. [default: one a core; with a GPU, one]"),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A Dask cluster that is there already, such as tcp://10.0.0.5:8786."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also where the same was done before.")] = False,
    points_per_side: Annotated[int | None, _grid("Grid points along a side of the picture.")] = None,
    points_per_batch: Annotated[int | None, _grid("Points asked at once.")] = None,
    pred_iou_thresh: Annotated[float | None, _grid("Least predicted IoU.")] = None,
    stability_score_thresh: Annotated[float | None, _grid("Least stability score.")] = None,
    stability_score_offset: Annotated[float | None, _grid("How far the cut-off moves to measure stability.")] = None,
    box_nms_thresh: Annotated[float | None, _grid("Box IoU above which the lesser of two masks goes.")] = None,
    crop_n_layers: Annotated[int | None, _grid("Layers of crops that are looked at, too.")] = None,
    crop_nms_thresh: Annotated[float | None, _grid("The same box IoU, between crops.")] = None,
    crop_overlap_ratio: Annotated[float | None, _grid("How much neighbouring crops overlap.")] = None,
    crop_n_points_downscale_factor: Annotated[int | None, _grid("How much coarser the grid of each layer is.")] = None,
    min_mask_region_area: Annotated[int | None, _grid("Pixels; smaller holes and islands are cleaned away.")] = None,
) -> None:
    """Propose masks on the pictures; they wait in the page. Ctrl+C keeps what is done, the same command goes on."""
    from annotator.automask import AutomaskSettings
    from annotator.clusters import LOCAL, SegmenterSource, open_cluster

    named = {field.name: context.params[field.name] for field in fields(AutomaskSettings)}
    given = {name: value for name, value in named.items() if value is not None}
    with clear_errors():
        if engine == LOCAL and (workers or cluster):
            raise SettingsError("--workers and --cluster are of a cluster: say --engine dask with them.")
        if workers and cluster:
            raise SettingsError("--workers is of a cluster on this machine; the one at --cluster has its own.")
        chosen = settings(context, data, database, model, device, checkpoint)
        AutomaskSettings.for_segmenter(chosen.model, **given)  # a mistake is said before anything is downloaded
        fetch_missing_checkpoint(chosen)
        with ExitStack() as stack:
            workspace = stack.enter_context(existing_workspace(chosen))
            ids = None if not image else workspace.image_ids_called(image)
            category = None if accept is None else workspace.category_called(accept)
            saved = 0

            def finish(image_id: int) -> None:
                nonlocal saved
                if category is not None:
                    saved += workspace.accept_shown(image_id, category.id, labeler=AUTO_LABELER)

            show = stack.enter_context(progress("proposing"))
            at_work = None
            if engine != LOCAL:
                show.say("waits for the cluster")
                count = workers or _workers_of_this_machine(workspace.engine.segmenter.device)
                opened = open_cluster(engine, SegmenterSource.of(chosen), address=cluster, workers=count)
                at_work = stack.enter_context(opened)
            stopped = stack.enter_context(until_interrupt())
            report = workspace.proposing.propose(
                ids,
                workspace.proposing.settings(given),
                again=again,
                cluster=at_work,
                progress=show,
                cancelled=stopped,
                say=show.say,
                finish=finish,
            )
        for line in report.failed:
            say(line)
        say(report.end_line())
        if category is not None:
            say(f"{saved} saved as {category.name}")
        if report.failed and not report.pictures and not report.done_before:
            raise typer.Exit(1)


def _workers_of_this_machine(device: str) -> int:
    """Each has a network of its own: in memory there is room for one a core, on a GPU for one."""
    return (os.cpu_count() or 1) if device == "cpu" else 1
