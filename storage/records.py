"""What queries return: plain frozen values, never ORM objects."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from storage.rle import Rle


class ImageStatus(StrEnum):
    """How far the labelling of an image is."""

    NEW = "new"
    IN_PROGRESS = "in_progress"
    DONE = "done"  # finished, where nobody reviews
    SUBMITTED = "submitted"  # waits for review
    RETURNED = "returned"  # by the reviewer, with a comment
    ACCEPTED = "accepted"

    @property
    def is_finished(self) -> bool:
        """Whether it is ready to be trained on. Submitted is not: a review keeps out what nobody has looked at."""
        return self in FINISHED

    @property
    def is_open(self) -> bool:
        """Whether it needs a labeler."""
        return self in OPEN


FINISHED = (ImageStatus.DONE, ImageStatus.ACCEPTED)
OPEN = (ImageStatus.NEW, ImageStatus.IN_PROGRESS, ImageStatus.RETURNED)


class AssignmentMode(StrEnum):
    """Who gets which picture."""

    ALL = "all"  # everyone every picture
    SINGLE = "single"  # each picture one labeler
    SEVERAL = "several"  # each picture so many labelers, whose work can then be compared


class Origin(StrEnum):
    """How an instance came about."""

    CLICK = "click"
    AUTO = "auto"
    IMPORT = "import"


class ChangeKind(StrEnum):
    """What happened, in the history. An undo is told as what it did: that of a save as a deletion."""

    SAVED = "saved"
    PROPOSAL_ACCEPTED = "proposal_accepted"
    IMPORTED = "imported"  # what a data set brought to one picture, with what it replaced there
    EDITED = "edited"  # the mask, or more than the category
    RECATEGORISED = "recategorised"
    DELETED = "deleted"
    RESTORED = "restored"
    STATUS = "status"  # of a picture
    PICTURE_REMOVED = "picture_removed"  # for good, with what was told of it before
    CATEGORY_ADDED = "category_added"
    CATEGORY_CHANGED = "category_changed"
    CATEGORY_DELETED = "category_deleted"
    CATEGORY_RESTORED = "category_restored"
    CATEGORIES_ORDERED = "categories_ordered"


class RunState(StrEnum):
    """Where the proposing on a picture stands."""

    WAITING = "waiting"
    DONE = "done"


class Split(StrEnum):
    """What a picture is for: to learn from, to watch the learning by, or to measure the end by."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


@dataclass(frozen=True, kw_only=True)
class ImageRecord:
    """One picture of the workspace. Width and height are those of the stored, upright pixels."""

    id: int
    sha256: str  # of the file as it was given, hex
    stored_name: str  # file name under the workspace's images/ folder
    original_name: str
    width: int
    height: int
    exif_orientation: int  # 1..8 as found on import; the stored pixels are upright whatever it was
    position: int  # order in the list, from 0
    status: ImageStatus
    created_at: datetime
    review_comment: str = ""  # why it was returned

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.height, self.width


@dataclass(frozen=True, kw_only=True)
class CategoryRecord:
    """A class that instances can have."""

    id: int
    name: str
    color: str  # "#rrggbb"
    position: int  # order in the palette and of YOLO's class numbers, from 0
    supercategory: str  # "" for none
    is_thing: bool  # countable object (thing) or background material (stuff)
    key: str | None  # the keyboard key that picks it, "1".."9" or a letter; None for none


@dataclass(frozen=True, kw_only=True)
class EventRecord:
    """One step of a session, in order. Undone ones are kept for redo until a new step is taken."""

    seq: int  # from 1 within the session, without gaps
    op_id: str  # the client's own id of the operation; the same id twice is one step
    kind: str  # see annotator/session.py
    payload: dict[str, Any]
    undone: bool
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class SessionRecord:
    """The prompts of one labeler on one image, with their history."""

    id: int
    image_id: int
    labeler: str
    revision: int  # grows with every change; an answer for an older one is discarded
    chosen_candidate: int | None
    status: str  # "open" while a prompt is unsaved, "idle" when none is
    events: tuple[EventRecord, ...] = ()

    @property
    def taken(self) -> tuple[EventRecord, ...]:
        """The steps that stand, oldest first; undo takes the last one back."""
        return tuple(event for event in self.events if not event.undone)

    @property
    def undone(self) -> tuple[EventRecord, ...]:
        """The steps that were undone, oldest first; redo takes the first one again."""
        return tuple(event for event in self.events if event.undone)


