"""What the page can ask of the server: one method a call, each unpack, use-case, render."""

import inspect
from typing import Any

from pydantic import ValidationError, validate_call

from annotator import __version__, samples
from annotator.access.entrance import Entrance
from annotator.access.person import Person, Role
from annotator.errors import AnnotatorError, ClashError, ConflictError, RestoredError, RestoringError
from annotator.ui import render, render_class
from annotator.ui.calls_access import AccessCalls
from annotator.ui.calls_cutouts import CutoutCalls
from annotator.ui.calls_exchange import ExchangeCalls
from annotator.ui.calls_instructor import InstructorCalls
from annotator.ui.calls_overview import OverviewCalls
from annotator.ui.calls_together import TogetherCalls
from annotator.ui.jobview import begun_job, cancelled_job, seen_job
from annotator.ui.passing import inside
from annotator.ui.problems import problem_json
from annotator.ui.render_together import clash_json
from annotator.ui.rights import demand_right
from annotator.workspace import Workspace
from exporters.registry import EXPORTERS
from storage.repository import UNSET
from storage.repository.statistics import MaskKind

JSON = dict[str, Any]
CALLER = frozenset({"labeler", "person", "role"})  # who calls is never the caller's to say
LONGEST_NONCE = 200  # characters
KEEP_KEY = "keep"  # null takes a category's key away, so leaving it out has to be something else


class RequestError(AnnotatorError):
    """A call that does not exist, or whose arguments do not fit it."""


