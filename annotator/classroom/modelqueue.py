"""What the model is doing, and what waits for it."""

from dataclasses import dataclass

from annotator.encoder import EncodingState
from annotator.engine import Engine
from annotator.jobs import Job, Jobs
from storage.repository import Repository

MOST_TOLD = 12  # encodings that are told one by one


@dataclass(frozen=True, kw_only=True)
class EncodingTold:
    """A picture that is being encoded, or waits for it."""

    image_id: int | None  # None: it was removed meanwhile
    name: str
    running: bool
    urgent: bool  # somebody has it open; else it is encoded ahead
    askers: tuple[str, ...]  # who waits for it, where it is known
    elapsed_s: float


@dataclass(frozen=True, kw_only=True)
class ModelQueue:
    """encodings: the first ones, the one at work first. encodings_total: of all."""

    model: str
    device: str
    answering: int  # prompts that are being answered now
    encodings: tuple[EncodingTold, ...]
    encodings_total: int
    jobs: tuple[Job, ...]  # under way, oldest first


def model_queue(engine: Engine, jobs: Jobs, repository: Repository, *, most: int = MOST_TOLD) -> ModelQueue:
    """As it is at this moment."""
    queued = engine.encodings()
    told = []
    for one in queued[:most]:
        image = repository.find_image(one.image_key)
        told.append(
            EncodingTold(
                image_id=image.id if image else None,
                name=image.original_name if image else "a removed picture",
                running=one.state is EncodingState.ENCODING,
                urgent=one.urgent,
                askers=one.askers,
                elapsed_s=one.elapsed_s,
            )
        )
    return ModelQueue(
        model=engine.segmenter.title,
        device=engine.segmenter.device,
        answering=engine.answering,
        encodings=tuple(told),
        encodings_total=len(queued),
        jobs=tuple(jobs.running()),
    )
