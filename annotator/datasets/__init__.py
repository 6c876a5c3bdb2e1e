"""Data sets that others have made: looked at first, then taken in, pictures and labels."""

from annotator.datasets.plan import ImportPlan
from annotator.datasets.report import DatasetReport
from annotator.datasets.usecases import Datasets, OnConflict

__all__ = ["DatasetReport", "Datasets", "ImportPlan", "OnConflict"]