class Calls(AccessCalls, CutoutCalls, ExchangeCalls, InstructorCalls, OverviewCalls, TogetherCalls):
    """The page's calls over one workspace. `handle` never raises: every problem comes back as an error object."""

    def __init__(self, workspace: Workspace, entrance: Entrance | None = None) -> None:
        """entrance: None where no codes are asked for."""
        self._workspace, self._entrance = workspace, entrance
        self._handlers = {name: validate_call(getattr(self, name)) for name in CALL_NAMES}
        self._asks_who = {
            name: CALLER & inspect.signature(getattr(self, name)).parameters.keys() for name in CALL_NAMES
        }

    def handle(self, message: Any, *, person: Person) -> JSON:
        """{"name", "args"} -> {"ok": True, "result"} or {"ok": False, "error": {"kind", "message", ...}}.

        "generation" beside them: that of the data that the page shows, which must be that of the data that are there.
        A message may carry a "nonce", a short text: the answer then has {"nonce", "labeler"} as "echo", so that whoever
        measures or looks for a mistake can prove which question it answers, and whose.
        """
        given = message if isinstance(message, dict) else {}
        try:
            with inside(self._workspace, given.get("generation")):
                answer = self._answer(message, person)
        except (RestoringError, RestoredError) as error:
            answer = {"ok": False, "error": problem_json(error)}
        nonce = given.get("nonce")
        if isinstance(nonce, str) and len(nonce) <= LONGEST_NONCE:
            answer["echo"] = {"nonce": nonce, "labeler": person.name}
        return answer

    def _answer(self, message: Any, person: Person) -> JSON:
        try:
            name, args = _unpack(message)
            return {"ok": True, "result": self._call(name, args, person)}
        except Exception as error:  # the page must get an answer: an exception here would drop the connection
            problem = problem_json(error)
            if isinstance(error, ConflictError):
                newest = {"name": "open_image", "args": {"image_id": args["image_id"]}}
                problem["state"] = self._answer(newest, person).get("result")
            if isinstance(error, ClashError):
                image = self._workspace.image(args["image_id"])
                problem["op_id"] = error.op_id
                problem["clashes"] = [clash_json(one, image, self._workspace) for one in error.clashes]
            return {"ok": False, "error": problem}

    def _call(self, name: str, args: JSON, person: Person) -> Any:
        if name not in self._handlers:
            raise RequestError(f"There is no call {name!r}. Reload the page: the server may be newer than it.")
        demand_right(person, name, args)
        caller = {"labeler": person.name, "person": person, "role": person.role}
        try:
            return self._handlers[name](**args, **{word: caller[word] for word in self._asks_who[name]})
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise RequestError(f"The call {name!r} got wrong arguments: {wrong}.") from error

    # the workspace

    def bootstrap(self, *, labeler: str, person: Person) -> JSON:
        seen = self._workspace.news.now()  # before all else is read, so that nothing is missed
        images = render.images_json(self._workspace)
        return {
            "seen": seen,
            "generation": self._workspace.database.generation,
            "version": __version__,
            "labeler": labeler,
            "person": {"name": person.name, "role": person.role.value, "signed_in": self._entrance is not None},
            "segmenter": render.active_segmenter_json(self._workspace),
            "images": images,
            "categories": render.categories_json(self._workspace),
            "formats": [render.format_json(exporter) for exporter in EXPORTERS.values()],
            "samples_available": bool(samples.sample_paths()),
            "notices": render.notices_json(self._workspace),
            "last_image_id": self._workspace.last_image_id(labeler),
            "jobs": [render.job_json(job) for job in self._workspace.proposing.under_way()],
            **render_class.notices_json(self._workspace),
        }

    def list_images(self, *, labeler: str) -> list[JSON]:
        return render.images_json(self._workspace)

    def set_status(self, *, labeler: str, role: Role, image_id: int, status: str) -> JSON:
        image = self._workspace.set_status(image_id, status, labeler=labeler, role=role)
        return render.counted_image_json(image, self._workspace)

    def remove_image(self, *, labeler: str, role: Role, image_id: int) -> list[JSON]:
        self._workspace.remove_image(image_id, labeler=labeler, role=role)
        return render.images_json(self._workspace)

    # one picture

    def open_image(self, *, labeler: str, image_id: int) -> JSON:
        view = self._workspace.open_image(image_id, labeler=labeler)
        return render.session_json(view, self._workspace, display=True)

    def act(self, *, labeler: str, role: Role, image_id: int, revision: int | None, actions: list[JSON]) -> JSON:
        view = self._workspace.act(image_id, actions, labeler=labeler, revision=revision, role=role)
        return render.session_json(view, self._workspace, display=True)

    def answer(self, *, labeler: str, image_id: int, revision: int | None = None) -> JSON:
        view = self._workspace.look(image_id, labeler=labeler)
        return render.session_json(view, self._workspace, display=True)

    # proposals

    def propose(
        self,
        *,
        labeler: str,
        image_ids: list[int] | None = None,
        settings: JSON | None = None,
        again: bool = False,
    ) -> JSON:
        job = self._workspace.start_propose(image_ids, settings, again=again)
        return begun_job(job, labeler)

    def proposal_settings(self, *, labeler: str) -> JSON:
        running = self._workspace.proposing.under_way()
        return {
            "settings": self._workspace.proposing.settings().to_json(),
            "run": render.job_json(running[0]) if running else None,
        }

    def list_proposals(self, *, labeler: str, image_id: int) -> JSON:
        return render.proposals_json(self._workspace.proposals(image_id), self._workspace)

    def like_proposals(
        self, *, labeler: str, image_id: int, instance_id: int | None = None, proposal_id: int | None = None
    ) -> JSON:
        alike = self._workspace.comparing.likeness(image_id, instance_id=instance_id, proposal_id=proposal_id)
        return {"likeness": {str(one): likeness for one, likeness in alike.items()}}

    # analysis

    def analysis(self, *, labeler: str, image_id: int | None = None) -> JSON:
        return render.analysis_json(self._workspace, image_id)

    def mask(self, *, labeler: str, image_id: int, kind: MaskKind, mask_id: int) -> JSON:
        return render.mask_json(self._workspace, image_id, kind, mask_id)

    # categories

    def list_categories(self, *, labeler: str) -> list[JSON]:
        return render.categories_json(self._workspace)

    def add_category(self, *, labeler: str, role: Role, name: str, color: str | None = None) -> list[JSON]:
        self._workspace.add_category(name, color=color, labeler=labeler, role=role)
        return render.categories_json(self._workspace)

    def update_category(
        self,
        *,
        labeler: str,
        category_id: int,
        name: str | None = None,
        color: str | None = None,
        supercategory: str | None = None,
        is_thing: bool | None = None,
        key: str | None = KEEP_KEY,
    ) -> list[JSON]:
        self._workspace.repository.update_category(
            category_id,
            name=name,
            color=color,
            supercategory=supercategory,
            is_thing=is_thing,
            key=UNSET if key == KEEP_KEY else key,
            labeler=labeler,
        )
        return render.categories_json(self._workspace)

    def order_categories(self, *, labeler: str, category_ids: list[int]) -> list[JSON]:
        self._workspace.repository.order_categories(category_ids, labeler=labeler)
        return render.categories_json(self._workspace)

    def delete_category(
        self, *, labeler: str, role: Role, category_id: int, merge_into: int | None = None
    ) -> list[JSON]:
        self._workspace.delete_category(category_id, merge_into=merge_into, labeler=labeler, role=role)
        return render.categories_json(self._workspace)

    # long work

    def segmenters(self, *, labeler: str) -> list[JSON]:
        return render.segmenters_json(self._workspace)

    def switch_segmenter(self, *, labeler: str, name: str) -> JSON:
        return begun_job(self._workspace.start_switch(name), labeler)

    def job(self, *, person: Person, job_id: str) -> JSON:
        return render.job_json(seen_job(self._workspace.jobs, job_id, person))

    def cancel_job(self, *, person: Person, job_id: str) -> JSON:
        return render.job_json(cancelled_job(self._workspace.jobs, job_id, person))


def _unpack(message: Any) -> tuple[str, JSON]:
    if not isinstance(message, dict) or not isinstance(message.get("name"), str):
        raise RequestError("A call is an object with a name and its args. Reload the page.")
    args = message.get("args", {})
    if not isinstance(args, dict) or CALLER & args.keys():
        raise RequestError(f"The args of {message['name']!r} must be an object of its arguments.")
    return message["name"], args


CALL_NAMES = frozenset(name for part in Calls.__mro__ for name in vars(part) if not name.startswith("_")) - {"handle"}
