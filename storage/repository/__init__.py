"""All that is asked of the database and told to it, one file a noun."""

from storage.database import Database
from storage.repository.announcements import Announcements
from storage.repository.assignments import Assignments
from storage.repository.categories import UNSET, Categories, NewCategory, check_category
from storage.repository.history import ChangeFilter, History
from storage.repository.images import Images
from storage.repository.imports import Imports, LabelsAdded, LabelsTakenBack, NewInstance, NewLabels
from storage.repository.instances import Instances
from storage.repository.locks import Locks
from storage.repository.news import News
from storage.repository.overview import Overview
from storage.repository.progress import Progress
from storage.repository.proposals import DUPLICATE_IOU, NewProposal, Proposals
from storage.repository.sessions import Sessions
from storage.repository.sharedjobs import SharedJobs
from storage.repository.signins import SignIns
from storage.repository.splits import Splits
from storage.repository.statistics import Statistics

__all__ = [
    "DUPLICATE_IOU",
    "UNSET",
    "ChangeFilter",
    "LabelsAdded",
    "LabelsTakenBack",
    "NewCategory",
    "NewInstance",
    "NewLabels",
    "NewProposal",
    "Repository",
    "check_category",
]


class Repository(
    Images,
    Categories,
    Sessions,
    Instances,
    Imports,
    Proposals,
    Splits,
    Statistics,
    Overview,
    SignIns,
    History,
    Assignments,
    Announcements,
    Locks,
    Progress,
    News,
    SharedJobs,
):
    """Reads give records, each change is one transaction: done and on disk when it returns, or not done at all.

    Safe to use from many threads. Raises StorageError and its children (storage/errors.py).
    """

    def __init__(self, database: Database, *, duplicate_iou: float = DUPLICATE_IOU) -> None:
        """duplicate_iou: a proposal that overlaps an instance, or a rejected proposal, so much is not offered."""
        self._database, self._duplicate_iou = database, duplicate_iou
