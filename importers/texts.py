"""Text, JSON, YAML and XML that came from anywhere, parsed so that nothing in them can do harm.

Each function takes a file's bytes and the name to call it by, and raises ImporterError with that name and what is
wrong: never anything else, however the bytes were damaged. Sizes are bounded by who reads the file; what small files
can grow into (entities, aliases, depth) is bounded here.
"""

import codecs
import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import defusedxml.ElementTree
import numpy as np
import yaml
from defusedxml import DefusedXmlException

from importers.base import ImporterError

MAX_YAML_BYTES = 2**20  # a thousand class names with room for comments
_TOO_DEEP = "{name}: Its lists lie too deep in each other. It is no data set's file."
_DEEPEST = 100  # levels of a YAML file, and elements within elements of an XML one
_LARGEST = 2**53  # of a whole number: floats, as JSON's are elsewhere, hold no more
_BOMS = (  # the long ones first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_text(data: bytes, name: str) -> str:
    """Decode UTF-8, or UTF-16 and UTF-32 as their marks (or zero bytes between ASCII letters) show them.

    Anything else is refused: taking it for an old code page would turn the names of categories into others.
    """
    encoding, start = "utf-8", 0
    for bom, meant in _BOMS:
        if data.startswith(bom):
            encoding, start = meant, len(bom)
            break
    else:
        if len(data) >= 2 and (data[0] == 0) != (data[1] == 0):
            encoding = "utf-16-be" if data[0] == 0 else "utf-16-le"
    try:
        return data[start:].decode(encoding)
    except UnicodeDecodeError as error:
        where = start + error.start
        raise ImporterError(
            f"{name}: It is no UTF-8 text (byte {where + 1} is 0x{data[where]:02x}). Save it as UTF-8, then import it."
        ) from error


def parse_json(data: bytes, name: str) -> Any:
    """Parse JSON. NaN and Infinity, which many writers let through, come as floats: who takes a number looks at it."""
    text = parse_text(data, name)
    if not text.strip():
        raise ImporterError(f"{name}: The file is empty. Copy it again from where it came.")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at_end = error.pos >= len(text.rstrip())
        reason = "It ends too early" if at_end else f"It is no JSON: {error.msg}"
        place = f"line {error.lineno}, column {error.colno}"
        raise ImporterError(f"{name}: {reason} ({place}). Copy it again from where it came, or mend it.") from error
    except RecursionError as error:
        raise ImporterError(_TOO_DEEP.format(name=name)) from error
    except ValueError as error:  # a whole number of thousands of digits
        raise ImporterError(f"{name}: It has a number too long to read. Mend it, then import it.") from error


def parse_yaml(data: bytes, name: str) -> Any:
    """Parse one plain YAML document: no tags beyond JSON's values, no aliases (which can stand for gigabytes)."""
    if len(data) > MAX_YAML_BYTES:
        raise ImporterError(f"{name}: It is larger than {MAX_YAML_BYTES // 2**20} MiB, which no data.yaml is.")
    text = parse_text(data, name)
    try:
        _check_yaml(text, name)
        return yaml.load(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        if "nesting depth" in problem:  # the parser's own bound, of newer PyYAML, comes before ours
            raise ImporterError(_TOO_DEEP.format(name=name)) from error
        raise ImporterError(f"{name}: It is no plain YAML: {problem}{place}. Mend it, then import it.") from error
    except (ValueError, OverflowError, RecursionError) as error:  # such as a day 99, or a number of 5000 digits
        raise ImporterError(f"{name}: It has a value that cannot be read ({error}). Mend it.") from error


def parse_xml(data: bytes, name: str) -> ElementTree.Element:
    """Parse XML -> its root. A document type is refused, and with it entities, bombs of them and outside files."""
    try:
        root: ElementTree.Element = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise ImporterError(
            f"{name}: It has a document type or entities (<!DOCTYPE>), which no annotation needs. Take them out."
        ) from error
    except ElementTree.ParseError as error:
        line, column = error.position
        raise ImporterError(
            f"{name}: It is no sound XML (line {line}, column {column + 1}). Copy it again from where it came."
        ) from error
    except (LookupError, ValueError) as error:  # an encoding that is unknown, or of several bytes
        raise ImporterError(f"{name}: It is in a rare encoding ({error}). Save it as UTF-8.") from error
    _check_depth(root, name)
    return root


def as_mapping(value: object, name: str, what: str) -> Mapping[str, Any]:
    """`value` if it is a JSON object (or YAML mapping), else ImporterError: "NAME: Expected WHAT, found a list."."""
    if not isinstance(value, Mapping):
        raise ImporterError(f"{name}: Expected {what}, found {kind_of(value)}.")
    return value


def kind_of(value: object) -> str:
    """A JSON value's kind in words, for errors: a list, a text, nothing."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")


def finite_numbers(value: object, *, columns: int | None = None) -> np.ndarray:
    """Numbers, or lists of them, as float64. columns: of N×columns, else any shape.

    Raises ValueError, its text a reason in words, for anything else, and for NaN and what is too large for a float.
    """
    try:
        numbers = np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("what should be numbers is not") from error
    if numbers.size and not np.isfinite(numbers).all():
        raise ValueError("a number is NaN or infinite")
    if columns is not None and (numbers.ndim != 2 or numbers.shape[1] != columns):
        raise ValueError(f"expected points of {columns} numbers each")
    return numbers


def whole_number(value: object) -> int:
    """7, 7.0, "7" and " 7 " -> 7. Raises ValueError, its text a reason in words, for anything else."""
    number = value
    if isinstance(number, str) and len(number) < 30:
        try:
            number = float(number)
        except ValueError:
            number = None
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int) or abs(number) > _LARGEST:
        raise ValueError("what should be a whole number is not")
    return number


def _check_yaml(text: str, name: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise ImporterError(f"{name}: It has an alias (*{event.anchor}). Write out what it stands for.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ImporterError(_TOO_DEEP.format(name=name))


def _check_depth(root: ElementTree.Element, name: str) -> None:
    level = [root]
    for _ in range(_DEEPEST):
        level = [child for parent in level for child in parent]
        if not level:
            return
    raise ImporterError(f"{name}: Its elements lie too deep in each other. It is no annotation.")
