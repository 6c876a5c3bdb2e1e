"""The two codes."""

import pytest

from annotator.access.codes import AccessCodes, made_up_code
from annotator.access.person import Role
from annotator.config import Settings
from annotator.errors import SettingsError


@pytest.fixture(scope="module")
def codes() -> AccessCodes:
    return AccessCodes.of(labeler="sesame-123", instructor="Öffne-456")


@pytest.mark.parametrize(
    ("code", "role"),
    [
        ("sesame-123", Role.LABELER),
        (" sesame-123\n", Role.LABELER),  # as it is pasted
        ("O\u0308ffne-456", Role.INSTRUCTOR),  # as another keyboard writes it
        ("Sesame-123", None),
        ("sesame-12", None),
        ("", None),
        ("x" * 100_000, None),
        ("\ud800", None),
    ],
)
def test_a_code_says_in_which_role_one_comes(codes: AccessCodes, code: str, role: Role | None) -> None:
    assert codes.role_of(code) is role


def test_neither_code_can_be_read_back(codes: AccessCodes) -> None:
    assert "sesame" not in repr(codes)
    assert b"sesame" not in codes.labeler + codes.salt
    assert "sesame" not in repr(Settings(access_code="sesame-123"))


@pytest.mark.parametrize(
    "given",
    [
        {"access_code": "sesame-123", "instructor_code": "sesame-123"},
        {"access_code": "sesame-123", "instructor_code": " sesame-123 "},
        {"access_code": "short"},
        {"instructor_code": "     x"},
        {"access_code": ""},
        {"access_code": "x" * 201},
    ],
)
def test_codes_that_will_not_do_are_refused_before_anything_starts(given: dict) -> None:
    with pytest.raises(SettingsError, match="-code"):
        Settings(**given)


def test_made_up_codes_differ_and_can_be_read_aloud() -> None:
    made = {made_up_code() for _ in range(200)}
    assert len(made) == 200
    assert all(len(code) == 9 and not set(code) & set("0O1lIi") for code in made)
    assert len(made_up_code(groups=3)) == 14
