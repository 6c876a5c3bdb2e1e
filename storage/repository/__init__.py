"""All that is asked of the database and told to it, one file a noun."""

from storage.database import Database
from storage.repository.categories import UNSET, Categories
from storage.repository.images import Images
from storage.repository.instances import Instances
from storage.repository.sessions import Sessions

__all__ = ["UNSET", "Repository"]


class Repository(Images, Categories, Sessions, Instances):
    """Reads give records, each change is one transaction: done and on disk when it returns, or not done at all.

    Safe to use from many threads. Raises StorageError and its children (storage/errors.py).
    """

    def __init__(self, database: Database) -> None:
        self._database = database
