"""When probabilities become events: the parameters of a decision, their ranges, overriding them."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from motionrgbd.core.errors import UsageError
from motionrgbd.models.errors import BundleError

_LONGEST_S = 60.0
_RANGES = {
    "on": (0.0, 1.0),
    "off": (0.0, 1.0),
    "hold_s": (0.0, _LONGEST_S),
    "smoothing_s": (0.0, _LONGEST_S),
    "refractory_s": (0.0, _LONGEST_S),
    "early_on": (0.0, 1.0),
    "early_margin": (0.0, 1.0),
    "early_hold_s": (0.0, _LONGEST_S),
    "rearm_drop": (0.0, 1.0),
    "armed_s": (0.1, _LONGEST_S),  # shorter than a decision takes, nothing could follow
    "repeat_after_s": (0.0, _LONGEST_S),
    "repeat_every_s": (0.05, _LONGEST_S),  # 20 Hz: actions and prints keep up with that
}
OF_CLASSES = ("on", "off", "hold_s")  # what single classes may have of their own
_OFF_AT_ZERO = ("early_on", "rearm_drop")


class DecisionError(UsageError):
    """A decision parameter that cannot be. path: which one, as ("classes", "Tap", "on")."""

    def __init__(self, path: tuple[str, ...], problem: str) -> None:
        super().__init__(f"decision parameter {dotted(path)} {problem}")
        self.path = path


def dotted(path: Iterable[str]) -> str:
    """Return a parameter's path as a settings file writes it."""
    bare = (part if part.replace("-", "_").isidentifier() else json.dumps(part) for part in path)
    return ".".join(bare)


@dataclass(frozen=True, slots=True)
class ClassParameters:
    """What one class has of its own; None takes the value that all classes have."""

    on: float | None = None
    off: float | None = None
    hold_s: float | None = None

    def to_json(self) -> dict[str, float]:
        """Return what is given, as plain JSON types."""
        return {name: x for name, x in dataclasses.asdict(self).items() if x is not None}


