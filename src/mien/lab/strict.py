"""Tables that people write, as dataclasses: what nobody knows is an error, never ignored."""

from __future__ import annotations

import difflib
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar

from ..errors import InputError

__all__ = ["typed"]

_T = TypeVar("_T")


def typed(cls: type[_T], table: Mapping[str, Any], where: str = "") -> _T:
    """Fill a dataclass from a table, strictly.

    Args:
        cls: a dataclass whose fields are numbers, strings, booleans, literals, tuples of those,
            mappings, or dataclasses again. One whose table looks otherwise has a static method
            ``arranged`` that makes a table of its fields of it.
        table: as TOML or JSON gives it.
        where: name of the table in messages, for instance ``train``.

    Raises:
        InputError: unknown or missing keys, values of another type, or numbers that are not finite.
    """
    place = f"[{where}] " if where else ""
    if not isinstance(table, Mapping):
        raise InputError(f"{where} is a table, got {table!r}")
    if arranged := getattr(cls, "arranged", None):
        table = arranged(table)
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
            hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(known)}"
            raise InputError(f"{place}{key} is not a key of a recipe here; {hint}")
    for name, f in known.items():
        if name not in table and f.default is MISSING and f.default_factory is MISSING:
            raise InputError(f"{place}{name} is missing")
    hints = typing.get_type_hints(cls)
    values = {
        key: _value(hints[key], value, f"{where}.{key}" if where else key)
        for key, value in table.items()
    }
    try:
        return cls(**values)
    except InputError as error:
        raise InputError(f"{place}{error}") from None


def _value(kind: Any, value: Any, where: str) -> Any:
    """``value`` as ``kind``, or an error that says where it stands."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if is_dataclass(kind):
        return typed(typing.cast("type[Any]", kind), value, where)
    if origin is Literal:
        if value not in arguments:
            raise InputError(f"{where} is one of {', '.join(map(str, arguments))}; got {value!r}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(f"{where} is a list, got {value!r}")
        return tuple(_value(arguments[0], v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin in (typing.Union, types.UnionType):
        for choice in arguments:
            if type(value) is choice:
                return value
        expected = " or ".join(_NAMES.get(choice, str(choice)) for choice in arguments)
        raise InputError(f"{where} is {expected}, got {value!r}")
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise InputError(f"{where} is a table, got {value!r}")
        return dict(value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:  # a boolean is an integer to isinstance
        raise InputError(f"{where} is {_NAMES.get(kind, kind)}, got {value!r}")
    if kind is float and not math.isfinite(value):  # TOML has inf and nan, and so has Python's JSON
        raise InputError(f"{where} is a finite number, got {value!r}")
    return value


_NAMES = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}
