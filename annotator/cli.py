"""The command line: serve, import, export, auto, models."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from annotator.config import DEFAULT_DATA, DEFAULT_PORT, Settings
from annotator.errors import USER_ERRORS, Cancelled, SettingsError

if TYPE_CHECKING:
    from annotator.workspace import Workspace

app = typer.Typer(
    help="Turn pictures into segmentation training data. Without a command: serve the page.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models_app = typer.Typer(help="List the models, or download one's checkpoint.", rich_markup_mode=None)
app.add_typer(models_app, name="models")
AUTO_LABELER = "auto"  # whose instances --accept saves
console, errors = Console(), Console(stderr=True)

Data = Annotated[
    Path | None, typer.Option("--data", help="Workspace folder: database, pictures, models. [default: ./workspace]")
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="ANNOTATOR_DATABASE",
        help="Any SQLAlchemy URL (its driver installed beside). [default: annotator.db in the workspace folder]",
    ),
]
Model = Annotated[str, typer.Option("--model", help="builtin, vit_b, vit_l or vit_h.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")]
# The same behind a command, where nothing said means what was said before it.
OtherModel = Annotated[str | None, typer.Option("--model", help="builtin, vit_b, vit_l or vit_h.")]
OtherDevice = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")]
Checkpoint = Annotated[
    Path | None, typer.Option("--checkpoint", help="A weights file for the --model, in place of its own.")
]


def _grid(help: str) -> Any:
    """An option of SAM's own name, its default that of the model."""
    return typer.Option(help=f"{help} [default: the model's]", show_default=False)


@dataclass(frozen=True, kw_only=True)
class Given:
    """What stood before a command."""

    data: Path | None
    database: str | None
    model: str
    device: str
    checkpoint: Path | None


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    data: Data = None,
    database: DatabaseUrl = None,
    model: Model = "builtin",
    device: Device = "auto",
    checkpoint: Checkpoint = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on.")] = DEFAULT_PORT,
    share: Annotated[bool, typer.Option("--share", help="Make a public link, with an access code.")] = False,
    access_code: Annotated[
        str | None, typer.Option("--access-code", help="Code to ask for; made up where others can reach the server.")
    ] = None,
) -> None:
    """Turn pictures into segmentation training data. Without a command: serve the page."""
    context.obj = Given(data=data, database=database, model=model, device=device, checkpoint=checkpoint)
    if context.invoked_subcommand is not None:
        return
    with _clear_errors():
        settings = Settings(
            data=data or DEFAULT_DATA,
            database_url=database,
            model=model,
            device=device,
            checkpoint=checkpoint,
            host=host,
            port=port,
            share=share,
            access_code=access_code,
        )
        _fetch_missing_checkpoint(settings)
        from annotator.ui.server import serve as serve_page  # gradio takes seconds to import: only to serve
        from annotator.workspace import Workspace

        with Workspace(settings) as workspace:
            serve_page(workspace, say=_say)


