"""The export formats. A new one is a file beside this and a line here."""

from exporters.base import Exporter
from exporters.boxes import CsvExporter
from exporters.coco import CocoExporter
from exporters.labelme import LabelmeExporter
from exporters.panoptic import PanopticExporter
from exporters.semantic import SemanticExporter
from exporters.voc import VocExporter
from exporters.yolo import YoloExporter

EXPORTERS: dict[str, Exporter] = {
    "coco": CocoExporter(),
    "coco-panoptic": PanopticExporter(),
    "yolo-segment": YoloExporter("segment"),
    "yolo-detect": YoloExporter("detect"),
    "semantic": SemanticExporter(),
    "voc": VocExporter(),
    "labelme": LabelmeExporter(),
    "csv": CsvExporter(),
}
