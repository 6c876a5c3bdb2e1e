"""How many requests are under way at once: of one person, and of all strangers together."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from annotator.access.person import Person
from annotator.ui.bodies import BodyError

OF_PERSON = 200  # a browser has some six to one server, a stream of events among them
OF_STRANGERS = 200  # their requests are small and short; those who are signed in never wait for them


class Crowd:
    """Counts in the server's event loop, so without a lock."""

    def __init__(self, *, of_person: int = OF_PERSON, of_strangers: int = OF_STRANGERS) -> None:
        self._of_person, self._of_strangers = of_person, of_strangers
        self._under_way: Counter[str | None] = Counter()

    @contextmanager
    def one_more(self, person: Person | None) -> Iterator[None]:
        """A request under way. Raises BodyError where there are too many."""
        key = None if person is None else person.key
        if self._under_way[key] >= (self._of_strangers if person is None else self._of_person):
            raise BodyError(503 if person is None else 429, "Too many requests at once. Try again in a moment.")
        self._under_way[key] += 1
        try:
            yield
        finally:
            self._under_way[key] -= 1
            if not self._under_way[key]:
                del self._under_way[key]
