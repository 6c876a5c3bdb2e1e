"""Where pictures lie: a folder, or a place behind fsspec such as an S3 bucket with copies of what is used kept here."""

from annotator.objects.base import Objects
from annotator.objects.cached import Cached
from annotator.objects.folder import Folder
from annotator.objects.places import open_pictures
from annotator.objects.remote import Remote

__all__ = ["Cached", "Folder", "Objects", "Remote", "open_pictures"]
