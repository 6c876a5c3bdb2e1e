"""Cutting out, headless: a preview, one file, or many; the page, the API and the command line drive this."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from annotator.cutouts.archive import new_archive
from annotator.cutouts.backgrounds import Background, BackgroundKind
from annotator.cutouts.encoding import SUFFIXES, encode, encode_preview, format_of
from annotator.cutouts.frames import Frame, frame_of, photo_frame
from annotator.cutouts.heads import find_head
from annotator.cutouts.notes import photo_notes
from annotator.cutouts.options import CutoutOptions
from annotator.cutouts.rendering import Placed, render
from annotator.cutouts.shelf import Shelf
from annotator.cutouts.targets import Selection, joined_mask, joined_stem, on_one_picture, targets
from annotator.errors import USER_ERRORS, Cancelled, CutoutError, NotFoundError
from annotator.files import write_whole
from annotator.images import read_image
from annotator.jobs import Job, Jobs
from storage.records import ImageRecord, InstanceRecord
from storage.repository import Repository

Progress = Callable[[int, int], None]

PREVIEW_SIDE = 900  # pixels: as large as the page shows it


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Two pictures of the same size, each as bytes with their media type. size_hw: of the cut-out itself."""

    before: tuple[bytes, str] = field(repr=False)
    after: tuple[bytes, str] = field(repr=False)
    size_hw: tuple[int, int]
    notes: tuple[str, ...]  # what a user should know or correct


@dataclass(frozen=True, kw_only=True)
class CutoutFile:
    """One finished file."""

    name: str
    data: bytes = field(repr=False)
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CutoutReport:
    """What was written, and what was left out and why."""

    files: int
    pictures: int
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        files = f"{self.files} cut-out{'s' if self.files != 1 else ''}"
        pictures = f"{self.pictures} picture{'s' if self.pictures != 1 else ''}"
        return [f"{files} from {pictures}", *self.notes, *(f"left out: {line}" for line in self.left_out)]


class Sink(Protocol):
    """Takes finished files."""

    def add(self, name: str, data: bytes) -> None: ...


