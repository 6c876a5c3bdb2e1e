"""What a worker does with a batch. It knows no database: pictures come in, run lengths go out."""

import logging
import socket
import threading
import time
import traceback
from functools import lru_cache
from pathlib import Path

from annotator.automask import generate
from annotator.clusters.base import Answer, Batch, Done, Failed, Found, OutOfReach, PictureFile
from annotator.clusters.source import Source
from annotator.errors import USER_ERRORS, ClusterError
from annotator.images import read_image
from annotator.pictures import ANY_SIZE
from annotator.segmenters.base import Segmenter

log = logging.getLogger(__name__)

_loading = threading.Lock()


def work_on(source: Source, batch: Batch) -> Done:
    """An answer to each picture of the batch; one that fails leaves the others.

    Raises ClusterError where this worker can do none at all: it lacks the model, or has another of that name.
    """
    segmenter = _segmenter(source, batch.fingerprint)
    start = time.perf_counter()
    answers = tuple(_answer(segmenter, batch, picture) for picture in batch.pictures)
    return Done(batch.number, answers, time.perf_counter() - start)


def _answer(segmenter: Segmenter, batch: Batch, picture: PictureFile) -> Answer:
    given: Path | bytes = Path(picture.path) if picture.data is None else picture.data
    if isinstance(given, Path) and not given.is_file():
        return OutOfReach(picture.image_id)
    try:
        pixels = read_image(given, name=picture.name, max_pixels=ANY_SIZE).pixels
        return Found(picture.image_id, generate(segmenter, pixels, batch.settings).found)
    except USER_ERRORS as error:
        return Failed(picture.image_id, str(error))
    except Exception as error:  # the other pictures are none the worse for it
        return Failed(picture.image_id, type(error).__name__, traceback.format_exc())


def _segmenter(source: Source, fingerprint: str) -> Segmenter:
    """Loaded once in this process, whichever thread comes first."""
    with _loading:
        try:
            segmenter = _loaded(source)
        except USER_ERRORS as error:
            raise ClusterError(f"The worker on {socket.gethostname()} has no model to work with: {error}") from error
    if segmenter.fingerprint != fingerprint:
        raise ClusterError(
            f"The worker on {socket.gethostname()} has {segmenter.fingerprint}, but {fingerprint} is to be asked: give "
            "all machines the same version of the tool and the same checkpoint, then start the same command again."
        )
    return segmenter


@lru_cache(maxsize=1)
def _loaded(source: Source) -> Segmenter:
    return source.load()
