"""Pictures given out, submitted, accepted and returned: who may do it, on top of what the repository keeps."""

from annotator.access.person import Role
from annotator.errors import AnnotatorError
from annotator.ownership import check_instructor
from annotator.words import clean_words
from storage.records import AssignmentRecord, AssignmentRule, ImageRecord, ImageStatus
from storage.repository import Repository

SET_BY_HAND = (ImageStatus.NEW, ImageStatus.IN_PROGRESS, ImageStatus.DONE)
MOST_LETTERS = 2000  # of a comment


class Review:
    """Gives pictures out and takes them through the review. Safe to call from any thread."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def rule(self) -> AssignmentRule:
        """How pictures are given out."""
        return self._repository.assignment_rule()

    def set_rule(self, rule: AssignmentRule, *, role: Role = Role.LABELER) -> AssignmentRule:
        """From now on; who has a picture keeps it. Raises NotAllowedError, AnnotatorError for numbers below 1."""
        check_instructor(role, "say who gets which picture")
        if rule.labelers < 1 or rule.lease_s < 1:
            raise AnnotatorError("A picture goes to at least one labeler, and for at least one second: give 1 or more.")
        self._repository.set_assignment_rule(rule)
        return rule

    def next_image(self, *, labeler: str, after: int | None = None) -> ImageRecord | None:
        """The next picture that needs this labeler, theirs from then on where pictures are given out; None: none."""
        return self._repository.next_image(labeler, after=after)

    def assignments(self, image_id: int) -> list[AssignmentRecord]:
        """Who has a picture, or has submitted it."""
        return self._repository.assignments(image_id)

    def release(self, image_id: int, labeler: str, *, role: Role = Role.LABELER) -> None:
        """Take a picture from a labeler, so that another can have it. Raises NotAllowedError."""
        check_instructor(role, "take a picture from a labeler")
        self._repository.release(image_id, labeler)

    def set_status(self, image_id: int, status: str, *, labeler: str = "", role: Role = Role.LABELER) -> ImageRecord:
        """One of SET_BY_HAND; the others come about in the review. Raises AnnotatorError for another, NotAllowedError
        for a labeler where the picture is accepted, PictureTaken where it is others' to do."""
        if status not in SET_BY_HAND:
            raise AnnotatorError(f"A picture's status is set to one of {', '.join(SET_BY_HAND)}, got {status!r}.")
        if self._repository.image(image_id).status is ImageStatus.ACCEPTED:
            check_instructor(role, "change the status of an accepted picture")
        if role is Role.LABELER:
            self._repository.claim(image_id, labeler)
        return self._repository.set_image_status(image_id, ImageStatus(status), labeler=labeler)

    def submit(self, image_id: int, *, labeler: str) -> ImageRecord:
        """Hand a picture in. Raises PictureTaken where it is others' to do, StorageError, RecordNotFound."""
        return self._repository.submit(image_id, labeler=labeler)

    def accept(self, image_id: int, *, labeler: str, role: Role = Role.LABELER) -> ImageRecord:
        """Pass a picture. Raises NotAllowedError, StorageError where nobody has handed it in, RecordNotFound."""
        check_instructor(role, "accept a picture")
        return self._repository.accept(image_id, labeler=labeler)

    def return_image(self, image_id: int, comment: str, *, labeler: str, role: Role = Role.LABELER) -> ImageRecord:
        """Give a picture back with what is to be done on it. Raises as accept does, AnnotatorError for no comment."""
        check_instructor(role, "return a picture")
        missing = "Say in a comment what is to be done on the picture."
        words = clean_words(comment, what="A comment", most=MOST_LETTERS, missing=missing)
        return self._repository.return_image(image_id, words, labeler=labeler)
