"""The use-cases as named endpoints: plain JSON in and out, masks as COCO RLE in the original's size.

client = gradio_client.Client("http://127.0.0.1:7860")
image = client.predict([gradio_client.handle_file("coffee.png")], api_name="/import_images")["image_ids"][0]
client.predict(image, 300, 200, 1, api_name="/add_point")["candidates"]
"""

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from annotator.access.person import LOCAL
from annotator.errors import AnnotatorError, RestoringError
from annotator.jobs import Job, JobState
from annotator.labelling import SessionView
from annotator.overview.checks import TINY_AREA
from annotator.ui import render, render_class, render_overview
from annotator.ui.api_together import together_endpoints
from annotator.ui.bodies import plain_name
from annotator.ui.cutoutform import cutout_options
from annotator.ui.exportform import export_options
from annotator.ui.identity import labeler_of, person_of
from annotator.ui.jobview import begun_job, cancelled_job, seen_job
from annotator.ui.passing import inside
from annotator.ui.problems import problem_json
from annotator.ui.rights import demand_right
from annotator.ui.uploads import given_files, upload_folder, uploaded_paths
from annotator.ui.waitingroom import Portions
from annotator.workspace import Workspace
from exporters.registry import EXPORTERS

JSON = dict[str, Any]
ANSWER_WAIT_S = 300.0  # a client wants the masks in the answer, however slow the segmenter

_under_way = Portions()


