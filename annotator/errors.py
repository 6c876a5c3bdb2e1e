"""What can go wrong by a user's doing. The text of each says what was wrong, where, and what to do next."""

from typing import TYPE_CHECKING

from exporters.base import ExportError
from importers.base import ImporterError
from storage.errors import StorageError

if TYPE_CHECKING:
    from annotator.clashes import Clash


class AnnotatorError(Exception):
    """A mistake or obstacle that its reader can do something about; shown as it is, never with a traceback."""


class ImageError(AnnotatorError):
    """A file could not be taken in as a picture."""


class AwayError(AnnotatorError):
    """What is kept elsewhere cannot be reached, or is refused, now; it may well be there."""


class CheckpointError(AnnotatorError):
    """A model's weights are missing, incomplete, or not what they should be."""


class PromptError(AnnotatorError):
    """A prompt that no segmenter could answer: a point outside the picture, a box without area."""


class NotFoundError(AnnotatorError):
    """An id that names nothing (any more)."""


class ConflictError(AnnotatorError):
    """The thing was changed elsewhere meanwhile; nothing was written."""


class ClashError(ConflictError):
    """Somebody else changed an instance since; nothing was written. clashes: both versions (annotator/clashes.py)."""

    def __init__(self, text: str, *, clashes: tuple["Clash", ...], op_id: str) -> None:
        super().__init__(text)
        self.clashes = clashes
        self.op_id = op_id  # of the action that was refused; those before it are recorded


class NotAllowedError(AnnotatorError):
    """Another's work, or what an instructor alone may do; nothing was written."""


class CategoryInUseError(AnnotatorError):
    """Instances would be left without a category."""

    def __init__(self, text: str, *, instances: int) -> None:
        super().__init__(text)
        self.instances = instances


class SettingsError(AnnotatorError):
    """A setting, a command line value, or a machine that does not fit it."""


class CutoutError(AnnotatorError):
    """A cut-out that cannot be made: a setting out of range, an object of no pixels, a file in the way."""


class BackupError(AnnotatorError):
    """A backup that cannot be made or is not sound, or a folder that it cannot be restored into."""


class RestoringError(AnnotatorError):
    """A backup is being put in place; nothing was done, and the same may be asked again in a moment."""


class RestoredError(AnnotatorError):
    """A backup was put in place since the caller looked: what it names may be something else now; nothing was done."""


class ClusterError(AnnotatorError):
    """A cluster that cannot be had or used: a package missing, nobody at its address, workers without the model."""


class SignInError(AnnotatorError):
    """A name or a code that does not let its giver in. field: "name" or "code"; wait_s: until the next try."""

    def __init__(self, text: str, *, field: str, wait_s: float = 0.0) -> None:
        super().__init__(text)
        self.field = field
        self.wait_s = wait_s


class RoomError(AnnotatorError):
    """No room for an upload. is_full: whether more than a moment has to pass before there is."""

    def __init__(self, text: str, *, is_full: bool = True) -> None:
        super().__init__(text)
        self.is_full = is_full


class Cancelled(AnnotatorError):
    """The user stopped a job."""


# What a user is shown as it is; any other exception is a bug, logged with its traceback.
USER_ERRORS = (AnnotatorError, StorageError, ExportError, ImporterError)
