"""From what the settings say to where a workspace's pictures lie."""

from pathlib import Path

from annotator.config import Settings
from annotator.errors import SettingsError
from annotator.files import write_whole
from annotator.objects.base import Objects
from annotator.objects.cached import Cached
from annotator.objects.folder import Folder
from annotator.objects.remote import Remote
from annotator.objects.shelf import WAIT_S, Shelf

NOTE = ".pictures-elsewhere"  # in the workspace folder: where its pictures are, for who forgets to say it


def open_pictures(settings: Settings) -> Objects:
    """The place of --pictures, or images/ of the workspace.

    Raises SettingsError where it is not said though pictures are elsewhere, or cannot be used, AwayError where nothing
    can be read or written there.
    """
    note = settings.data / NOTE
    if not settings.pictures_url:
        if note.exists():
            raise SettingsError(
                f"The pictures of this workspace are in {note.read_text('utf-8').strip()}. Name that place with "
                "--pictures, before the command, or in ANNOTATOR_PICTURES."
            )
        return Folder(settings.data / "images")
    objects = _elsewhere(settings.pictures_url, settings)
    if not note.exists() or note.read_text("utf-8").strip() != objects.place:
        write_whole(note, f"{objects.place}\n".encode())
    return objects


def open_shelf(settings: Settings) -> Shelf | None:
    """The place of --embeddings, None where it is not said. Raises SettingsError for a URL that cannot be used."""
    if not settings.embeddings_url:
        return None
    return Shelf(Remote(settings.embeddings_url, wait_s=WAIT_S, tries=1))


def _elsewhere(url: str, settings: Settings) -> Objects:
    protocol, is_url, rest = url.partition("://")
    if not is_url or protocol in ("file", "local"):
        return Folder(Path(rest or url).expanduser().resolve())
    remote = Remote(url)
    remote.check()
    return Cached(remote, settings.data / "picture-cache", cache_bytes=settings.picture_cache_bytes)