class Cutouts:
    """The use-cases over one workspace. Raises AnnotatorError and StorageError with a text for the user."""

    def __init__(
        self,
        repository: Repository,
        pixels: Callable[[ImageRecord], np.ndarray],
        jobs: Jobs,
        folder: Callable[[str], Path],
    ) -> None:
        self._repository = repository
        self._pixels = pixels
        self._jobs = jobs
        self._folder = folder
        self._backdrop: tuple[Any, np.ndarray] | None = None  # the last one read, for a preview asks again and again

    def offered(self, image_id: int | None, category_id: int | None = None) -> tuple[int, list[InstanceRecord]]:
        """A picture and all its instances: the given one, or where it has none of the category (None: at all) the first
        that has. Raises CutoutError where there is none."""
        others = [image.id for image in self._repository.images() if image.id != image_id]
        for candidate in others if image_id is None else [image_id, *others]:
            instances = self._repository.instances(candidate)
            if any(category_id in (None, instance.category_id) for instance in instances):
                return candidate, instances
        raise CutoutError("There is no saved instance to cut out. Save one first.")

    def preview(
        self, image_id: int, instance_ids: Sequence[int], options: CutoutOptions, *, longest: int = PREVIEW_SIDE
    ) -> Preview:
        """The instances of one picture as one cut-out, before and after, no larger than `longest`."""
        image = self._repository.image(image_id)
        ids = set(instance_ids)
        instances = [one for one in self._repository.instances(image_id) if one.id in ids]
        if not ids or len(instances) < len(ids):
            raise NotFoundError("An instance that was to be cut out is not there any more. Choose again.")
        placed = joined_mask(image, instances)
        frame, notes = _frame(placed, image, options)
        small = frame.reduced(longest)
        pixels = self._pixels(image)
        after = render(pixels, placed, small, options, backdrop=self._backdrop_of(options.background))
        return Preview(
            before=encode_preview(_plain(pixels, small)),
            after=encode_preview(after),
            size_hw=frame.size_hw,
            notes=notes,
        )

    def save(self, image_id: int, instance_ids: Sequence[int], options: CutoutOptions, out: Path) -> CutoutReport:
        """The instances of one picture as one file, PNG or JPEG by its name; what is there is replaced."""
        made = self.file(image_id, instance_ids, options, format=format_of(out.name))
        write_whole(out, made.data)
        return CutoutReport(files=1, pictures=1, notes=made.notes)

    def file(
        self, image_id: int, instance_ids: Sequence[int], options: CutoutOptions, *, format: str = "PNG"
    ) -> CutoutFile:
        """The same, given back in place of written."""
        chosen = on_one_picture(self._repository, image_id, instance_ids)
        data, notes = self._file(chosen[0].image, [target.instance for target in chosen], options, format)
        return CutoutFile(name=joined_stem(chosen) + SUFFIXES[format], data=data, notes=notes)

    def save_many(
        self, selection: Selection, options: CutoutOptions, out: Path, progress: Progress | None = None
    ) -> CutoutReport:
        """Each chosen instance as a PNG of its own: in a zip where `out` ends in .zip, else in a folder.

        A zip is there whole or not at all, and the same instances give the same bytes. What cannot be cut out is named
        in the report; CutoutError when that is all. progress: (done, total) pictures; what it raises goes through.
        """
        with ExitStack() as stack:
            as_zip = out.suffix.lower() == ".zip"
            sink: Sink = stack.enter_context(new_archive(out)) if as_zip else _Folder(out)
            return self._write_all(selection, options, sink, progress or (lambda done, total: None))

    def single(self, selection: Selection) -> tuple[int, list[int]]:
        """A selection's picture and instances, for one file. Raises CutoutError where there are several pictures."""
        found = list(islice(targets(self._repository, selection), 2))
        if not found:
            raise CutoutError("There is no saved instance in this selection. Save one, or choose more.")
        if len(found) > 1:
            raise CutoutError(
                "These instances are on several pictures, which do not go into one file. Choose one picture, or write "
                "to a folder or a .zip."
            )
        return found[0][0].image.id, [target.instance.id for target in found[0]]

    def start_file(self, image_id: int, instance_ids: Sequence[int], options: CutoutOptions, *, owner: str = "") -> Job:
        """One PNG in the background; result: {"token", "filename"} for `path`."""
        chosen = on_one_picture(self._repository, image_id, instance_ids)  # a mistake is said at once
        filename = f"{joined_stem(chosen)}.png"

        def work(job: Job) -> dict[str, Any]:
            job.progress(0, 1)
            token, path = self._shelf().new_place(filename, owner=owner)
            job.lines = list(self.save(image_id, instance_ids, options, path).notes)
            return {"token": token, "filename": filename}

        return self._jobs.start("cutout", work, owner=owner)

    def start_zip(self, selection: Selection, options: CutoutOptions, *, owner: str = "") -> Job:
        """All of a selection as a zip in the background; result: {"token", "filename"} for `path`."""

        def work(job: Job) -> dict[str, Any]:
            filename = "cutouts.zip"
            token, path = self._shelf().new_place(filename, owner=owner)
            job.message = "Cutting out…"
            report = self.save_many(selection, options, path, job.progress)
            job.message, *job.lines = report.lines()
            return {"token": token, "filename": filename}

        return self._jobs.start("cutout", work, owner=owner)

    def path(self, token: str, filename: str) -> Path | None:
        """A finished file, None where there is none (any more)."""
        return self._shelf().find(token, filename)

    def _write_all(self, selection: Selection, options: CutoutOptions, sink: Sink, progress: Progress) -> CutoutReport:
        total = len(self._repository.images() if selection.image_ids is None else selection.image_ids)
        files, pictures, left_out = 0, 0, list[str]()
        for done, chosen in enumerate(targets(self._repository, selection)):
            before = files
            for target in chosen:
                progress(min(done, total), total)
                try:
                    data, _ = self._file(target.image, [target.instance], options, "PNG")
                except Cancelled:
                    raise
                except USER_ERRORS as error:
                    left_out.append(f"{target.stem}: {error}")
                else:
                    sink.add(f"{target.stem}.png", data)
                    files += 1
            pictures += files > before
        if not files:
            why = left_out[0] if left_out else "There is no saved instance in this selection. Save one, or choose more."
            raise CutoutError(why)
        progress(total, total)
        return CutoutReport(files=files, pictures=pictures, left_out=tuple(left_out))

    def _file(
        self, image: ImageRecord, instances: Sequence[InstanceRecord], options: CutoutOptions, format: str
    ) -> tuple[bytes, tuple[str, ...]]:
        if format == "JPEG" and options.background.kind is BackgroundKind.TRANSPARENT:
            raise CutoutError("JPEG has no transparency: name the file .png, or choose a background.")
        placed = joined_mask(image, instances)
        frame, notes = _frame(placed, image, options)
        backdrop = self._backdrop_of(options.background)
        pixels = render(self._pixels(image), placed, frame, options, backdrop=backdrop)
        return encode(pixels, format, dpi=options.photo.dpi if options.photo else None), notes

    def _backdrop_of(self, background: Background) -> np.ndarray | None:
        """H×W×3 uint8 RGB of the picture that comes behind the object. Raises ImageError, RecordNotFound."""
        if background.picture is None:
            return None
        if isinstance(background.picture, int):
            return self._pixels(self._repository.image(background.picture))
        path = background.picture
        key = (path, path.stat().st_mtime_ns) if path.is_file() else None
        known = self._backdrop
        if key is None or known is None or known[0] != key:
            known = (key, read_image(path).pixels)
            self._backdrop = known
        return known[1]

    def _shelf(self) -> Shelf:
        return Shelf(self._folder("cutouts"))


class _Folder:
    """A sink that writes files beside one another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, name: str, data: bytes) -> None:
        write_whole(self._folder / name, data)


def _frame(placed: Placed, image: ImageRecord, options: CutoutOptions) -> tuple[Frame, tuple[str, ...]]:
    """The frame that the options ask for, and what there is to say about it."""
    if options.photo is None:
        return frame_of(placed.box_xywh, image.size_hw, options), ()
    head = find_head(placed.mask, at_xy=placed.at_xy)
    frame = photo_frame(head, options.photo, options)
    return frame, photo_notes(head, frame, options.photo, image.size_hw)


def _plain(pixels: np.ndarray, frame: Frame) -> np.ndarray:
    """What the frame shows of the picture as it is; transparent where the picture ends."""
    everything = Placed(mask=np.ones(pixels.shape[:2], bool), at_xy=(0, 0))
    shown = render(pixels, everything, frame, CutoutOptions(soft_edge=0, clean_edge=False, crop=False))
    x, y, width, height = frame.box_xywh
    is_within = frame.within((pixels.shape[0], pixels.shape[1])) == (x, y, width, height)
    return shown[..., :3] if is_within else shown
