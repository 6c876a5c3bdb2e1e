"""Every setting, in one frozen value; the command line fills it, everything else reads it."""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from annotator.access.codes import check_codes
from annotator.errors import SettingsError

DEFAULT_DATA = Path("workspace")
DEFAULT_PORT = 7860
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one workspace is served. Sizes in bytes or pixels as their names say."""

    data: Path = DEFAULT_DATA
    database_url: str | None = field(default=None, repr=False)  # SQLite or PostgreSQL; None: annotator.db in data
    pictures_url: str | None = field(default=None, repr=False)  # of fsspec, or a folder; None: images/ in data
    embeddings_url: str | None = field(default=None, repr=False)  # of fsspec, where machines share them; None: nowhere
    model: str = "builtin"
    device: str = "auto"
    checkpoint: Path | None = None
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    share: bool = False
    access_code: str | None = field(default=None, repr=False)  # lets labelers in; made up where one is needed
    instructor_code: str | None = field(default=None, repr=False)  # lets the instructor in; the same
    sign_out_all: bool = False  # end every sign-in before serving
    max_pixels: int = 100_000_000
    display_side: int = 2560  # longer side of the picture the page shows; larger ones are shown reduced
    duplicate_iou: float = 0.8  # a proposal that overlaps an instance, or a rejected one, so much is not offered
    embedding_memory_bytes: int = 512 * 2**20
    embedding_disk_bytes: int = 8 * 2**30
    picture_cache_bytes: int = 8 * 2**30  # copies of pictures that are elsewhere

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", Path(self.data).expanduser().resolve())
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"A port lies between 0 and 65535, got {self.port}.")
        if not 0 < self.duplicate_iou <= 1:
            raise SettingsError(f"duplicate_iou lies between 0 and 1, got {self.duplicate_iou}.")
        check_codes(self.access_code, self.instructor_code)
        if self.may_be_shared and self.asks_for_codes and None in (self.access_code, self.instructor_code):
            raise SettingsError(
                "Several processes may serve this database, and all have to take the same codes: give both, with "
                "--access-code and --instructor-code or in ANNOTATOR_ACCESS_CODE and ANNOTATOR_INSTRUCTOR_CODE."
            )

    @property
    def url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{self._own_database}"

    @property
    def exists(self) -> bool:
        """Whether there is a workspace already; of a database elsewhere, nobody asks here."""
        return self.database_url is not None or self._own_database.exists()

    @property
    def may_be_shared(self) -> bool:
        """Whether other processes may serve the same database; an SQLite file has one (annotator/soleserver.py)."""
        return self.database_url is not None and not self.database_url.startswith("sqlite")

    @property
    def cookie(self) -> str:
        """Of sign-ins. The same for all processes that serve one database; another one for another workspace, for
        browsers do not keep the cookies of a machine's ports apart."""
        if not self.may_be_shared:
            return f"annotator_{self.port}"
        name = (self.database_url or "").rpartition("/")[2].partition("?")[0]
        return f"annotator_{sha256(name.encode()).hexdigest()[:8]}"

    @property
    def _own_database(self) -> Path:
        return self.data / "annotator.db"

    @property
    def open_to_others(self) -> bool:
        """Whether anyone but this machine's own user can reach the server."""
        return self.share or self.host not in LOOPBACK_HOSTS

    @property
    def asks_for_codes(self) -> bool:
        """Whether one has to sign in. Without, the one person is this machine's user, and may do everything."""
        return self.open_to_others or self.access_code is not None or self.instructor_code is not None

    def folder(self, name: str) -> Path:
        """A folder of the workspace, made when it is first asked for. Raises SettingsError where it cannot be."""
        path = self.data / name
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"Cannot make the folder {path}: {error.strerror}. Choose another with --data."
            ) from error
        return path
