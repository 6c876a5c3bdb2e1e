"""The use-cases of the page "Data set", put together."""

from pathlib import Path

from annotator.jobs import Jobs
from annotator.labelling import Labelling
from annotator.overview import checks, figures
from annotator.overview.crops import Crops
from annotator.overview.gallery import Gallery, GalleryOrder
from annotator.overview.looking import Looking
from annotator.pictures import PictureStore
from storage.repository import Repository
from storage.repository.overview import InstanceFilter


class DataSet:
    """Looks at all pictures of a workspace at once."""

    def __init__(
        self, repository: Repository, labelling: Labelling, pictures: PictureStore, jobs: Jobs, folder: Path
    ) -> None:
        """folder: of the workspace; what is kept in its crops/ and overview/ may be deleted at any time."""
        self._repository = repository
        self.looking = Looking(repository, pictures, jobs, folder / "overview")
        self.gallery = Gallery(repository, labelling)
        self.crops = Crops(
            folder / "crops", lambda image: pictures.pixels(image.stored_name, original_name=image.original_name)
        )

    def numbers(self) -> figures.Numbers:
        """What the figures show, as it is now."""
        return figures.numbers(self._repository)

    def checks(self, *, tiny_area: int = checks.TINY_AREA) -> list[checks.Check]:
        """All checks, by the last look at each picture: `looking` first, where they are to be of now."""
        return checks.find(self._repository, self.looking.looks(), tiny_area=tiny_area)

    def ids(self, order: GalleryOrder, chosen: InstanceFilter | None = None) -> list[int]:
        """The gallery's instances in its order; for the odd ones, `looking` first."""
        return self.gallery.ids(order, chosen, looks=self.looking.looks() if order is GalleryOrder.ODD else None)

    def forget(self) -> None:
        """The ids mean something else now."""
        self.looking.forget()
        self.gallery.forget()
        self.crops.remove_all()

    def crop(self, instance_id: int) -> Path:
        """The thumbnail of an instance. Raises RecordNotFound, ImageError."""
        mask, image = self.gallery.mask(instance_id)
        return self.crops.path(mask, image)
