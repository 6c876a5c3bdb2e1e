"""The export formats. A new one is a file beside this and a line here."""

from exporters.base import Exporter
from exporters.coco import CocoExporter
from exporters.yolo import YoloExporter

EXPORTERS: dict[str, Exporter] = {
    "coco": CocoExporter(),
    "yolo-segment": YoloExporter("segment"),
    "yolo-detect": YoloExporter("detect"),
}
