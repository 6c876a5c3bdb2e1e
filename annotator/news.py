"""What is new since a page looked last. Forty pages ask each second, so nothing new has to cost next to nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from annotator.access.person import Role
from annotator.errors import AnnotatorError
from annotator.labelling import Labelling, SessionView
from storage.errors import RecordNotFound
from storage.records import AssignmentRule, InstanceRecord
from storage.repository import Repository
from storage.repository.news import CountedImage, Marks

MOST_IMAGES = 300  # of one answer; of more, the page loads its list anew

Seen = Mapping[str, Any]  # name of a source -> the mark that its last answer came with, any plain JSON


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who wants to know."""

    labeler: str
    role: Role


@dataclass(frozen=True, kw_only=True)
class Item:
    """Something new of one source. mark: what tells this state from every other, in plain JSON."""

    mark: Any
    value: Any  # plain JSON


# Asked with the mark that the page has seen (None: none yet); gives None where that is the newest. It has to be quick:
# best a look at something in memory, or at one row.
Source = Callable[[Any, Asker], Item | None]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The picture that a page shows, and how it knows it."""

    image_id: int
    revision: int
    change_id: int


@dataclass(frozen=True, kw_only=True)
class InstancesNews:
    """Others changed a picture's instances; the labeler's own prompt is as it was."""

    image_id: int
    change_id: int
    instances: tuple[InstanceRecord, ...]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What is new. seen: the marks to ask with next time, of those sources alone that have moved."""

    seen: dict[str, Any] = field(default_factory=dict)
    images: tuple[CountedImage, ...] = ()  # new ones, and those that changed
    removed: tuple[int, ...] = ()
    reload_images: bool = False  # so many changed that the list is to be loaded anew
    categories: bool = False  # whether they changed
    session: SessionView | None = None  # another window of the labeler's changed the prompt
    instances: InstancesNews | None = None
    more: dict[str, Any] = field(default_factory=dict)  # name of a source -> its value


class News:
    """Looks what is new. Safe to call from any thread.

    To add a kind of news ("announcement", say): `workspace.news.add("announcement", source)` here, and
    `news.on("announcement", listener)` in the page (static/news.js); nothing in between needs to know of it.
    """

    def __init__(self, repository: Repository, labelling: Labelling, *, most_images: int = MOST_IMAGES) -> None:
        """most_images: of one answer."""
        self._repository, self._labelling, self._most_images = repository, labelling, most_images
        self._sources: dict[str, Source] = {"assignment": self._assignment}

    def add(self, name: str, source: Source) -> None:
        """A further kind of news, under a name of its own."""
        self._sources[name] = source

    def now(self) -> dict[str, Any]:
        """The marks of a page that is about to load everything."""
        return _marks_json(self._repository.marks())

    def look(self, seen: Seen, asker: Asker, watched: Watched | None = None) -> Findings:
        """What is new since those marks, as `now` or the last answer gave them. Raises AnnotatorError for others."""
        changes, images = _given(seen, "changes"), _given(seen, "images")
        image_id = None if watched is None else watched.image_id
        marks = self._repository.marks(image_id=image_id, labeler=asker.labeler)
        found: dict[str, Any] = {"seen": {}, "more": {}}
        if marks.change_id > changes or marks.image_id > images:
            found |= self._of_list(marks, changes, images)
        if watched is not None:
            found |= self._of_picture(watched, marks, asker, categories=found.get("categories", False))
        for name, source in self._sources.items():
            item = source(seen.get(name), asker)
            if item is not None:
                found["seen"][name], found["more"][name] = item.mark, item.value
        return Findings(**found)

    def _of_list(self, marks: Marks, changes: int, images: int) -> dict[str, Any]:
        touched = self._repository.changed_since(changes, up_to=marks.change_id)
        added: list[int] = []
        if marks.image_id > images:
            added = self._repository.images_added_since(images, most=self._most_images + 1)
        ids = sorted({*touched.image_ids, *added})
        many = len(ids) > self._most_images
        return {
            "seen": {"changes": touched.looked_to, "images": max(marks.image_id, images)},
            "images": () if many or not ids else tuple(self._repository.counted_images(ids)),
            "removed": touched.removed,
            "reload_images": many,
            "categories": touched.categories,
        }

    def _of_picture(self, watched: Watched, marks: Marks, asker: Asker, *, categories: bool) -> dict[str, Any]:
        try:
            image = self._repository.image(watched.image_id) if _moved(watched, marks) or categories else None
        except RecordNotFound:  # it is among the removed
            return {}
        if image is None:
            return {}
        if (marks.revision or 0) > watched.revision:
            return {"session": self._labelling.view(image, labeler=asker.labeler)}
        instances = tuple(self._repository.instances(image.id))
        news = InstancesNews(image_id=image.id, change_id=marks.picture_change_id, instances=instances)
        return {"instances": news}

    def _assignment(self, mark: Any, _: Asker) -> Item | None:
        """How pictures are given out: by it the page knows whom to ask for the next one."""
        rule = self._repository.assignment_rule()
        now = _rule_mark(rule)
        return None if mark == now else Item(mark=now, value={"mode": rule.mode.value, "labelers": rule.labelers})


def _moved(watched: Watched, marks: Marks) -> bool:
    return (marks.revision or 0) > watched.revision or marks.picture_change_id > watched.change_id


def _rule_mark(rule: AssignmentRule) -> str:
    return f"{rule.mode.value} {rule.labelers}"


def _marks_json(marks: Marks) -> dict[str, Any]:
    return {"changes": marks.change_id, "images": marks.image_id}


def _given(seen: Seen, name: str) -> int:
    value = seen.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise AnnotatorError(f"The news are asked for with what was seen, as the page got it; {name} is {value!r}.")
    return value
