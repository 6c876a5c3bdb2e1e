"""The page's calls about people: who is signed in, and signing one out."""

from typing import Any

from annotator.access.entrance import Entrance

JSON = dict[str, Any]


class AccessCalls:
    """A part of Calls, the instructor's alone."""

    _entrance: Entrance | None

    def list_sign_ins(self) -> list[JSON]:
        """Those that count now; [] where no codes are asked for."""
        there = self._entrance.present() if self._entrance else []
        return [
            {
                "id": one.id,
                "name": one.name,
                "role": one.role,
                "since": one.created_at.isoformat(),
                "seen": one.seen_at.isoformat(),
            }
            for one in there
        ]

    def end_sign_in(self, *, sign_in_id: int) -> list[JSON]:
        """Sign one out; gives those that are left."""
        if self._entrance:
            self._entrance.end(sign_in_id)
        return self.list_sign_ins()
