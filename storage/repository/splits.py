"""Splits: what each picture was given out for, and remembered as."""

from collections.abc import Callable, Collection, Mapping

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from storage.database import Database
from storage.records import Split
from storage.schema import ImageRow, InstanceRow, SplitRow

Decide = Callable[[Mapping[int, Split]], Mapping[int, Split]]


class Splits:
    """The split part of the Repository. A scheme is one way of splitting; its name is the caller's."""

    _database: Database

    def splits(self, scheme: str) -> dict[int, Split]:
        """image_id -> its split by that scheme; pictures that have none yet are not in it."""
        with self._database.read() as db_session:
            return _known(db_session, scheme)

    def assign_splits(self, scheme: str, image_ids: Collection[int], decide: Decide) -> dict[int, Split]:
        """image_id -> its split, for each of image_ids; those that have none get one and keep it.

        decide: from the splits known so far to those of all image_ids. It runs inside the transaction, so that two
        exports at once cannot give one picture out twice: it has to be quick, and the same for the same.
        """
        wanted = set(image_ids)
        known = self.splits(scheme)
        if not wanted <= known.keys():
            with self._database.write() as db_session:
                known = _known(db_session, scheme)
                if missing := wanted - known.keys():
                    decided = {image_id: Split(split) for image_id, split in decide(known).items()}
                    there = set(db_session.scalars(select(ImageRow.id)))  # one may have been removed just now
                    rows = [
                        {"image_id": image_id, "scheme": scheme, "split": decided[image_id].value}
                        for image_id in sorted(missing & there)
                    ]
                    if rows:
                        db_session.execute(insert(SplitRow), rows)
                    known = known | {image_id: decided[image_id] for image_id in missing}
        return {image_id: known[image_id] for image_id in wanted}

    def split_counts(self) -> dict[str, dict[Split, int]]:
        """Scheme -> the number of pictures of each split, none left out."""
        query = select(SplitRow.scheme, SplitRow.split, func.count()).group_by(SplitRow.scheme, SplitRow.split)
        counts: dict[str, dict[Split, int]] = {}
        with self._database.read() as db_session:
            for scheme, split, count in db_session.execute(query.order_by(SplitRow.scheme)):
                counts.setdefault(scheme, dict.fromkeys(Split, 0))[Split(split)] = count
        return counts

    def categories_of_images(self) -> dict[int, set[int]]:
        """image_id -> the categories of its instances; pictures without any are not in it."""
        query = select(InstanceRow.image_id, InstanceRow.category_id).where(InstanceRow.deleted_at.is_(None)).distinct()
        found: dict[int, set[int]] = {}
        with self._database.read() as db_session:
            for image_id, category_id in db_session.execute(query):
                found.setdefault(image_id, set()).add(category_id)
        return found


def _known(db_session: Session, scheme: str) -> dict[int, Split]:
    query = select(SplitRow.image_id, SplitRow.split).where(SplitRow.scheme == scheme)
    return {image_id: Split(split) for image_id, split in db_session.execute(query)}
