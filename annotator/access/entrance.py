"""The entrance: a name and a code become a sign-in, and a sign-in's token becomes a person again."""

import hashlib
import ipaddress
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from annotator.access.person import Person, Role, clean_person_name, same_name
from annotator.access.tries import Limit, Tries
from annotator.errors import SignInError
from storage.errors import StorageError
from storage.records import SignInRecord
from storage.repository import Repository

log = logging.getLogger(__name__)

IDLE = timedelta(hours=8)  # without a request, a sign-in is over after this
LONGEST = timedelta(hours=24)  # and after this in any case
SEEN_EVERY = timedelta(minutes=5)  # how exactly it is noted that someone is there
FORGET_AFTER = timedelta(days=30)
REMEMBERED_S = 5.0  # that a token is still good; by then another process may have ended its sign-in
MOST_REMEMBERED = 4096

# A classroom is often one address, so an address may be wrong forty times at once; a name is one person's.
OF_ADDRESS = Limit(tries=40, seconds_each=3)
OF_NAME = Limit(tries=10, seconds_each=6)
OF_BROWSER = Limit(tries=10, seconds_each=6)  # one that was in before: strangers at its address do not slow it down
OF_BROWSERS = Limit(tries=200, seconds_each=1)  # of one address together, or signing in again would buy ten more tries
OF_TUNNEL = Limit(tries=200, seconds_each=1)  # all that comes through a relay, whatever addresses it names


@dataclass(frozen=True)
class Visitor:
    """Where a try comes from. address: of the connection, or the one that the share relay vouches for."""

    address: str
    through_relay: bool = False
    token: str | None = None  # of an earlier sign-in, over or not: a browser that is known


class Codes(Protocol):
    """What a code is looked up in; AccessCodes, but for tests."""

    def role_of(self, code: str) -> Role | None: ...


class Entrance:
    """Signs in and out. Safe to call from any thread; what it knows of sign-ins survives a restart."""

    def __init__(
        self,
        codes: Codes,
        repository: Repository,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        tries: Tries | None = None,
    ) -> None:
        self._codes, self._repository, self._now = codes, repository, now
        self._tries = tries or Tries()
        self._hashing = threading.Semaphore(2)  # each takes 16 MiB and a core
        self._known: OrderedDict[str, tuple[SignInRecord | None, datetime]] = OrderedDict()
        self._lock = threading.Lock()
        repository.forget_sign_ins(seen_before=now() - FORGET_AFTER)

    def sign_in(self, name: str, code: str, visitor: Visitor) -> tuple[str, Person]:
        """A new token for the browser to keep, and who that is.

        Raises SignInError: a name that cannot be, a wrong code, or too many wrong ones, with the seconds to wait. A
        try that has to wait is not looked at, so guessing faster gains nothing.
        """
        name = clean_person_name(name)
        keys = self._keys(name, visitor)
        wait_s = self._tries.take(keys)
        if wait_s > 0:
            log.warning("sign-in of %r from %s has to wait: too many wrong codes", name, visitor.address)
            raise SignInError(
                f"Too many wrong codes. Wait {wait_s:.0f} seconds, then try again.", field="code", wait_s=wait_s
            )
        with self._hashing:
            role = self._codes.role_of(code)
        if role is None:
            log.warning("wrong code for %r from %s", name, visitor.address)
            raise SignInError("That is not the code. Look at it once more, then try again.", field="code")
        self._tries.give_back(keys)
        if role is Role.LABELER and self._is_an_instructors(name):
            raise SignInError("The instructor goes by that name. Choose another.", field="name")
        token = secrets.token_urlsafe(32)
        self._repository.add_sign_in(_sha256(token), name=name, role=role.value, now=self._now())
        log.info("%s signed in as %s from %s", name, role.value, visitor.address)
        return token, Person(name, role)

    def person(self, token: str) -> Person | None:
        """Who keeps that token; None where it is nobody's, or its sign-in is over. Raises StorageError."""
        record = self._live(token)
        return None if record is None else Person(record.name, Role(record.role))

    def sign_out(self, token: str) -> None:
        """End the sign-in of that token, and no other."""
        record = self._record(_sha256(token))
        if record is not None:
            self.end(record.id)

    def end(self, sign_in_id: int) -> None:
        """End one sign-in. In another process on the same database it counts for some seconds more."""
        self._repository.end_sign_in(sign_in_id, now=self._now())
        with self._lock:
            for key in [key for key, (one, _) in self._known.items() if one is not None and one.id == sign_in_id]:
                del self._known[key]

    def present(self) -> list[SignInRecord]:
        """The sign-ins that count now, in the order in which they came."""
        now = self._now()
        return [one for one in self._repository.sign_ins(seen_since=now - IDLE) if _is_live(one, now)]

    def _live(self, token: str) -> SignInRecord | None:
        key, now = _sha256(token), self._now()
        with self._lock:
            record, until = self._known.get(key, (None, now))
        if until <= now:
            record = self._record(key)
            if record is not None and _is_live(record, now) and now - record.seen_at >= SEEN_EVERY:
                record = self._see(record, now)
            self._remember(key, record, now)
        return record if record is not None and _is_live(record, now) else None

    def _record(self, key: str) -> SignInRecord | None:
        return self._repository.sign_in(key)

    def _remember(self, key: str, record: SignInRecord | None, now: datetime) -> None:
        with self._lock:
            self._known[key] = (record, now + timedelta(seconds=REMEMBERED_S))
            self._known.move_to_end(key)
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)

    def _see(self, record: SignInRecord, now: datetime) -> SignInRecord:
        try:
            self._repository.see_sign_in(record.id, now=now)
        except StorageError as error:  # a full disk must not send forty people out
            log.warning("could not note that %s is there: %s", record.name, error)
        return replace(record, seen_at=now)

    def _keys(self, name: str, visitor: Visitor) -> list[tuple[Hashable, Limit]]:
        """The buckets that a try takes from."""
        place = _network(visitor.address)
        known = self._record(_sha256(visitor.token)) if visitor.token else None
        if known is not None:
            return [(("browser", known.id), OF_BROWSER), (("browsers", place), OF_BROWSERS)]
        keys: list[tuple[Hashable, Limit]] = [
            (("address", place), OF_ADDRESS),
            (("name", name.casefold()), OF_NAME),
        ]
        return [*keys, ("relay", OF_TUNNEL)] if visitor.through_relay else keys

    def _is_an_instructors(self, name: str) -> bool:
        return any(one.role == Role.INSTRUCTOR and same_name(one.name, name) for one in self.present())


def _is_live(record: SignInRecord, now: datetime) -> bool:
    return record.ended_at is None and now - record.seen_at < IDLE and now - record.created_at < LONGEST


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _network(address: str) -> str:
    """The address as one place: of an IPv6 address the network, of which one machine has all the rest."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
