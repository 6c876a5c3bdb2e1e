"""The formats that are read. A new one is a file beside this and a line here; the first that recognises a data set
reads it."""

from importers.base import Importer
from importers.coco import CocoImporter

IMPORTERS: dict[str, Importer] = {
    "coco": CocoImporter(),
}
