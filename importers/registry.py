"""The formats that are read. A new one is a file beside this and a line here; the first that recognises a data set
reads it, so what looks at pixels comes last."""

from importers.base import Importer
from importers.boxtable import BoxTableImporter
from importers.coco import CocoImporter
from importers.labelmaps import LabelMapImporter
from importers.labelme import LabelmeImporter
from importers.panoptic import PanopticImporter
from importers.voc import VocImporter
from importers.yolo import YoloImporter

IMPORTERS: dict[str, Importer] = {
    "coco-panoptic": PanopticImporter(),
    "coco": CocoImporter(),
    "yolo": YoloImporter(),
    "labelme": LabelmeImporter(),
    "voc": VocImporter(),
    "csv": BoxTableImporter(),
    "label-map": LabelMapImporter(),
}
