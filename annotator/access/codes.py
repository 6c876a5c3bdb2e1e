"""The two codes of a server, kept as hashes: one lets labelers in, one the instructor."""

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass, field
from typing import Self

from annotator.access.person import Role
from annotator.errors import SettingsError

SHORTEST_CODE = 6  # characters; what is made up is longer
LONGEST_CODE = 200
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # none of them is taken for another when it is read from a wall
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**14, 8, 1  # 16 MiB and some 50 ms a try


@dataclass(frozen=True)
class AccessCodes:
    """Hashes of both codes under one salt, so that a try costs one derivation whichever code it is."""

    salt: bytes = field(repr=False)
    labeler: bytes = field(repr=False)
    instructor: bytes = field(repr=False)

    @classmethod
    def of(cls, *, labeler: str, instructor: str) -> Self:
        """Raises SettingsError for codes that are too short, too long, or the same."""
        check_codes(labeler, instructor)
        salt = secrets.token_bytes(16)
        return cls(salt, _hash(labeler, salt), _hash(instructor, salt))

    def role_of(self, code: str) -> Role | None:
        """Whose code that is, None where it is nobody's. Takes the same time whichever it is."""
        tried = _hash(code[:LONGEST_CODE], self.salt)
        is_labeler, is_instructor = (hmac.compare_digest(tried, one) for one in (self.labeler, self.instructor))
        return Role.INSTRUCTOR if is_instructor else Role.LABELER if is_labeler else None


def check_codes(labeler: str | None, instructor: str | None) -> None:
    """Raises SettingsError for codes that will not do; None: made up later."""
    for option, code in (("--access-code", labeler), ("--instructor-code", instructor)):
        if code is not None and not SHORTEST_CODE <= len(_plain(code)) <= LONGEST_CODE:
            raise SettingsError(f"The {option} has {SHORTEST_CODE} to {LONGEST_CODE} characters. Choose another.")
    if labeler is not None and instructor is not None and _plain(labeler) == _plain(instructor):
        raise SettingsError(
            "--access-code and --instructor-code are the same, so every labeler would be an instructor. "
            "Choose two, or leave one out: it is made up."
        )


def made_up_code(*, groups: int = 2) -> str:
    """A code to read aloud and to type: groups of four letters and digits, 20 bits of chance each."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(groups))


def _hash(code: str, salt: bytes) -> bytes:
    plain = _plain(code).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(plain, salt=salt, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P, maxmem=64 * 2**20)


def _plain(code: str) -> str:
    """The same for the same code, whatever keyboard it came from and however it was pasted."""
    return unicodedata.normalize("NFC", code).strip()