def add_endpoints(workspace: Workspace) -> None:
    """Register every endpoint in the open gr.Blocks."""

    def shown(view: SessionView) -> JSON:
        if view.problem:
            raise AnnotatorError(view.problem)
        return render.session_json(view, workspace, display=False)

    def act(request: gr.Request, image_id: int, kind: str, **values: Any) -> JSON:
        action = {"kind": kind, **values}
        who = person_of(request)
        view = workspace.act(int(image_id), [action], labeler=who.name, role=who.role, wait_s=ANSWER_WAIT_S)
        return shown(view)

    @_endpoint
    def import_images(files: list[dict], request: gr.Request) -> dict:
        """Take uploaded files (pictures or zips) in; returns image_ids, and what was skipped and why."""
        who = person_of(request)
        job = workspace.start_import(uploaded_paths(files, who.key), remove_afterwards=True)
        begun_job(job, who.name)
        job.wait()
        return _result(job) | {"lines": [job.message, *job.lines]}

    @_endpoint
    def list_images(request: gr.Request) -> list[dict]:
        """All pictures in their order, with size, status and number of instances."""
        return render.images_json(workspace)

    @_endpoint
    def open_image(image_id: int, request: gr.Request) -> dict:
        """A picture as it was left: points, box, candidates, chosen one, instances, revision."""
        return shown(workspace.look(int(image_id), labeler=labeler_of(request), wait_s=ANSWER_WAIT_S))

    @_endpoint
    def add_point(image_id: int, x: float, y: float, label: int, request: gr.Request) -> dict:
        """Add a point in pixels of the original (label 1 foreground, 0 background); returns the three candidates."""
        return act(request, image_id, "point", x=x, y=y, label=label)

    @_endpoint
    def add_box(image_id: int, x0: float, y0: float, x1: float, y1: float, request: gr.Request) -> dict:
        """Set the prompt's box (two corners, pixels of the original); returns the three candidates."""
        return act(request, image_id, "box", x0=x0, y0=y0, x1=x1, y1=y1)

    @_endpoint
    def undo(request: gr.Request, image_id: int, leave: list[int] | None = None) -> dict:
        """Take the last step back, saves and deletions included. Refused where somebody else has
        changed one of its instances since; leave: ids of those that stay as they are."""
        return act(request, image_id, "undo", **({} if leave is None else {"leave": leave}))

    @_endpoint
    def redo(request: gr.Request, image_id: int, leave: list[int] | None = None) -> dict:
        """Take the last undone step again. Refused where somebody else has
        changed one of its instances since; leave: ids of those that stay as they are."""
        return act(request, image_id, "redo", **({} if leave is None else {"leave": leave}))

    @_endpoint
    def clear_prompts(image_id: int, request: gr.Request) -> dict:
        """Drop the points and the box that are not saved."""
        return act(request, image_id, "clear")

    @_endpoint
    def choose_candidate(image_id: int, candidate: int, request: gr.Request) -> dict:
        """Choose candidate 0, 1 or 2 in place of the one with the highest predicted IoU."""
        return act(request, image_id, "choose", candidate=candidate)

    @_endpoint
    def commit_instance(image_id: int, category_id: int, request: gr.Request) -> dict:
        """Save the chosen candidate as an instance of a category; the prompt is empty afterwards."""
        return act(request, image_id, "commit", category_id=category_id)

    @_endpoint
    def list_instances(image_id: int, request: gr.Request) -> list[dict]:
        """The saved instances of a picture, masks as COCO RLE."""
        return [render.instance_json(instance) for instance in workspace.instances(int(image_id))]

    @_endpoint
    def delete_instance(request: gr.Request, image_id: int, instance_id: int, version: int | None = None) -> dict:
        """Delete a saved instance; undo brings it back. version: as it was listed; refused where it is another by now.
        Without one: refused where somebody else changed your instance since you did."""
        seen = {} if version is None else {"seen": {str(int(instance_id)): int(version)}, "strict": True}
        return act(request, image_id, "delete_instance", instance_id=instance_id, **seen)

    @_endpoint
    def propose_masks(
        request: gr.Request, image_ids: list[int] | None = None, settings: dict | None = None, again: bool = False
    ) -> dict:
        """Start proposing masks on these pictures (None: on all); returns the job. settings: SAM's names."""
        ids = None if image_ids is None else [int(image_id) for image_id in image_ids]
        return begun_job(workspace.start_propose(ids, settings, again=again), labeler_of(request))

    @_endpoint
    def job(job_id: str, request: gr.Request) -> dict:
        """How far a job is: state, done, total, message, seconds_left, and in the end its result."""
        return render.job_json(seen_job(workspace.jobs, job_id, person_of(request)))

    @_endpoint
    def cancel_job(job_id: str, request: gr.Request) -> dict:
        """Ask a job to stop; what is done stays."""
        return render.job_json(cancelled_job(workspace.jobs, job_id, person_of(request)))

    @_endpoint
    def list_proposals(request: gr.Request, image_id: int, thresholds: dict | None = None) -> dict:
        """The open proposals that the run's thresholds show, or the given ones: pred_iou_thresh,
        stability_score_thresh, min_area. Masks as COCO RLE."""
        shown = workspace.proposing.shown(int(image_id), thresholds)
        return render.shown_proposals_json(workspace.proposals(int(image_id)), shown, workspace)

    @_endpoint
    def accept_proposals(image_id: int, proposal_ids: list[int], category_id: int, request: gr.Request) -> dict:
        """Make instances of a category of these proposals, in one step that undo takes back."""
        return act(request, image_id, "accept_proposals", proposal_ids=proposal_ids, category_id=category_id)

    @_endpoint
    def reject_proposals(image_id: int, proposal_ids: list[int], request: gr.Request) -> dict:
        """Reject these proposals, in one step that undo takes back; they are not offered again."""
        return act(request, image_id, "reject_proposals", proposal_ids=proposal_ids)

    @_endpoint
    def overview(request: gr.Request, tiny_area: int = TINY_AREA) -> dict:
        """The data set as a whole: its numbers ("figures"), and what may be wrong with it ("checks", each with its
        findings). tiny_area: pixels below which a mask is told of."""
        job = workspace.dataset.looking.start()
        if job is not None:
            _result(job.wait())
        found = workspace.dataset.checks(tiny_area=int(tiny_area))
        return {
            "figures": render_overview.numbers_json(workspace.dataset.numbers()),
            "checks": [render_overview.check_json(check) for check in found],
        }

    @_endpoint
    def list_categories(request: gr.Request) -> list[dict]:
        """All categories in their order."""
        return render.categories_json(workspace)

    @_endpoint
    def add_category(name: str, request: gr.Request) -> list[dict]:
        """Add a category; returns all of them."""
        who = person_of(request)
        workspace.add_category(name, labeler=who.name, role=who.role)
        return render.categories_json(workspace)

    @_endpoint
    def cutout(request: gr.Request, image_id: int, instance_ids: list[int], options: dict | None = None) -> dict:
        """Cut instances of a picture out, as one PNG; returns the file. options: background ("transparent", "white",
        "blue", "grey", "#rrggbb", "blur", or "picture" with a picture_id), blur, soft_edge, crop, margin, size
        ("35x45mm", "2x2in"), zoom, shift_x, shift_y."""
        ids = [int(one) for one in instance_ids]
        owner = person_of(request).key
        made = workspace.cutouts.file(int(image_id), ids, cutout_options(options, owner=owner))
        path = save_bytes_to_cache(made.data, plain_name(made.name), str(upload_folder(owner)))
        return {"path": path, "orig_name": made.name, "meta": {"_type": "gradio.FileData"}}

    @_endpoint
    def list_formats(request: gr.Request) -> list[dict]:
        """The export formats: name, title, summary, a snippet of Python that loads one, and the options it takes."""
        return [render.format_json(exporter) for exporter in EXPORTERS.values()]

    @_endpoint
    def export_dataset(format: str, options: dict | None, request: gr.Request) -> dict:
        """Export in one of list_formats; returns the url of a zip, and the report. options: pictures ("copy", "none"),
        only_done, categories (names), split ({train, val, test, seed, stratify}), smallest_area, polygons,
        polygon_tolerance."""
        names = [category.name for category in workspace.categories()]
        chosen = export_options(options, categories=names)
        job = workspace.exports.start(format, chosen, owner=labeler_of(request)).wait()
        _result(job)
        return render.job_json(job)

    @_endpoint
    def inspect_dataset(files: list[dict], request: gr.Request) -> dict:
        """Look at an uploaded data set (a zip, or label files and pictures) and change nothing; returns a token and the
        plan of what would come in, the plan null where no data set is recognised."""
        key = person_of(request).key
        return _result(workspace.arrivals.start_inspect(given_files(files, key), owner=key).wait())

    @_endpoint
    def import_dataset(token: str, on_conflict: str, request: gr.Request) -> dict:
        """Take in what inspect_dataset has looked at. on_conflict, where a picture has other instances: "skip", "add"
        or "replace"."""
        who = person_of(request)
        start = workspace.arrivals.start_import
        job = start(token, on_conflict=on_conflict, labeler=who.name, role=who.role, owner=who.key).wait()
        return _result(job) | {"lines": [job.message, *job.lines]}

    @_endpoint
    def class_progress(request: gr.Request) -> dict:
        """For the instructor: what each labeler did in the last 12 hours (pictures, instances, rate, seconds an
        instance), and how many pictures have which status."""
        found = workspace.classroom.progress()
        on = [one.image_id for one in found.labelers if one.image_id is not None]
        return render_class.progress_json(found, workspace.repository.image_names(on))

    @_endpoint
    def back_up(request: gr.Request) -> dict:
        """For the instructor: back database and pictures up while others go on; returns the url of a zip, and what is
        in it."""
        job = workspace.backups.start(owner=labeler_of(request)).wait()
        _result(job)
        return render.job_json(job)["result"]

    for endpoint in (
        import_images,
        list_images,
        open_image,
        add_point,
        add_box,
        undo,
        redo,
        clear_prompts,
        choose_candidate,
        commit_instance,
        list_instances,
        delete_instance,
        propose_masks,
        job,
        cancel_job,
        list_proposals,
        accept_proposals,
        reject_proposals,
        overview,
        list_categories,
        add_category,
        cutout,
        list_formats,
        export_dataset,
        inspect_dataset,
        import_dataset,
        class_progress,
        back_up,
        *map(_endpoint, together_endpoints(workspace)),
    ):
        gr.api(_through_the_doors(workspace, endpoint), api_name=endpoint.__name__, concurrency_limit=None)


def _through_the_doors(workspace: Workspace, endpoint: Callable) -> Callable:
    @wraps(endpoint)
    def passing(*args: Any, **kwargs: Any) -> Any:
        try:
            with inside(workspace):
                return endpoint(*args, **kwargs)
        except RestoringError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return passing


def _endpoint(function: Callable) -> Callable:
    """Asks for the right to call it, refuses more at once than a person gets, and makes of every problem a gr.Error
    with its text: gradio_client raises that.

    The function takes the request, by that name.
    """
    signature = inspect.signature(function)

    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs).arguments
            person = person_of(given["request"])
            demand_right(person, function.__name__, given)
            with nullcontext() if person is LOCAL else _under_way.portion(person.key):
                return function(*args, **kwargs)
        except Exception as error:
            raise gr.Error(problem_json(error)["message"], print_exception=False) from error

    return guarded


def _result(job: Job) -> JSON:
    if job.state is not JobState.DONE:
        raise AnnotatorError(job.message)
    return job.result
