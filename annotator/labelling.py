"""What a labeler does on one picture: steps recorded one by one, prompts answered, instances saved."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from annotator.access.person import Role
from annotator.actions import given_box, given_ids, given_inside, given_label, given_seen, given_steps, given_whole
from annotator.clashes import clash_error
from annotator.engine import Answer, Engine
from annotator.errors import AnnotatorError, ConflictError, ImageError, PromptError
from annotator.ownership import check_instructor, check_own
from annotator.proposals import accepted_values, offers
from annotator.session import SessionState, describe, fold
from storage.errors import InstanceChanged, RecordNotFound, StaleRevision, proposals_gone
from storage.records import EventRecord, ImageRecord, ImageStatus, InstanceRecord, Origin, SessionRecord
from storage.repository import Repository

WAIT_FOR_ENCODING_S = 0.3  # before an answer says "still encoding"; the built-in segmenter is done by then
WAIT_TO_SAVE_S = 120.0  # a save needs the mask: longer than any segmenter takes for one picture on a slow machine


@dataclass(frozen=True)
class SessionView:
    """A labeler's picture at one moment."""

    image: ImageRecord
    revision: int
    change_id: int  # the last change on this picture that the instances know of; 0: there is none
    state: SessionState
    instances: tuple[InstanceRecord, ...] | None  # None: as they were
    answer: Answer | None  # None: no prompt, or the picture is still being encoded
    encoding_s: float | None  # how long the picture has been in work, None when it is encoded
    undo_name: str | None  # the step that undo would take back, None when there is none
    redo_name: str | None
    problem: str | None = None  # why there is no answer to the prompt

    @property
    def chosen(self) -> int | None:
        """The chosen candidate: the labeler's choice, else the best by predicted IoU."""
        if self.answer is None:
            return None
        return self.state.chosen(self.answer.prediction)