@dataclass(frozen=True, kw_only=True)
class InstanceRecord:
    """One saved mask with its category."""

    id: int
    image_id: int
    category_id: int
    rle: Rle
    bbox_xywh: tuple[int, int, int, int]  # first pixel of the image is [0, 0, 1, 1]
    area: int  # pixels
    predicted_iou: float | None
    stability_score: float | None
    model: str | None  # the segmenter's name, None where no model made it
    origin: Origin
    labeler: str
    prompt: list[dict[str, Any]]  # the steps it was made with, so that it can be edited; [] where there were none
    is_crowd: bool
    created_at: datetime
    updated_at: datetime
    version: int = 0  # the id of its last change in the history; 0 where none is known


@dataclass(frozen=True, kw_only=True)
class InstanceVersion:
    """An instance as it is now, deleted or not, and who changed it last."""

    instance: InstanceRecord
    deleted: bool
    labeler: str  # "" where nobody is known
    at: datetime | None
    kind: ChangeKind | None


@dataclass(frozen=True, kw_only=True)
class ProposalRecord:
    """A mask that the grid found on a picture, not (yet) an instance."""

    id: int
    image_id: int
    rle: Rle
    bbox_xywh: tuple[int, int, int, int]
    area: int  # pixels
    predicted_iou: float
    stability_score: float
    model: str
    point_xy: tuple[float, float]  # the grid's point that it answers, in pixels of the picture
    shown: bool  # by the thresholds of the run that made it
    rejected: bool  # by a labeler: not offered again
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class ProposalRunRecord:
    """The grid on one picture, done or waiting for its turn."""

    image_id: int
    state: RunState
    fingerprint: str  # of the segmenter
    model: str  # its name
    settings: dict[str, Any]
    message: str  # why it failed, "" where it did not
    open_count: int  # proposals shown by its settings, neither rejected nor (nearly) an instance
    updated_at: datetime

    def same_work(self, *, fingerprint: str, settings: dict[str, Any]) -> bool:
        """Whether this run did, without a failure, what that segmenter would do with those settings."""
        return not self.message and (self.fingerprint, self.settings) == (fingerprint, settings)


@dataclass(frozen=True, kw_only=True)
class SignInRecord:
    """Someone who signed in: under which name, with which code's role, and when they were last seen."""

    id: int
    name: str
    role: str  # "labeler" or "instructor"
    created_at: datetime
    seen_at: datetime  # to some minutes
    ended_at: datetime | None  # signed out, by themselves or by another


@dataclass(frozen=True, kw_only=True)
class ChangeRecord:
    """One entry of the history.

    before and after hold what differs: of a picture or a category its values; of instances, by their ids as text, each
    one's values and whether it is "deleted".
    """

    id: int  # grows with time
    at: datetime
    labeler: str  # who did it; "" where nobody was asked
    kind: ChangeKind
    image_id: int | None
    instance_id: int | None  # None also where it was several
    category_id: int | None  # of changes of a category itself
    instances: int  # how many were changed
    before: dict[str, Any]
    after: dict[str, Any]
    undoes: int | None  # the change that this one took back
    undone: bool  # by a later one, which stands


@dataclass(frozen=True, kw_only=True)
class AssignmentRule:
    """How pictures are given out."""

    mode: AssignmentMode = AssignmentMode.ALL
    labelers: int = 1  # that each picture gets, in mode SEVERAL
    lease_s: int = 1800  # a picture that its labeler has not touched for so long goes to another

    @property
    def places(self) -> int:
        """How many labelers may have one picture."""
        return 1 if self.mode is AssignmentMode.SINGLE else self.labelers


@dataclass(frozen=True, kw_only=True)
class AssignmentRecord:
    """A labeler has a picture, or has submitted it."""

    image_id: int
    labeler: str
    submitted: bool
    until: datetime | None  # when it can be taken over; None: never


@dataclass(frozen=True, kw_only=True)
class LockRecord:
    """Something that labelers may not change for now."""

    name: str
    labeler: str  # who has locked it
    at: datetime


@dataclass(frozen=True, kw_only=True)
class AnnouncementRecord:
    """Words to everybody."""

    id: int
    text: str
    labeler: str  # who says it
    at: datetime


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """Background work as the process that does it told of it last."""

    id: str
    kind: str
    state: str  # "running", or how it ended
    done: int
    total: int
    message: str
    lines: tuple[str, ...]
    result: Any  # plain JSON
    subject: tuple[int, ...]  # pictures that it is about
    owner: str
    seconds_left: float | None
    seen_at: datetime
