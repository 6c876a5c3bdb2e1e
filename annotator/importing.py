"""Bringing pictures into a workspace: good ones become images, the others are named with the reason."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from annotator.errors import AwayError, ImageError
from annotator.images import MAX_PIXELS, file_bytes, read_image
from annotator.pictures import PictureStore
from importers.sources import Skipped, SourceFile, SourceLimits, expand
from storage.records import ImageRecord

LINES_OF_A_KIND = 50  # a report names so many and counts the rest

Progress = Callable[[int, int], None]  # (done, total)


class ImageTable(Protocol):
    """The part of storage's Repository that an import needs."""

    def find_image(self, sha256: str) -> ImageRecord | None: ...

    def add_image(
        self, *, sha256: str, stored_name: str, original_name: str, width: int, height: int, exif_orientation: int
    ) -> tuple[ImageRecord, bool]: ...


@dataclass
class ImportReport:
    """What an import did.

    image_ids: of every picture given, those already there too, once each, in the order met. imported: how many are new.
    duplicates: one line for each that was there already. notes: one line for each that was not taken as it was.
    skipped: (name, reason). cancelled: whether it was stopped before its end; what was done stays.
    """

    image_ids: list[int] = field(default_factory=list)
    imported: int = 0
    duplicates: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    cancelled: bool = False
    _known_ids: set[int] = field(default_factory=set, repr=False)

    def add_id(self, image_id: int) -> None:
        """Append to image_ids what is not in it."""
        if image_id not in self._known_ids:
            self._known_ids.add(image_id)
            self.image_ids.append(image_id)

    def lines(self) -> Iterator[str]:
        """The report as a person reads it."""
        yield f"{self.imported} picture{'' if self.imported == 1 else 's'} imported" + (
            ", then stopped" if self.cancelled else ""
        )
        yield from first_lines([f"skipped {name}: {reason}" for name, reason in self.skipped], "skipped")
        yield from first_lines(self.duplicates, "already there")
        yield from first_lines(self.notes, "with a note")


def import_pictures(
    paths: Sequence[Path],
    *,
    store: PictureStore,
    repository: ImageTable,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    max_pixels: int = MAX_PIXELS,
    limits: SourceLimits | None = None,
) -> ImportReport:
    """Take in files, folders and zip archives, one picture after the other.

    Each picture's file is on the disk before its row is written, so that no row is ever without its file. The same
    picture twice (byte for byte) is one image; where its file was lost, this brings it back. What cannot be read is
    skipped by name and the rest comes in. progress(done, total) after each; cancelled() is asked before each, and what
    is done stays. Raises SettingsError where the disk cannot be written to, StorageError from the repository, and
    whatever progress raises.
    """
    report = ImportReport()
    sources = expand(paths, work_dir=store.work_folder, limits=limits)
    done = 0
    with contextlib.closing(iter(sources)) as items:
        for item in items:
            if cancelled is not None and cancelled():
                report.cancelled = True
                return report
            if isinstance(item, Skipped):
                report.skipped.append((item.name, item.reason))
            else:
                take_in(item, report, store, repository, max_pixels)
            done += 1
            if progress is not None:
                progress(done, max(done, sources.total))
    if progress is not None and done < sources.total:  # an archive ended early
        progress(sources.total, sources.total)
    return report


def take_in(
    source: SourceFile, report: ImportReport, store: PictureStore, repository: ImageTable, max_pixels: int
) -> ImageRecord | None:
    """One file: into the store and the table, or into the report. Returns the picture, None where it was skipped.

    Raises AwayError where pictures are kept elsewhere, and that cannot be reached: nor could it for those that follow.
    """
    try:
        return _take_in(source, report, store, repository, max_pixels)
    except AwayError as error:
        raise AwayError(
            f"{source.name} and what comes after it were not imported; what came before is. {error}"
        ) from error


def _take_in(
    source: SourceFile, report: ImportReport, store: PictureStore, repository: ImageTable, max_pixels: int
) -> ImageRecord | None:
    try:
        data = file_bytes(source.path, name=source.name)
        known = repository.find_image(hashlib.sha256(data).hexdigest())
        if known is not None and store.has(known.stored_name):
            _there_already(source, known, report)
            return known
        picture = read_image(data, name=source.name, max_pixels=max_pixels)
    except ImageError as error:
        report.skipped.append((source.name, str(error).removeprefix(f"{source.name}: ")))
        return None
    height, width = picture.size_hw
    image, created = repository.add_image(
        sha256=picture.sha256,
        stored_name=store.add(picture),
        original_name=source.name,
        width=width,
        height=height,
        exif_orientation=picture.exif_orientation,
    )
    if not created and known is None:  # another import was quicker
        _there_already(source, image, report)
        return image
    report.add_id(image.id)
    if created:
        report.imported += 1
    else:
        report.notes.append(f"{source.name}: the lost file of {image.original_name} is back")
    if picture.note:
        report.notes.append(f"{source.name}: {picture.note}")
    return image


def _there_already(source: SourceFile, image: ImageRecord, report: ImportReport) -> None:
    report.duplicates.append(f"{source.name}: the same picture as {image.original_name}, which is there already")
    report.add_id(image.id)


def first_lines(lines: Sequence[str], what: str) -> Iterator[str]:
    """The first of many lines, and how many more there are."""
    yield from lines[:LINES_OF_A_KIND]
    if len(lines) > LINES_OF_A_KIND:
        yield f"and {len(lines) - LINES_OF_A_KIND} more {what}"
