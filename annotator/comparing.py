"""More like this: how alike the places of a picture are that masks cover."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from annotator.automask.likeness import describe, likeness
from annotator.engine import Engine
from annotator.errors import AnnotatorError, ImageError, NotFoundError
from storage.records import ImageRecord
from storage.repository import Repository
from storage.rle import Rle

WAIT_TO_COMPARE_S = 120.0  # for the embedding of a picture, whose features tell what is alike
KEPT_VECTORS = 20_000  # about 1 KB each


class Comparing:
    """Compares what the encoder saw under masks; remembers what it saw under which."""

    def __init__(self, repository: Repository, engine: Engine) -> None:
        self._repository, self._engine = repository, engine
        self._vectors: OrderedDict[tuple[str, str, Rle], np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def likeness(
        self, image_id: int, *, instance_id: int | None = None, proposal_id: int | None = None
    ) -> dict[int, float]:
        """Proposal id -> how alike its place on the picture is to an instance's or a proposal's, 0 to 1.

        Raises RecordNotFound, NotFoundError, ImageError while the picture is still being encoded.
        """
        if (instance_id is None) == (proposal_id is None):
            raise AnnotatorError("Name one instance or one proposal that others are to be compared with.")
        image = self._repository.image(image_id)
        proposals = {one.id: one.rle for one in self._repository.proposals(image_id)}
        instances = {one.id: one.rle for one in self._repository.instances(image_id)}
        wanted = instances.get(instance_id) if instance_id is not None else proposals.get(proposal_id or 0)
        if wanted is None:
            raise NotFoundError("What others are to be compared with is not on this picture (any more): reload it.")
        if not proposals:
            return {}
        vectors = self._described(image, [*proposals.values(), wanted])
        alike = likeness(vectors[:-1], vectors[-1])
        return {
            proposal_id: round(max(0.0, float(value)), 4) for proposal_id, value in zip(proposals, alike, strict=True)
        }

    def _described(self, image: ImageRecord, rles: Sequence[Rle]) -> np.ndarray:
        """N×C unit vectors of what lies under the masks; those made before are remembered."""
        segmenter = self._engine.segmenter
        keys = [(segmenter.fingerprint, image.sha256, rle) for rle in rles]
        with self._lock:
            known = {key: self._vectors[key] for key in keys if key in self._vectors}
        if len(known) < len(set(keys)):
            encoding = self._engine.encode(image, urgent=True, segmenter=segmenter)
            embedding = encoding.wait(WAIT_TO_COMPARE_S)
            if embedding is None:
                raise ImageError(f"{image.original_name} is still being encoded; try again when it is.")
            features = segmenter.features(embedding)
            for key in keys:
                if key not in known:
                    known[key] = describe(features, key[2], image.size_hw)
        with self._lock:
            self._vectors.update(known)
            while len(self._vectors) > KEPT_VECTORS:
                self._vectors.popitem(last=False)
        return np.stack([known[key] for key in keys])
