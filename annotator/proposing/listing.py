"""Which pictures a run on a cluster is to do, read a page at a time: ten million records do not fit into memory."""

from collections.abc import Callable, Iterator, Sequence

from annotator.proposing.plan import Plan
from storage.records import ImageRecord, ProposalRunRecord, RunState
from storage.repository import Repository

PAGE = 500  # pictures read at once


def pictures_to_do(
    repository: Repository,
    image_ids: Sequence[int] | None,
    plan: Plan,
    *,
    again: bool,
    done_before: Callable[[int], None],
) -> Iterator[ImageRecord]:
    """These pictures, or all in the list's order, without those where the plan is carried out already, unless again.

    done_before: told the id of each that is left out. Pictures that come in meanwhile, behind the others, come along.
    Raises RecordNotFound for an id that names none.
    """
    for image, run in _all(repository) if image_ids is None else _some(repository, image_ids):
        if not again and plan.asked_by(run):
            done_before(image.id)
        else:
            yield image


def _all(repository: Repository) -> Iterator[tuple[ImageRecord, ProposalRunRecord | None]]:
    after = None
    while page := repository.pictures_with_runs(after=after, limit=PAGE):
        yield from page
        after, _ = page[-1]


def _some(repository: Repository, image_ids: Sequence[int]) -> Iterator[tuple[ImageRecord, ProposalRunRecord | None]]:
    for image_id in dict.fromkeys(image_ids):
        yield repository.image(image_id), repository.proposal_runs(image_id).get(RunState.DONE)
