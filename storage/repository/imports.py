"""What a data set brings in: many instances and their categories, in one change."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from storage.database import Database
from storage.errors import StorageError
from storage.records import ImageStatus, Origin, RunState
from storage.repository.categories import NewCategory, ensure_categories
from storage.repository.categoryrows import living_category
from storage.repository.notes import Watch, note_begun, note_imported
from storage.repository.proposals import recount
from storage.rle import Rle
from storage.schema import ImageRow, InstanceRow, ProposalRunRow

_ROWS_AT_ONCE = 1000
_IMPORTED = InstanceRow.origin == Origin.IMPORT.value


@dataclass(frozen=True, kw_only=True)
class NewInstance:
    """A mask of a data set. category: its place among the categories that come with it."""

    category: int
    rle: Rle
    is_crowd: bool


@dataclass(frozen=True, kw_only=True)
class NewLabels:
    """What one picture gets.

    seen: ids of the instances that it had when this was decided: had it others by now, it is left as it is. replace:
    those are deleted (and kept as deleted ones are).
    """

    image_id: int
    seen: frozenset[int]
    instances: Sequence[NewInstance]
    replace: bool = False


@dataclass(kw_only=True)
class LabelsAdded:
    """What was written. at: its moment, by which it is known. changed_meanwhile: pictures that were left as they are,
    for others worked on them."""

    at: datetime
    instances: int = 0
    replaced: int = 0
    categories: int = 0
    image_ids: list[int] = field(default_factory=list)
    changed_meanwhile: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class LabelsTakenBack:
    """removed: instances of the import. restored: those that it had replaced. kept: its own that were edited since."""

    removed: int
    restored: int
    kept: int


class Imports:
    """The part of the Repository that takes in data sets."""

    _database: Database
    _duplicate_iou: float

    def add_labels(
        self, categories: Sequence[NewCategory], pictures: Iterable[NewLabels], *, labeler: str, by: str | None = None
    ) -> LabelsAdded:
        """Add categories (those of a name that is there are used as they are) and instances: all or nothing.

        pictures: each image at most once; read while the transaction is open, so it must not take long over each, and
        an exception of its own takes everything back. New pictures that get instances are in progress from then on.
        labeler: whose instances they are. by: who imports, for the history; None: the same.
        Raises StorageError.
        """
        now = datetime.now(UTC)
        added = LabelsAdded(at=now)
        who = labeler if by is None else by
        replaced: dict[int, Collection[int]] = {}
        with self._database.write() as db_session:
            category_ids, added.categories = ensure_categories(db_session, categories, labeler=who)
            proposed = set(
                db_session.scalars(select(ProposalRunRow.image_id).where(ProposalRunRow.state == RunState.DONE.value))
            )
            rows: list[dict[str, object]] = []
            for labels in pictures:
                if not _is_as_seen(db_session, labels):
                    added.changed_meanwhile.append(labels.image_id)
                    continue
                if labels.replace:
                    added.replaced += _delete(db_session, labels.seen, now)
                    replaced[labels.image_id] = labels.seen
                rows += [_values(labels.image_id, one, category_ids, labeler, now) for one in labels.instances]
                added.instances += len(labels.instances)
                added.image_ids.append(labels.image_id)
                if len(rows) >= _ROWS_AT_ONCE:
                    db_session.execute(insert(InstanceRow), rows)
                    rows = []
            if rows:
                db_session.execute(insert(InstanceRow), rows)
            _note(db_session, added, replaced, labeler=who)
            _set_in_progress(db_session, added.image_ids, labeler=who)
            for image_id in proposed.intersection(added.image_ids):
                recount(db_session, image_id, duplicate_iou=self._duplicate_iou)
        return added

    def last_labels_added(self) -> datetime | None:
        """The moment of the last import of which an instance is left; None where there is none."""
        query = select(func.max(InstanceRow.created_at)).where(_IMPORTED, InstanceRow.deleted_at.is_(None))
        with self._database.read() as db_session:
            return db_session.scalar(query)

    def take_back_labels(self, at: datetime, *, by: str = "") -> LabelsTakenBack:
        """Undo an import of labels: its instances go, unless someone edited them since; what it replaced is back.

        at: its moment. by: who takes it back. Pictures and categories stay. Raises StorageError.
        """
        now = datetime.now(UTC)
        with self._database.write() as db_session:
            query = select(InstanceRow).where(_IMPORTED, InstanceRow.created_at == at, InstanceRow.deleted_at.is_(None))
            live = list(db_session.scalars(query))
            removed = [row for row in live if row.updated_at == at]
            restored = list(db_session.scalars(select(InstanceRow).where(InstanceRow.deleted_at == at)))
            watches: dict[int, Watch] = {}
            for row in [*removed, *restored]:
                watches.setdefault(row.image_id, Watch()).see(row)
            for row in removed:
                row.deleted_at = row.updated_at = now
            for row in restored:
                row.category_id = living_category(db_session, row.category_id)
                row.deleted_at, row.updated_at = None, now
            for image_id, watch in watches.items():
                watch.note(db_session, labeler=by)
                recount(db_session, image_id, duplicate_iou=self._duplicate_iou)
            return LabelsTakenBack(removed=len(removed), restored=len(restored), kept=len(live) - len(removed))


def _is_as_seen(db_session: Session, labels: NewLabels) -> bool:
    """Whether the picture is there with just the instances that were seen. Raises StorageError for an unsound mask."""
    size = db_session.execute(
        select(ImageRow.height, ImageRow.width).where(ImageRow.id == labels.image_id)
    ).one_or_none()
    if size is None:
        return False
    for one in labels.instances:
        if one.rle.size_hw != (size.height, size.width):
            raise StorageError(
                f"A mask has its picture's size, {size.height}×{size.width} (height×width); "
                f"this one has {one.rle.size_hw[0]}×{one.rle.size_hw[1]}. Nothing was written."
            )
    live = select(InstanceRow.id).where(InstanceRow.image_id == labels.image_id, InstanceRow.deleted_at.is_(None))
    return set(db_session.scalars(live)) == labels.seen


def _delete(db_session: Session, instance_ids: Collection[int], now: datetime) -> int:
    for instance_id in instance_ids:
        db_session.execute(
            update(InstanceRow).where(InstanceRow.id == instance_id).values(deleted_at=now, updated_at=now)
        )
    return len(instance_ids)


def _values(
    image_id: int, one: NewInstance, category_ids: Sequence[int], labeler: str, now: datetime
) -> dict[str, object]:
    x, y, width, height = one.rle.bbox_xywh
    return {
        "image_id": image_id,
        "category_id": category_ids[one.category],
        "rle_height": one.rle.size_hw[0],
        "rle_width": one.rle.size_hw[1],
        "rle_counts": one.rle.counts,
        "bbox_x": x,
        "bbox_y": y,
        "bbox_width": width,
        "bbox_height": height,
        "area": one.rle.area,
        "origin": Origin.IMPORT.value,
        "labeler": labeler,
        "prompt": [],
        "is_crowd": one.is_crowd,
        "created_at": now,
        "updated_at": now,
    }


def _note(db_session: Session, added: LabelsAdded, replaced: Mapping[int, Collection[int]], *, labeler: str) -> None:
    """Into the history, picture by picture. Its instances are known by the picture and the moment."""
    for some in _portions(added.image_ids):
        query = select(InstanceRow.image_id, InstanceRow.id).where(
            InstanceRow.image_id.in_(some), InstanceRow.created_at == added.at
        )
        made: dict[int, list[int]] = {}
        for image_id, instance_id in db_session.execute(query.order_by(InstanceRow.image_id, InstanceRow.id)):
            made.setdefault(image_id, []).append(instance_id)
        note_imported(db_session, made, replaced, labeler=labeler, at=added.at)


def _set_in_progress(db_session: Session, image_ids: Sequence[int], *, labeler: str) -> None:
    """Those that were new, and a change of the history for each."""
    for some in _portions(image_ids):
        is_new = ImageRow.id.in_(some), ImageRow.status == ImageStatus.NEW.value
        begun = list(db_session.scalars(select(ImageRow.id).where(*is_new)))
        db_session.execute(
            update(ImageRow).where(*is_new).values(status=ImageStatus.IN_PROGRESS.value),
            execution_options={"synchronize_session": False},
        )
        note_begun(db_session, begun, labeler=labeler)


def _portions(image_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(image_ids), _ROWS_AT_ONCE // 2):
        yield image_ids[start : start + _ROWS_AT_ONCE // 2]
