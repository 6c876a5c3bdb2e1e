"""An export as one step: whole under its final name, or not there at all."""

import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from exporters.base import Dataset, ExportError, ExportOptions, ExportReport, Pictures, Progress
from exporters.registry import EXPORTERS
from exporters.workfolder import swap_in, work_folder
from storage.disks import worded

_REPORT = "report.json"
_TEXT_SUFFIXES = {".json", ".txt", ".yaml", ".xml", ".csv"}  # all else is pictures: deflate only makes them slower
_CLUTTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what file browsers leave in a folder they show
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def export(
    format_name: str,
    dataset: Dataset,
    out: Path,
    options: ExportOptions | None = None,
    progress: Progress | None = None,
) -> ExportReport:
    """Write a data set to `out`: a zip where the name ends in .zip, else a folder.

    format_name: a key of EXPORTERS. options: None for the defaults. progress: called with (done, total) pictures; for
    a zip, writing and packing count half each. An earlier export at `out` is replaced; anything else there is
    refused, but for an empty folder. The same data set gives the same bytes. An exception, Ctrl+C or a kill leaves
    `out` as it was: the export grows in a hidden folder beside it, which the next export removes after a kill. Raises
    ExportError with what to do; what progress raises goes through.
    """
    if format_name not in EXPORTERS:
        raise ExportError(f"There is no export format {format_name!r}. Choose one of: {', '.join(EXPORTERS)}.")
    exporter, options, progress = EXPORTERS[format_name], options or ExportOptions(), progress or _silent
    target = out.resolve()
    as_zip = target.suffix.lower() == ".zip"
    if as_zip and options.pictures is not Pictures.NONE:
        options = replace(options, pictures=Pictures.LINK)  # they are on their way into the zip: no need of a copy
    left = "Nothing was written under the final name."
    with worded("export", target.parent, ExportError, nothing_left=left):
        target.parent.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(target, as_zip)
        with work_folder(target) as work:
            whole = work / "whole"
            whole.mkdir()
            report = exporter.write(dataset, whole, options, _first_half(progress) if as_zip else progress)
            if as_zip:
                report.copied = 0  # a zip holds copies whatever was asked for
            text = report.to_json([entry.name for entry in whole.iterdir()])
            (whole / _REPORT).write_text(text, encoding="ascii", newline="\n")
            if as_zip:
                _pack(whole, work / "whole.zip", progress, len(dataset.images))
            _refuse_foreign(target, as_zip)  # again: writing took its time
            if as_zip:
                os.replace(work / "whole.zip", target)
            else:
                swap_in(whole, target, work)
    return report


def _silent(done: int, total: int) -> None:
    pass


def _first_half(progress: Progress) -> Progress:
    return lambda done, total: progress(done // 2, total)


def _pack(folder: Path, target: Path, progress: Progress, total: int) -> None:
    """Move a folder's files into a zip of the same bytes for the same files: sorted, without times or owners."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    with target.open("wb") as out:
        with zipfile.ZipFile(out, "w") as archive:
            for done, name in enumerate(names, start=1):
                path = folder / name
                info = zipfile.ZipInfo(name, date_time=_ZIP_EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED if path.suffix in _TEXT_SUFFIXES else zipfile.ZIP_STORED
                info.create_system, info.external_attr = 3, 0o100644 << 16  # as on Unix, wherever it is made
                info.file_size = path.stat().st_size  # lets zipfile choose the large form where it is needed
                with path.open("rb") as reader, archive.open(info, "w") as writer:
                    while block := reader.read(1 << 20):
                        writer.write(block)
                path.unlink()  # now, so that an export takes little more than once its size on the disk
                progress(total // 2 + (total - total // 2) * done // len(names), total)
        out.flush()
        os.fsync(out.fileno())


def _refuse_foreign(target: Path, as_zip: bool) -> None:
    """Raise ExportError unless there is nothing at `target`, an empty folder, or an earlier export and no more."""
    if not target.exists() or (not as_zip and target.is_dir() and not any(target.iterdir())):
        return
    report = _report_in(target) if as_zip != target.is_dir() else None
    if report is None:
        raise ExportError(
            f"{target} is there already and is not an earlier export. Choose another name, or move it away first."
        )
    if not as_zip:
        known = {_REPORT, *report["entries"], *_CLUTTER}
        foreign = sorted(entry.name for entry in target.iterdir() if entry.name not in known)
        if foreign:
            raise ExportError(
                f"{target} holds more than the earlier export: {', '.join(foreign[:5])}. Replacing the folder would "
                "delete it. Move it away first, or choose another name."
            )


def _report_in(target: Path) -> dict[str, Any] | None:
    """The report of an earlier export, None where this is something else."""
    try:
        if target.is_dir():
            text = (target / _REPORT).read_text(encoding="utf-8")
        else:
            with zipfile.ZipFile(target) as archive:
                text = archive.read(_REPORT).decode("utf-8")
        report = json.loads(text)
    except (FileNotFoundError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    ours = isinstance(report, dict) and {"format", "images", "instances", "entries"} <= report.keys()
    return report if ours and isinstance(report["entries"], list) else None
