"""Values of the mapping file: what each must be, what it is where it is not given."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Check = Callable[[Any], None]


class FieldError(ValueError):
    """A value is missing, unknown or wrong. name: of the field; given: whether the file has it."""

    def __init__(self, name: str, text: str, *, given: bool = True) -> None:
        super().__init__(text)
        self.name = name
        self.given = given


@dataclass(frozen=True)
class Field:
    """One value. help: for people who write the file. check: raises ValueError for a wrong one."""

    help: str
    default: Any = None
    required: bool = False
    check: Check | None = None

    def read(self, value: Any) -> Any:
        """Return the value, checked. Raises ValueError that says what it must be."""
        raise NotImplementedError


@dataclass(frozen=True)
class Text(Field):
    """A text that is not empty; one of `choices` where there are some."""

    choices: tuple[str, ...] = ()

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise ValueError("must be a text")
        if self.choices and value not in self.choices:
            raise ValueError(f"must be one of {', '.join(self.choices)}")
        return value


@dataclass(frozen=True)
class Number(Field):
    """A finite number from `low` to `high`; without a fraction where it is `whole`."""

    low: float = -math.inf
    high: float = math.inf
    whole: bool = False

    def read(self, value: Any) -> float | int:
        kind = int if self.whole else (int, float)
        valid = isinstance(value, kind) and not isinstance(value, bool)
        if not valid or not math.isfinite(value) or not self.low <= value <= self.high:
            what = "a whole number" if self.whole else "a number"
            raise ValueError(f"must be {what}{self._range()}")
        return int(value) if self.whole else float(value)

    def _range(self) -> str:
        if math.isinf(self.low) or math.isinf(self.high):
            return "" if math.isinf(self.low) else f" of {self.low:g} or more"
        return f" from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class YesNo(Field):
    """true or false."""

    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value


@dataclass(frozen=True)
class Texts(Field):
    """A list of texts that are not empty; one at least. choices: as of Text."""

    choices: tuple[str, ...] = ()
    may_be_empty: bool = False

    def read(self, value: Any) -> tuple[str, ...]:
        valid = isinstance(value, list) and all(isinstance(x, str) and x for x in value)
        if not valid or not (value or self.may_be_empty):
            raise ValueError('must be a list of texts, such as ["one", "two"]')
        for text in value:
            if self.choices and text not in self.choices:
                known = ", ".join(self.choices)
                raise ValueError(f"names {text!r}, which is not one of {known}")
        return tuple(value)


@dataclass(frozen=True)
class Values(Field):
    """A list of texts, numbers, true and false."""

    def read(self, value: Any) -> tuple[str | int | float | bool, ...]:
        valid = isinstance(value, list) and all(isinstance(x, str | int | float) for x in value)
        if not valid or any(isinstance(x, float) and not math.isfinite(x) for x in value):
            raise ValueError("must be a list of texts, numbers, true and false")
        return tuple(value)


def read_fields(fields: Mapping[str, Field], table: Mapping[str, Any]) -> dict[str, Any]:
    """Return every field's value, those of the table and the other ones' defaults.

    Raises FieldError for the first that is unknown, wrong or missing.
    """
    for name in table:
        if name not in fields:
            raise FieldError(name, f"unknown key {name!r} — valid are {', '.join(fields)}")
    return {name: _read_one(name, one, table) for name, one in fields.items()}


def _read_one(name: str, one: Field, table: Mapping[str, Any]) -> Any:
    if name not in table:
        if one.required:
            raise FieldError(name, f"{name} is missing: {one.help}", given=False)
        return one.default
    try:
        value = one.read(table[name])
        if one.check is not None:
            one.check(value)
    except ValueError as error:
        raise FieldError(name, f"{name} {error}, got {table[name]!r}") from error
    return value
