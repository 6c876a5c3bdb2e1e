"""The workspace's own pictures and instances, as an exporter reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exporters.splits import SplitOptions, assign, rarest_categories
from storage.records import CategoryRecord, ImageRecord, InstanceRecord, Split

if TYPE_CHECKING:
    from storage.repository import Repository


class StoredDataset:
    """A Dataset over the database and the stored pictures.

    Categories and the list of pictures are those of the moment it is made; instances are read picture by picture, so
    that memory stays bounded and no transaction is held while files are written.
    """

    def __init__(self, repository: Repository, path_of: Callable[[str], Path]) -> None:
        """path_of: a stored name -> the picture's file, which may be gone; what it raises stops the export."""
        self._repository = repository
        self._path_of = path_of
        self._categories = repository.categories()
        self._images = repository.images()

    @property
    def categories(self) -> Sequence[CategoryRecord]:
        """All categories in the user's order."""
        return self._categories

    @property
    def images(self) -> Sequence[ImageRecord]:
        """The pictures in the list's order."""
        return self._images

    def instances(self, image: ImageRecord) -> Sequence[InstanceRecord]:
        """The saved instances of one picture, oldest first; none when it was removed meanwhile."""
        return self._repository.instances(image.id)

    def picture_path(self, image: ImageRecord) -> Path:
        """The stored upright picture; may be gone."""
        return self._path_of(image.stored_name)

    def splits(self, options: SplitOptions, images: Sequence[ImageRecord]) -> Mapping[int, Split]:
        """Picture's id -> its split, remembered: who exports again finds each picture where it was."""
        hashes = {image.id: image.sha256 for image in images}
        strata = {}
        if options.stratify:
            categories = self._repository.categories_of_images()
            strata = rarest_categories({image_id: categories.get(image_id, ()) for image_id in hashes})
        return self._repository.assign_splits(
            options.scheme, hashes, lambda known: assign(options, hashes, known=known, stratum_of=strata)
        )
