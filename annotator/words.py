"""What people write to each other: an announcement, a comment."""

from annotator.errors import AnnotatorError


def clean_words(given: str, *, what: str, most: int, missing: str) -> str:
    """Without blanks around them and characters that nobody can see; lines stay.

    what: "A comment". most: characters. missing: said where nothing is left. Raises AnnotatorError then, and for more.
    """
    kept = "".join(one for one in given.strip() if one.isprintable() or one == "\n")
    if not kept:
        raise AnnotatorError(missing)
    if len(kept) > most:
        raise AnnotatorError(f"{what} has at most {most:,} characters, this one has {len(kept):,}.")
    return kept