class Labelling:
    """Turns actions into recorded steps. A step is in the database before the next one is looked at."""

    def __init__(self, repository: Repository, engine: Engine) -> None:
        self._repository, self._engine = repository, engine

    def view(
        self,
        image: ImageRecord,
        *,
        labeler: str,
        with_instances: bool = True,
        wait_s: float = WAIT_FOR_ENCODING_S,
        session: SessionRecord | None = None,
    ) -> SessionView:
        """The picture as it stands, with the answer to its prompt where its embedding is there within wait_s.

        session: where it was just read.
        """
        session = session or self._repository.session(image.id, labeler)
        change_id = self._repository.last_change_id(image.id)  # before the instances are read, so never newer than they
        state = _state(session.taken)
        answer, encoding_s, problem = None, None, None
        try:
            encoding = self._engine.encode(image, urgent=True, asker=labeler)
            embedding = encoding.wait(wait_s if state.steps else 0)  # without a prompt nobody waits for it yet
            if embedding is None:
                encoding_s = encoding.elapsed_s
            elif state.steps:
                answer = self._engine.answer(image, state, embedding, asker=labeler)
        except AnnotatorError as error:  # what was recorded stays recorded, and the picture can still be looked at
            problem = str(error)
        taken, undone = session.taken, session.undone
        return SessionView(
            image=self._repository.image(image.id),
            revision=session.revision,
            change_id=change_id,
            state=state,
            instances=tuple(self._repository.instances(image.id)) if with_instances else None,
            answer=answer,
            encoding_s=encoding_s,
            undo_name=describe(taken[-1].kind, taken[-1].payload) if taken else None,
            redo_name=describe(undone[0].kind, undone[0].payload) if undone else None,
            problem=problem,
        )

    def act(
        self,
        image: ImageRecord,
        actions: Sequence[dict[str, Any]],
        *,
        labeler: str,
        revision: int | None = None,
        wait_s: float = WAIT_FOR_ENCODING_S,
        role: Role = Role.LABELER,
    ) -> SessionView:
        """Record the actions in order; see Workspace.act."""
        touched, session = self._record_all(image, actions, labeler=labeler, revision=revision, role=role)
        return self.view(image, labeler=labeler, with_instances=touched, wait_s=wait_s, session=session)

    def record(
        self,
        image: ImageRecord,
        actions: Sequence[dict[str, Any]],
        *,
        labeler: str,
        revision: int | None = None,
        role: Role = Role.LABELER,
    ) -> bool:
        """The same without an answer; whether anything but the prompt was touched."""
        return self._record_all(image, actions, labeler=labeler, revision=revision, role=role)[0]

    def _record_all(
        self,
        image: ImageRecord,
        actions: Sequence[dict[str, Any]],
        *,
        labeler: str,
        revision: int | None,
        role: Role,
    ) -> tuple[bool, SessionRecord | None]:
        """The same, and the session afterwards; None where there was no action."""
        touched, session = False, None
        if role is Role.LABELER:
            self._repository.claim(image.id, labeler)
        for action in actions:
            session = session or self._repository.session(image.id, labeler)
            op_id = str(action.get("op_id") or uuid.uuid4().hex)
            if not self._repository.knows_operation(session.id, op_id):
                if revision is not None and session.revision != revision:
                    raise ConflictError("This picture was changed in another window; it shows the newest state now.")
                session = self._record(image, session, action, op_id, role)
            touched = touched or action.get("kind") not in ("point", "box", "move_point", "delete_point", "choose")
            revision = session.revision
        return touched, session

    def _record(
        self, image: ImageRecord, session: SessionRecord, action: dict[str, Any], op_id: str, role: Role
    ) -> SessionRecord:
        kind = action.get("kind")
        taken, undone = session.taken, session.undone
        try:
            if kind in ("undo", "redo"):
                _check_whose_turn(image, kind, action, session)
                step = taken[-1:] if kind == "undo" else undone[:1]
                self._check_own(image, [one.payload for one in step], session.labeler, role)
                events = taken[:-1] if kind == "undo" else taken + undone[:1]
                record = self._repository.record_undo if kind == "undo" else self._repository.record_redo
                return record(
                    session.id,
                    expected_revision=session.revision,
                    op_id=op_id,
                    seen=given_seen(action),
                    leave=given_ids(action, "leave") if "leave" in action else (),
                    **_summary(_state(events)),
                )
            state = _state(taken)
            payload = self._payload(image, state, str(kind), action, session.labeler)
            self._check_own(image, [payload], session.labeler, role)
            return self._repository.record_step(
                session.id,
                expected_revision=session.revision,
                op_id=op_id,
                kind=str(kind),
                payload=payload,
                **_summary(state.take(str(kind), payload)),
            )
        except InstanceChanged as error:
            raise clash_error(self._repository, error, op_id=op_id) from error
        except StaleRevision as error:
            raise ConflictError("This picture was changed in another window; nothing was written.") from error

    def _check_own(self, image: ImageRecord, payloads: Sequence[dict[str, Any]], labeler: str, role: Role) -> None:
        """Raises NotAllowedError where such a step changes, or begins to edit, an instance of somebody else's."""
        changing = any("changes" in payload for payload in payloads)
        if changing and self._repository.image(image.id).status is ImageStatus.ACCEPTED:
            check_instructor(role, f"change {image.original_name}, which is accepted")
        ids = {change["id"] for payload in payloads for change in payload.get("changes", [])}
        ids |= {payload.get("instance_id") for payload in payloads}
        check_own(self._repository, image, ids - {None}, labeler=labeler, role=role)

    def _payload(
        self, image: ImageRecord, state: SessionState, kind: str, action: dict[str, Any], labeler: str
    ) -> dict[str, Any]:
        """What is recorded of an action. Raises PromptError or RecordNotFound for one that makes no sense here."""
        if kind in ("point", "move_point"):
            x, y = given_inside(image, action, "x", "y")
            own = {"label": given_label(action)} if kind == "point" else {"index": action.get("index")}
            return {"x": x, "y": y} | own
        if kind == "box":
            return given_box(image, action)
        if kind == "delete_point":
            return {"index": action.get("index")}
        if kind == "choose":
            return {"candidate": action.get("candidate")}
        if kind == "clear":
            return {}
        if kind == "commit":
            return self._commit(image, state, action, labeler)
        if kind == "edit_instance":
            instance = self._instance(image, action, given_seen(action))
            steps = given_steps(image, action) if "steps" in action else instance.prompt
            version = given_seen(action).get(instance.id, instance.version)
            return {"instance_id": instance.id, "steps": steps, "version": version}
        if kind == "delete_instance":
            return {"changes": [_change(one, _values(one), None, action) for one in self._instances(image, action)]}
        if kind == "set_category":
            some = self._instances(image, action, given_seen(action))
            after = {"category_id": self._repository.category(given_whole(action, "category_id")).id}
            return {"changes": [_change(one, {"category_id": one.category_id}, after, action) for one in some]}
        if kind == "accept_proposals":
            category = self._repository.category(given_whole(action, "category_id"))
            return {"category_id": category.id, "changes": self._accepted(image, action, category.id)}
        if kind == "reject_proposals":
            return {"rejected": given_ids(action)}
        raise PromptError(f"No action is called {kind!r}.")

    def _accepted(self, image: ImageRecord, action: dict[str, Any], category_id: int) -> list[dict[str, Any]]:
        """New instances from the proposals that are not (nearly) instances already: two may name the same ones."""
        known = {offer.proposal.id: offer for offer in offers(self._repository, image.id)}
        ids = given_ids(action)
        gone = [proposal_id for proposal_id in ids if proposal_id not in known or known[proposal_id].proposal.rejected]
        if gone:
            raise proposals_gone(gone)
        chosen = [known[proposal_id] for proposal_id in ids]
        new = [offer.proposal for offer in chosen if offer.overlap < self._repository.duplicate_iou]
        if not new:
            raise PromptError("These proposals are instances already. Nothing was written.")
        return [{"id": None, "before": None, "after": accepted_values(one, category_id)} for one in new]

    def _commit(self, image: ImageRecord, state: SessionState, action: dict[str, Any], labeler: str) -> dict[str, Any]:
        """The chosen candidate as an instance, or as the new mask of the instance that is being edited."""
        category = self._repository.category(given_whole(action, "category_id"))
        if not state.steps:
            raise PromptError("There is nothing to save: click on the picture first.")
        embedding = self._engine.encode(image, urgent=True, asker=labeler).wait(WAIT_TO_SAVE_S)
        if embedding is None:
            raise ImageError(f"{image.original_name} is still being encoded; save again when its mask shows.")
        answer = self._engine.answer(image, state, embedding, asker=labeler)
        index = state.chosen(answer.prediction)
        candidate = answer.candidate(index)
        if not candidate.rle.area:
            raise PromptError("The chosen candidate is empty: choose another, or click again.")
        # The choice is written down even where it was the best one: an edit brings back what was seen.
        steps = (*state.steps[:-1], replace(state.steps[-1], choice=index))
        after = {
            "category_id": category.id,
            "rle": candidate.rle.to_coco(),
            "predicted_iou": candidate.predicted_iou,
            "stability_score": candidate.stability_score,
            "model": self._engine.segmenter.name,
            "origin": Origin.CLICK.value,
            "prompt": [step.to_json() for step in steps],
            "is_crowd": False,
        }
        return {"category_id": category.id, "changes": [self._change_of(state, after, action, labeler)]}

    def _change_of(
        self, state: SessionState, after: dict[str, Any], action: dict[str, Any], labeler: str
    ) -> dict[str, Any]:
        """A new instance, or the one that is being edited; a new one also where the labeler deleted that themself."""
        there = self._repository.instance_versions([] if state.editing is None else [state.editing])
        for edited in there.values():
            if not edited.deleted or edited.labeler != labeler or "seen" in action:
                change = _change(edited.instance, _values(edited.instance), after, action)
                known = {"seen": state.editing_version} if change["seen"] is None else {}
                return change | known
        return {"id": None, "before": None, "after": after}

    def _instances(
        self, image: ImageRecord, action: dict[str, Any], seen: Collection[int] = ()
    ) -> list[InstanceRecord]:
        """Those that instance_ids names, else the one of instance_id."""
        if "instance_ids" not in action:
            return [self._instance(image, action, seen)]
        return [self._instance(image, {"instance_id": one}, seen) for one in given_ids(action, "instance_ids")]

    def _instance(self, image: ImageRecord, action: dict[str, Any], seen: Collection[int] = ()) -> InstanceRecord:
        """seen: instances that may have been deleted: whether that was seen is found out when it is written."""
        instance_id = given_whole(action, "instance_id")
        try:
            instance = self._repository.instance(instance_id)
        except RecordNotFound:
            if instance_id not in seen or not (there := self._repository.instance_versions([instance_id])):
                raise
            instance = there[instance_id].instance
        if instance.image_id != image.id:
            raise AnnotatorError(f"Instance {instance.id} is on another picture than {image.original_name}.")
        return instance


