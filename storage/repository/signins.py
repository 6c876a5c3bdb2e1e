"""Sign-ins: who came in with a code, found again by what their browser keeps."""

from datetime import UTC, datetime

from sqlalchemy import delete, select, update

from storage.database import Database
from storage.records import SignInRecord
from storage.schema import SignInRow


class SignIns:
    """The sign-in part of the Repository. Whether one still counts is for its reader to say: nothing here expires."""

    _database: Database

    def add_sign_in(self, token_sha256: str, *, name: str, role: str, now: datetime) -> SignInRecord:
        """Keep a new one. token_sha256: hex, of the token; the token itself is never stored."""
        row = SignInRow(token_sha256=token_sha256, name=name, role=role, created_at=now, seen_at=now, ended_at=None)
        with self._database.write() as db_session:
            db_session.add(row)
            db_session.flush()
            return _record(row)

    def sign_in(self, token_sha256: str) -> SignInRecord | None:
        """The one of that token, ended or not; None where there is none."""
        with self._database.read() as db_session:
            row = db_session.scalar(select(SignInRow).where(SignInRow.token_sha256 == token_sha256))
            return None if row is None else _record(row)

    def sign_ins(self, *, seen_since: datetime) -> list[SignInRecord]:
        """Those that have not ended and were seen since, in the order in which they came."""
        query = select(SignInRow).where(SignInRow.ended_at.is_(None), SignInRow.seen_at >= seen_since)
        with self._database.read() as db_session:
            return [_record(row) for row in db_session.scalars(query.order_by(SignInRow.id))]

    def see_sign_in(self, sign_in_id: int, *, now: datetime) -> None:
        """Note that they are still there."""
        self._change(sign_in_id, seen_at=now)

    def end_sign_in(self, sign_in_id: int, *, now: datetime | None = None) -> None:
        """Sign one out; nobody else is touched. Nothing happens where it has ended already."""
        self._change(sign_in_id, ended_at=now or datetime.now(UTC))

    def end_all_sign_ins(self, *, now: datetime | None = None) -> int:
        """Sign everybody out; returns how many that were."""
        with self._database.write() as db_session:
            live = SignInRow.ended_at.is_(None)
            ids = list(db_session.scalars(select(SignInRow.id).where(live)))
            db_session.execute(update(SignInRow).where(live).values(ended_at=now or datetime.now(UTC)))
            return len(ids)

    def forget_sign_ins(self, *, seen_before: datetime) -> None:
        """Delete those that were last seen before: they have expired long ago."""
        with self._database.write() as db_session:
            db_session.execute(delete(SignInRow).where(SignInRow.seen_at < seen_before))

    def _change(self, sign_in_id: int, **values: datetime) -> None:
        with self._database.write() as db_session:
            live = SignInRow.ended_at.is_(None)
            db_session.execute(update(SignInRow).where(SignInRow.id == sign_in_id, live).values(**values))


def _record(row: SignInRow) -> SignInRecord:
    return SignInRecord(
        id=row.id,
        name=row.name,
        role=row.role,
        created_at=row.created_at,
        seen_at=row.seen_at,
        ended_at=row.ended_at,
    )
