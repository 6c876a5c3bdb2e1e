"""What a workspace does by itself and knows in memory, where another database takes the place of the one there was."""

import logging

from annotator.arrivals import Arrivals
from annotator.classroom import Classroom
from annotator.errors import USER_ERRORS
from annotator.jobs import Jobs
from annotator.overview.dataset import DataSet
from annotator.proposing import Proposing

log = logging.getLogger(__name__)


class Afresh:
    """All that goes by ids of the database. What goes by the content of pictures (pixels, embeddings, answers) stays
    true, and labelling keeps nothing: each look is read anew."""

    def __init__(
        self, *, jobs: Jobs, proposing: Proposing, dataset: DataSet, classroom: Classroom, arrivals: Arrivals
    ) -> None:
        self._jobs, self._proposing, self._dataset = jobs, proposing, dataset
        self._classroom, self._arrivals = classroom, arrivals

    def pause(self) -> None:
        """The pictures that wait for proposals are to wait on."""
        self._proposing.close()

    def forget(self) -> None:
        """Looks, thumbnails of instances, changes of many, who is on which picture, jobs, uploads that were matched."""
        self._dataset.forget()
        self._classroom.forget()
        self._arrivals.forget()
        self._jobs.forget_ended()

    def go_on(self) -> None:
        """With the pictures that wait for proposals in the database that is there now."""
        try:
            self._proposing.go_on()
        except USER_ERRORS as error:  # they go on when the model is changed, or at the next start
            log.warning("what waits for proposals does not go on: %s", error)