@app.command("import")
def import_command(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Pictures, folders or zips.")],
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Bring pictures into the workspace. What cannot be read is named; the rest comes in."""
    with _clear_errors(), _workspace(context, data, database) as workspace, _progress("importing") as show:
        report = workspace.import_pictures(paths, show)
    for line in report.lines():
        _say(line)
    if report.skipped and not report.imported and not report.duplicates:
        raise typer.Exit(1)


@app.command("export")
def export_command(
    context: typer.Context,
    format: Annotated[str, typer.Argument(metavar="FORMAT", help="coco, yolo-segment or yolo-detect.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write, or a name that ends in .zip.")],
    data: Data = None,
    database: DatabaseUrl = None,
    pictures: Annotated[bool, typer.Option("--pictures/--no-pictures", help="Put the pictures in.")] = True,
    polygons: Annotated[bool, typer.Option("--polygons", help="COCO: polygons in place of RLE.")] = False,
    tolerance: Annotated[float, typer.Option("--tolerance", help="Pixels a polygon may stray from its mask.")] = 1.0,
    only_done: Annotated[bool, typer.Option("--only-done", help="Only pictures marked as done.")] = False,
) -> None:
    """Write the data set in a format that training libraries load."""
    from exporters.base import ExportOptions

    with _clear_errors(), _workspace(context, data, database) as workspace, _progress("exporting") as show:
        options = ExportOptions(
            with_pictures=pictures, polygons=polygons, polygon_tolerance=tolerance, only_done=only_done
        )
        report = workspace.export(format, out, options, show)
    for line in report.lines():
        _say(line)
    _say(f"written to {out}")


@app.command("auto")
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
    from annotator.workspace import Workspace

    named = {field.name: context.params[field.name] for field in fields(AutomaskSettings)}
    given = {name: value for name, value in named.items() if value is not None}
    with _clear_errors():
        settings = _settings(context, data, database, model, device, checkpoint)
        AutomaskSettings.for_segmenter(settings.model, **given)  # a mistake is said before anything is downloaded
        _fetch_missing_checkpoint(settings)
        with Workspace(settings) as workspace, _progress("proposing") as show, _until_interrupt() as stopped:
            ids = None if not image else workspace.image_ids_called(image)
            category = None if accept is None else workspace.category_called(accept)
            saved = 0

            def finish(image_id: int) -> None:
                nonlocal saved
                if category is not None:
                    saved += workspace.accept_shown(image_id, category.id, labeler=AUTO_LABELER)

            report = workspace.proposing.propose(
                ids,
                workspace.proposing.settings(given),
                again=again,
                progress=show,
                cancelled=stopped,
                say=show.say,
                finish=finish,
            )
        for line in report.failed:
            _say(line)
        _say(report.end_line())
        if category is not None:
            _say(f"{saved} saved as {category.name}")
        if report.failed and not report.pictures and not report.done_before:
            raise typer.Exit(1)


@models_app.callback(invoke_without_command=True)
def models_command(context: typer.Context, data: Data = None) -> None:
    """List the models: what is ready, what would be downloaded."""
    context.obj = replace(context.obj, data=data or context.obj.data)
    if context.invoked_subcommand is not None:
        return
    from annotator import segmenters
    from annotator.segmenters import checkpoints

    with _clear_errors():
        folder = _settings(context, data).folder("checkpoints")
        for info in segmenters.SEGMENTERS.values():
            ready = not info.download_bytes or checkpoints.find(info.name, folder) is not None
            state = (
                "ready" if ready else f"python launch.py models download {info.name}  ({_size(info.download_bytes)})"
            )
            _say(f"{info.name:8} {info.title:14} {state}")


@models_app.command("download")
def download_command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="vit_b, vit_l or vit_h.")],
    data: Data = None,
) -> None:
    """Fetch a SAM checkpoint into the workspace; goes on where an earlier download stopped."""
    with _clear_errors():
        path = _download(name, _settings(context, data))
        _say(f"{path} is ready: python launch.py --model {name}")


def _download(name: str, settings: Settings) -> Path:
    from annotator.segmenters import checkpoints

    known = checkpoints.CHECKPOINTS
    if name not in known:
        raise SettingsError(f"There is no checkpoint for {name!r}; there are {', '.join(known)}.")
    folder = settings.folder("checkpoints")
    with _progress(f"downloading {known[name].file_name}", in_bytes=True) as show:
        return checkpoints.find(name, folder) or checkpoints.download(known[name], folder, progress=show)


def _fetch_missing_checkpoint(settings: Settings) -> None:
    """--model vit_b on a new machine: the terminal shows the download, then the page opens."""
    from annotator import segmenters

    info = segmenters.SEGMENTERS.get(settings.model)
    if info is not None and info.download_bytes and settings.checkpoint is None:
        _download(info.name, settings)


def _settings(
    context: typer.Context,
    data: Path | None,
    database: str | None = None,
    model: str | None = None,
    device: str | None = None,
    checkpoint: Path | None = None,
) -> Settings:
    """What stands behind the command, else what stands before it, else the defaults."""
    before: Given = context.obj
    return Settings(
        data=data or before.data or DEFAULT_DATA,
        database_url=database or before.database,
        model=model or before.model,
        device=device or before.device,
        checkpoint=checkpoint or before.checkpoint,
    )


def _workspace(context: typer.Context, data: Path | None, database: str | None) -> "Workspace":
    from annotator.workspace import Workspace

    return Workspace(_settings(context, data, database))


def _say(line: str) -> None:
    """A line as it is: names and paths are nobody's markup, and a terminal's width cuts none of them."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


class Bar:
    """A progress bar's two ends: call it with (done, total), or have it say a line."""

    def __init__(self, bar: Progress, what: str) -> None:
        self._bar, self._task = bar, bar.add_task(what, total=None)

    def __call__(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total or None)

    def say(self, line: str) -> None:
        self._bar.update(self._task, description=line)


@contextmanager
def _progress(what: str, *, in_bytes: bool = False) -> Iterator[Bar]:
    """A progress bar for the length of the block."""
    counter = DownloadColumn() if in_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), counter, TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        yield Bar(bar, what)


@contextmanager
def _until_interrupt() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl+C was pressed: work comes to a good end first. A second one stops at once."""
    pressed = threading.Event()

    def note(*_: object) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _clear_errors() -> Iterator[None]:
    """A user's mistake is one line and exit status 1; Ctrl+C is a stop, not an error."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        yield
    except Cancelled as stop:
        errors.print(str(stop), highlight=False, markup=False)
        raise typer.Exit(1) from stop
    except USER_ERRORS as error:
        errors.print(f"Error: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        errors.print("Stopped.")
