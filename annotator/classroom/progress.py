"""How far each labeler is, and how fast."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median

from annotator.agreement import NOBODY
from annotator.classroom.presence import Presence, Seen
from storage.records import ImageStatus
from storage.repository import Repository
from storage.repository.progress import Touched

PERIOD = timedelta(hours=12)  # a class, or a day of one
RATE_OVER = timedelta(hours=1)
SHORTEST_RATE = timedelta(minutes=5)  # who has just begun is not told to make a thousand an hour
PAUSE = timedelta(minutes=5)  # between two instances: longer is no work on the second one
AT_ONCE = timedelta(seconds=0.5)  # saved closer together than this were saved by one key: accepted proposals


@dataclass(frozen=True, kw_only=True)
class LabelerProgress:
    """What one labeler has done in the period."""

    name: str
    begun: int  # pictures that they did anything on
    done: int  # of these, those that they marked as done
    submitted: int  # of these, those that they handed in
    instances: int  # that they made and that still stand
    per_hour: float | None  # instances, at the rate of the last hour; None where they made none in it
    median_s: float | None  # seconds from one instance to the next, pauses left out; None before the second one
    last_seen: datetime | None
    image_id: int | None  # the picture they are on, or were on last


@dataclass(frozen=True, kw_only=True)
class ClassProgress:
    """Everybody's, by name, and how far the pictures are."""

    since: datetime
    labelers: tuple[LabelerProgress, ...]
    statuses: Mapping[ImageStatus, int]


@dataclass
class _Work:
    """What is known of one labeler."""

    saved: list[datetime] = field(default_factory=list)  # oldest first
    worked: set[int] = field(default_factory=set)
    done: set[int] = field(default_factory=set)
    submitted: set[int] = field(default_factory=set)
    last: Touched | None = None


def progress(
    repository: Repository,
    presence: Presence,
    *,
    names: Iterable[str] = (),
    period: timedelta = PERIOD,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ClassProgress:
    """Of all who have done something in the period, and of these names. Reads what was done in it, no more."""
    at = now()
    since = at - period
    work: dict[str, _Work] = {name: _Work() for name in names}
    for name, moment in repository.saved_since(since):
        work.setdefault(name, _Work()).saved.append(moment)
    for touched in repository.touched_since(since):
        one = work.setdefault(touched.labeler, _Work())
        one.last = touched
        if touched.worked:
            one.worked.add(touched.image_id)
        if touched.submitted:
            one.submitted.add(touched.image_id)
    for name, image_id, status in repository.statuses_since(since):
        _note_status(work.setdefault(name, _Work()), image_id, status)
    seen = presence.seen()
    people = [name for name in work if name and name not in NOBODY]
    return ClassProgress(
        since=since,
        labelers=tuple(_told(name, work[name], seen.get(name), at) for name in sorted(people, key=str.casefold)),
        statuses=repository.status_counts(),
    )


def _note_status(work: _Work, image_id: int, status: ImageStatus) -> None:
    """Of several that somebody gave a picture, the last counts."""
    if status in (ImageStatus.DONE, ImageStatus.SUBMITTED):
        work.done.discard(image_id)
        work.submitted.discard(image_id)
        (work.done if status is ImageStatus.DONE else work.submitted).add(image_id)
    elif status.is_open:
        work.done.discard(image_id)


def _told(name: str, work: _Work, seen: Seen | None, now: datetime) -> LabelerProgress:
    last = work.last
    times = [moment for moment in (last and last.at, seen and seen.at) if moment]
    known = seen.image_id if seen is not None else None
    return LabelerProgress(
        name=name,
        begun=len(work.worked | work.done | work.submitted),
        done=len(work.done),
        submitted=len(work.submitted - work.done),
        instances=len(work.saved),
        per_hour=_per_hour(work.saved, now),
        median_s=_median_s(work.saved),
        last_seen=max(times, default=None),
        image_id=known if known is not None else (last.image_id if last is not None else None),
    )


def _per_hour(saved: Sequence[datetime], now: datetime) -> float | None:
    """Over the last hour, or the part of it since the first instance in it."""
    lately = [moment for moment in saved if now - moment <= RATE_OVER]
    if not lately:
        return None
    return len(lately) / (max(SHORTEST_RATE, now - lately[0]) / timedelta(hours=1))


def _median_s(saved: Sequence[datetime]) -> float | None:
    """Several that were saved at once share the time that they took."""
    steps: list[list[datetime]] = []
    for moment in saved:
        if steps and moment - steps[-1][-1] < AT_ONCE:
            steps[-1].append(moment)
        else:
            steps.append([moment])
    taken = list[float]()
    for before, step in pairwise(steps):
        gap = step[0] - before[-1]
        if gap <= PAUSE:
            taken += [gap.total_seconds() / len(step)] * len(step)
    return median(taken) if taken else None
