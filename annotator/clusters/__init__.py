"""Work on many machines: what goes out to workers, what comes back, and the engines that carry it."""

from annotator.clusters.base import Batch, Cluster, Done, Failed, Found, Lost, OutOfReach, PictureFile
from annotator.clusters.registry import ENGINES, LOCAL, open_cluster
from annotator.clusters.source import SegmenterSource

__all__ = [
    "ENGINES",
    "LOCAL",
    "Batch",
    "Cluster",
    "Done",
    "Failed",
    "Found",
    "Lost",
    "OutOfReach",
    "PictureFile",
    "SegmenterSource",
    "open_cluster",
]
