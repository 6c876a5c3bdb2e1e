"""The options of an export as a page or a client sends them, checked one by one so that a mistake has its place."""

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from annotator.errors import AnnotatorError
from exporters.base import ExportError, ExportOptions, Pictures, SplitOptions

_OPTIONS = tuple(one.name for one in fields(ExportOptions))
_SPLIT = frozenset(one.name for one in fields(SplitOptions))
_ADAPTER = TypeAdapter(ExportOptions)
OLD_PICTURES = "with_pictures"  # what clients of the first version say


class OptionError(AnnotatorError):
    """An option that cannot be. field: its name."""

    def __init__(self, text: str, *, field: str) -> None:
        super().__init__(text)
        self.field = field


def export_options(given: dict[str, Any] | None, *, categories: Collection[str]) -> ExportOptions:
    """Plain JSON with the names of ExportOptions (and split's of SplitOptions) -> the options.

    categories: the names that there are. Raises OptionError with the name of the first option that is wrong.
    """
    values = dict(given or {})
    if OLD_PICTURES in values:
        values.setdefault("pictures", Pictures.COPY if values.pop(OLD_PICTURES) else Pictures.NONE)
    if unknown := sorted(values.keys() - set(_OPTIONS)):
        raise OptionError(
            f"No export option is called {', '.join(unknown)}. There are: {', '.join(_OPTIONS)}.", field=unknown[0]
        )
    split = values.get("split")
    if isinstance(split, dict) and (strange := sorted(split.keys() - _SPLIT)):
        text = f"A split has no {', '.join(strange)}. It has: {', '.join(sorted(_SPLIT))}."
        raise OptionError(text, field="split")
    checked = {name: _checked(name, value) for name, value in values.items()}
    there = {name.casefold() for name in categories}
    missing = [name for name in checked.get("categories", ()) if name.casefold() not in there]
    if missing:
        text = f"There is no category {', '.join(map(repr, missing))} (any more). Choose among those there are."
        raise OptionError(text, field="categories")
    return ExportOptions(**checked)


def _checked(name: str, value: Any) -> Any:
    try:
        return getattr(_ADAPTER.validate_python({name: value}), name)
    except ExportError as error:
        raise OptionError(str(error), field=name) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise OptionError(f"The option {where} is {_short(first['input'])}. {first['msg']}.", field=name) from error


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