@dataclass(frozen=True, slots=True)
class DecisionParameters:
    """When probabilities become an event, checked at birth.

    Times are seconds of the source's clock, probabilities those after smoothing.

    on: a gesture's probability that starts it; off: below it the gesture has ended.
    hold_s: how long it must stay the best gesture above `on` before the event is given.
    smoothing_s: time constant of the exponential smoothing; 0 takes probabilities as they are.
    refractory_s: after an event, no other one for this long.
    early_on, early_margin, early_hold_s: the event is given before `hold_s` where the gesture has
    been at `early_on` or more, and ahead of every other class (idle too) by `early_margin` or
    more, for `early_hold_s`. Without `early_on` (None or 0) never.
    rearm_drop: a gesture that was decided and never fell below `off` counts anew where it fell
    below `on` and by this much below its peak, to idle or to nothing but not to another gesture,
    and rises to `on` again. None or 0: only below `off`.
    arm_with, armed_s: only `armed_s` after the gesture `arm_with` do others count; each event
    starts that time anew. None or "": always.
    repeat, repeat_after_s, repeat_every_s: gestures which, while they stay above `off`, give
    further events, the first after `repeat_after_s`.
    classes: `on`, `off` and `hold_s` of single classes, by label.
    alone: the same where only this modality is scored, `color` or `depth`: each has a head of its
    own, which is sure of other gestures. What it lacks is as in `classes`.

    Raises DecisionError, which says the parameter, what it got and what was expected.
    """

    on: float = 0.6
    off: float = 0.35
    hold_s: float = 0.13
    smoothing_s: float = 0.1
    refractory_s: float = 0.3
    early_on: float | None = None
    early_margin: float = 0.0
    early_hold_s: float = 0.0
    rearm_drop: float | None = None
    arm_with: str | None = None
    armed_s: float = 3.0
    repeat: tuple[str, ...] = ()
    repeat_after_s: float = 1.0
    repeat_every_s: float = 0.5
    classes: Mapping[str, ClassParameters] = field(default_factory=dict, hash=False)
    alone: Mapping[str, Mapping[str, ClassParameters]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            object.__setattr__(self, each.name, _checked(each.name, getattr(self, each.name)))
        _check_order(("off",), self.on, self.off)
        for label in self.classes:
            on, off, _ = self.of(label)
            _check_order(("classes", label), on, off)
        for modality, classes in self.alone.items():
            for label in classes:
                on, off, _ = self.of(label, (modality,))
                _check_order(("alone", modality, label), on, off)
        if self.arm_with in self.repeat:
            raise DecisionError(
                ("repeat",), f"cannot hold {self.arm_with!r}: arm_with is no gesture to repeat"
            )

    def of(self, label: str, used: Sequence[str] = ()) -> tuple[float, float, float]:
        """Return `on`, `off` and `hold_s` of a class; used: the modalities that are scored."""
        on, off, hold_s = self.on, self.off, self.hold_s
        alone = self.alone.get(used[0], {}) if len(used) == 1 else {}
        for own in (self.classes.get(label), alone.get(label)):
            if own is not None:
                on = on if own.on is None else own.on
                off = off if own.off is None else own.off
                hold_s = hold_s if own.hold_s is None else own.hold_s
        return on, off, hold_s

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """Every label that is named, with the path of the parameter that names it."""
        arm = {} if self.arm_with is None else {self.arm_with: ("arm_with",)}
        repeat = dict.fromkeys(self.repeat, ("repeat",))
        alone = {
            label: ("alone", modality, label)
            for modality, classes in self.alone.items()
            for label in classes
        }
        classes = {label: ("classes", label) for label in self.classes}
        return {**arm, **repeat, **alone, **classes}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> DecisionParameters:
        """Read a bundle's decision block. Raises BundleError on unknown names or bad values."""
        try:
            _check_names((), data, DecisionParameters)
            return DecisionParameters(**data)
        except DecisionError as error:
            raise BundleError(str(error)) from error

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types. What older bundles do not know is left out where it is off."""
        values: dict[str, Any] = {}
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if each.name in _TABLES:
                continue
            if each.name in _ALWAYS_WRITTEN or value != each.default:
                values[each.name] = list(value) if isinstance(value, tuple) else value
        if self.classes:
            values["classes"] = _table(self.classes)
        if self.alone:
            values["alone"] = {name: _table(classes) for name, classes in self.alone.items()}
        return values


_ALWAYS_WRITTEN = ("on", "off", "hold_s", "smoothing_s", "refractory_s")
_TABLES = ("classes", "alone")
_MODALITIES = ("color", "depth")


def _table(classes: Mapping[str, ClassParameters]) -> dict[str, dict[str, float]]:
    return {label: own.to_json() for label, own in classes.items()}


def checked_overrides(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters of a settings file by name, each one checked as far as it can be alone.

    Raises DecisionError.
    """
    _check_names((), mapping, DecisionParameters)
    given = {name: _checked(name, value) for name, value in mapping.items()}
    if "on" in given and "off" in given:
        _check_order(("off",), given["on"], given["off"])
    return given


def overridden(parameters: DecisionParameters, mapping: Mapping[str, Any]) -> DecisionParameters:
    """Return the parameters with those of `mapping` instead: names as in a bundle's decision block.

    Classes are merged value by value; a new `on`, `off` or `hold_s` for all classes replaces what
    single classes had, except for what the mapping says of them.
    A new value of a class holds whatever is scored: those that a modality alone had give way.
    Raises DecisionError.
    """
    given = checked_overrides(mapping)
    new = given.pop("classes", {})
    shared = [name for name in OF_CLASSES if name in given]
    classes = _merged(stripped(parameters.classes, shared), new)
    alone = {name: stripped(own, shared, new) for name, own in parameters.alone.items()}
    for name, own in given.pop("alone", {}).items():
        alone[name] = _merged(alone.get(name, {}), own)
    return dataclasses.replace(parameters, **given, classes=classes, alone=alone)


def stripped(
    classes: Mapping[str, ClassParameters],
    names: Iterable[str],
    said: Mapping[str, ClassParameters] | None = None,
) -> dict[str, ClassParameters]:
    """Return what classes have of their own, without these parameters; who has none is left out.

    said: what else single classes lose, for it is said of them anew.
    """
    lost = {label: tuple(own.to_json()) for label, own in (said or {}).items()}
    left = {
        label: dataclasses.replace(own, **dict.fromkeys((*names, *lost.get(label, ()))))
        for label, own in classes.items()
    }
    return {label: own for label, own in left.items() if own.to_json()}


def _merged(
    old: Mapping[str, ClassParameters], new: Mapping[str, ClassParameters]
) -> dict[str, ClassParameters]:
    merged = dict(old)
    for label, own in new.items():
        merged[label] = dataclasses.replace(old.get(label, ClassParameters()), **own.to_json())
    return merged


def _checked(name: str, value: Any) -> Any:
    """Return a parameter as it is kept."""
    if name == "classes":
        return _classes(("classes",), value)
    if name == "alone":
        return _alone(value)
    if name == "arm_with":
        return None if value is None or value == "" else _label((name,), value)
    if name == "repeat":
        if isinstance(value, str) or not isinstance(value, list | tuple):
            raise DecisionError((name,), f"must be a list of labels, got {value!r}")
        return tuple(dict.fromkeys(_label((name,), label) for label in value))
    if name in _OFF_AT_ZERO and value is None:
        return None
    number = _number((name,), value)
    return None if name in _OFF_AT_ZERO and number == 0 else number


def _alone(value: Any) -> dict[str, dict[str, ClassParameters]]:
    path = ("alone",)
    if not isinstance(value, Mapping):
        raise DecisionError(path, f"must be a table of color or depth, got {value!r}")
    for name in value:
        if name not in _MODALITIES:
            known = " or ".join(_MODALITIES)
            raise DecisionError((*path, str(name)), f"is unknown; it must be {known}")
    return {name: _classes((*path, name), classes) for name, classes in value.items()}


def _classes(path: tuple[str, ...], value: Any) -> dict[str, ClassParameters]:
    if not isinstance(value, Mapping):
        raise DecisionError(path, f"must be a table of labels, got {value!r}")
    return {_label(path, label): _class((*path, label), own) for label, own in value.items()}


def _class(path: tuple[str, ...], value: Any) -> ClassParameters:
    if isinstance(value, ClassParameters):
        value = value.to_json()
    if not isinstance(value, Mapping):
        raise DecisionError(path, f"must be a table of on, off and hold_s, got {value!r}")
    _check_names(path, value, ClassParameters)
    own = ClassParameters(**{name: _number((*path, name), x) for name, x in value.items()})
    if own.on is not None and own.off is not None:
        _check_order(path, own.on, own.off)
    return own


def _number(path: tuple[str, ...], value: Any) -> float:
    lowest, highest = _RANGES[path[-1]]
    is_number = isinstance(value, Real) and value is not True and value is not False
    number = float(value) if is_number else math.nan
    if not lowest <= number <= highest:
        raise DecisionError(path, f"must be a number from {lowest:g} to {highest:g}, got {value!r}")
    return number


def _label(path: tuple[str, ...], value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise DecisionError(path, f"must name a label, got {value!r}")
    return value


def _check_order(path: tuple[str, ...], on: float, off: float) -> None:
    if off > on:
        raise DecisionError(path, f"must keep off at or below on, got off {off:g}, on {on:g}")


def _check_names(path: tuple[str, ...], data: Mapping[str, Any], kind: type) -> None:
    known = [each.name for each in dataclasses.fields(kind)]
    for name in data:
        if name not in known:
            raise DecisionError((*path, str(name)), f"is unknown; known are {', '.join(known)}")