def _check_whose_turn(image: ImageRecord, kind: str, action: dict[str, Any], session: SessionRecord) -> None:
    """An undo or redo may name, as "of", the op_id of the one step that is meant. Raises ConflictError for another."""
    events = session.taken[-1:] if kind == "undo" else session.undone[:1]
    if "of" in action and [event.op_id for event in events] != [action["of"]]:
        raise ConflictError(f"{image.original_name} was changed since; {kind} there.")


def _state(events: Sequence[EventRecord]) -> SessionState:
    return fold((event.kind, event.payload) for event in events)


def _summary(state: SessionState) -> dict[str, Any]:
    """What the session's row says of its state."""
    return {"chosen_candidate": state.choice, "status": "open" if state.steps else "idle"}


def _change(
    instance: InstanceRecord, before: dict[str, Any], after: dict[str, Any] | None, action: dict[str, Any]
) -> dict[str, Any]:
    """A change of an instance, with the version that the action says was seen (storage/repository/standing.py)."""
    seen = given_seen(action).get(instance.id)
    return {"id": instance.id, "before": before, "after": after, "seen": seen, "strict": bool(action.get("strict"))}


def _values(instance: InstanceRecord) -> dict[str, Any]:
    names = ("category_id", "predicted_iou", "stability_score", "model", "prompt", "is_crowd")
    values = {name: getattr(instance, name) for name in names}
    return values | {"rle": instance.rle.to_coco(), "origin": instance.origin.value}
