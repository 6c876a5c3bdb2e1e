"""Where pictures lie: a folder, or a place behind fsspec such as an S3 bucket with copies of what is used kept here.

Embeddings may be shared in such a place too.
"""

from annotator.objects.base import Objects
from annotator.objects.cached import Cached
from annotator.objects.folder import Folder
from annotator.objects.places import open_pictures, open_shelf
from annotator.objects.remote import Remote
from annotator.objects.shelf import Shelf

__all__ = ["Cached", "Folder", "Objects", "Remote", "Shelf", "open_pictures", "open_shelf"]
