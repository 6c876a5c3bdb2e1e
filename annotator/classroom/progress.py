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
from storage.repository.progress import Saves, Visits

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
    median_s: float | None  # seconds from one of the last instances to the next, pauses left out; None before two
    last_seen: datetime | None
    image_id: int | None  # the picture they are on, or were on last


@dataclass(frozen=True, kw_only=True)
class ClassProgress:
    """Everybody's, by name, and how far the pictures are."""

    since: datetime
    labelers: tuple[LabelerProgress, ...]
    statuses: Mapping[ImageStatus, int]


@dataclass
class _Marks:
    """The pictures that a labeler has given a status, by the last that they gave."""

    done: set[int] = field(default_factory=set)
    submitted: set[int] = field(default_factory=set)


def progress(
    repository: Repository,
    presence: Presence,
    *,
    names: Iterable[str] = (),
    period: timedelta = PERIOD,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ClassProgress:
    """Of all who have done something in the period, and of these names. Costs what was done in it, no more."""
    at = now()
    since = at - period
    saves = repository.saves_since(since, lately=at - RATE_OVER)
    visits = repository.visits_since(since)
    marks: dict[str, _Marks] = {}
    for name, image_id, status in repository.statuses_since(since):
        _note_status(marks.setdefault(name, _Marks()), image_id, status)
    seen = presence.seen()
    worked = {name for name, one in visits.items() if one.worked}
    people = {*names, *((saves.keys() | marks.keys() | worked) - NOBODY - {""})}
    return ClassProgress(
        since=since,
        labelers=tuple(
            _told(name, saves.get(name), visits.get(name), marks.get(name) or _Marks(), seen.get(name), at)
            for name in sorted(people, key=str.casefold)
        ),
        statuses=repository.status_counts(),
    )


def _note_status(marks: _Marks, image_id: int, status: ImageStatus) -> None:
    """Of several that somebody gave a picture, the last counts."""
    if status in (ImageStatus.DONE, ImageStatus.SUBMITTED) or status.is_open:
        marks.done.discard(image_id)
    if status is ImageStatus.DONE:
        marks.done.add(image_id)
        marks.submitted.discard(image_id)
    elif status is ImageStatus.SUBMITTED:
        marks.submitted.add(image_id)


def _told(
    name: str, saves: Saves | None, visits: Visits | None, marks: _Marks, seen: Seen | None, now: datetime
) -> LabelerProgress:
    times = [moment for moment in (visits and visits.last_at, seen and seen.at) if moment]
    known = seen.image_id if seen is not None else None
    return LabelerProgress(
        name=name,
        begun=max(visits.worked if visits else 0, len(marks.done | marks.submitted)),
        done=len(marks.done),
        submitted=max(visits.handed_in if visits else 0, len(marks.submitted)),
        instances=saves.count if saves else 0,
        per_hour=_per_hour(saves, now) if saves else None,
        median_s=_median_s(saves.last) if saves else None,
        last_seen=max(times, default=None),
        image_id=known if known is not None else (visits.last_image_id if visits else None),
    )


def _per_hour(saves: Saves, now: datetime) -> float | None:
    """Over the last hour, or the part of it since the first instance in it."""
    if saves.first_lately is None:
        return None
    return saves.lately / (max(SHORTEST_RATE, now - saves.first_lately) / timedelta(hours=1))


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
