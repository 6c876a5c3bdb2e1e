"""What a data set brings to each picture, on the disk until it is known whole: memory and the database stay free."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.errors import SettingsError
from storage.repository import NewInstance
from storage.rle import Rle


@dataclass(frozen=True, kw_only=True)
class Coming:
    """An instance that comes to a picture. is_known: the picture has it already."""

    instance: NewInstance
    is_known: bool


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What comes to one picture.

    image_id: None for one that is not in the workspace yet. seen: ids of the instances that it has.
    """

    image_id: int | None
    picture: str
    seen: frozenset[int]
    coming: tuple[Coming, ...]

    @property
    def unknown(self) -> int:
        """How many of those that come the picture has not."""
        return sum(not one.is_known for one in self.coming)

    @property
    def is_conflict(self) -> bool:
        """Whether the picture has instances, and others come."""
        return bool(self.seen) and self.unknown > 0


class Spool:
    """A temporary file without a name; a picture may be put in several times, and is given out once."""

    def __init__(self, folder: Path) -> None:
        """Raises SettingsError where the folder cannot be written to."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lasts as long as the spool
        except OSError as error:
            raise SettingsError(f"Cannot write into {folder}: {error.strerror}. Choose another with --data.") from error
        self._places: dict[str, list[int]] = {}
        self._end = 0

    def close(self) -> None:
        self._file.close()

    def put(self, key: str, settled: Settled) -> None:
        """Keep what comes to the picture that is called key. Raises SettingsError where the disk is full."""
        self._places.setdefault(key, []).append(self._end)
        try:
            self._file.seek(self._end)
            self._end += self._file.write(json.dumps(_to_json(settled)).encode() + b"\n")
        except OSError as error:
            raise SettingsError(f"Cannot keep what was read: {error.strerror}. Free some space.") from error

    def get(self, key: str) -> Settled | None:
        """All that was put in for a picture, as one; None where nothing was."""
        parts = [self._at(place) for place in self._places.get(key, [])]
        if not parts:
            return None
        coming = tuple(one for part in parts for one in part.coming)
        return Settled(image_id=parts[0].image_id, picture=parts[0].picture, seen=parts[0].seen, coming=coming)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self._places)

    def __iter__(self) -> Iterator[Settled]:
        """Each picture once, in the order in which they were first put in."""
        for key in self._places:
            settled = self.get(key)
            if settled is not None:
                yield settled

    def _at(self, place: int) -> Settled:
        self._file.seek(place)
        return _from_json(json.loads(self._file.readline()))


def _to_json(settled: Settled) -> list[Any]:
    coming = [
        [one.instance.category, *one.instance.rle.size_hw, one.instance.rle.counts, one.instance.is_crowd, one.is_known]
        for one in settled.coming
    ]
    return [settled.image_id, settled.picture, sorted(settled.seen), coming]


def _from_json(values: list[Any]) -> Settled:
    image_id, picture, seen, coming = values
    instances = tuple(
        Coming(
            instance=NewInstance(category=category, rle=Rle((height, width), counts), is_crowd=is_crowd),
            is_known=is_known,
        )
        for category, height, width, counts, is_crowd, is_known in coming
    )
    return Settled(image_id=image_id, picture=picture, seen=frozenset(seen), coming=instances)
