"""What the user asked for: command line over settings file, checked once, with one wording."""

from __future__ import annotations

import dataclasses
import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from motionrgbd.core.decision_parameters import DecisionError, checked_overrides
from motionrgbd.core.errors import UsageError
from motionrgbd.core.plugins import SOURCES, find_plugin
from motionrgbd.core.region import FORM as REGION_FORM
from motionrgbd.core.region import RegionError, RegionOfInterest
from motionrgbd.core.toml_lines import line_of

Device = Literal["auto", "cpu", "cuda"]
Pace = Literal["realtime", "fast"]
Precision = Literal["fp32", "int8"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `motionrgbd-live` can be told; None leaves the choice to the program.

    camera, replay, demo: at most one of them is set; with none, a camera is looked for.
    teach: own gestures are to be taught, from this recording; empty: from one still to be chosen.
    cockpit: the window is a simulated car display; drive: the side of its driver.
    precision: of the model's graphs. out: folder for results. pace: of a recording. fps_hz,
    size_px (width, height), preset and filters ask something of the camera; the depth options say
    how 8-bit depth is to be read. decision: parameters of the model's decisions to be replaced, by
    name; they come from a settings file only. actions: a mapping file; arm: its actions are really
    sent; actions_state: which of its states holds; actions_log: where they are logged.
    region: depth outside it does not count; `none`: all counts, whatever the window remembers.
    """

    camera: str | None = None
    replay: str | None = None
    demo: bool = False
    teach: str | None = None
    model: Path | None = None
    device: Device = "auto"
    precision: Precision = "fp32"
    headless: bool = False
    out: Path | None = None
    pace: Pace | None = None
    fps_hz: float | None = None
    size_px: tuple[int, int] | None = None
    preset: str | None = None
    filters: tuple[str, ...] = ()
    depth_direction: Literal["brighter", "darker"] | None = None
    depth_near_mm: int | None = None
    depth_step_mm: int | None = None
    region: RegionOfInterest | Literal["none"] | None = None
    screenshot: Path | None = None
    close_when_finished: bool = False
    cockpit: bool = False
    drive: Literal["left", "right"] = "left"
    actions: Path | None = None
    arm: bool = False
    actions_state: str | None = None
    actions_log: Path | None = None
    decision: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def limited_to(self) -> RegionOfInterest | None:
        """The region of interest that was asked for; None where none was, or none is wanted."""
        return None if self.region == "none" else self.region

    def to_json(self) -> dict[str, Any]:
        """Return what was asked for as plain JSON types, for `run.json`."""
        values = dataclasses.asdict(self)
        return {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}


def _word(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text")
    return value


def _camera(value: Any) -> str:
    name = str(value).partition(":")[0]
    if name not in ("realsense", "webcam") and find_plugin(SOURCES, name) is None:
        raise ValueError("must be realsense[:SERIAL], webcam[:NUMBER] or NAME[:SPEC] of a plug-in")
    return str(value)


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"must be {' or '.join(choices)}")
        return str(value)

    return read


def _whole_mm(value: Any) -> int:
    number = _number(value)
    if number != int(number) or not 1 <= number <= 65535:
        raise ValueError("must be a whole number of millimetres from 1 to 65535")
    return int(number)


def _rate(value: Any) -> float:
    number = _number(value)
    if not 1 <= number <= 1000:
        raise ValueError("must be a number of frames per second from 1 to 1000")
    return number


def _number(value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError("must be a number")
    return number


def _size(value: Any) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d{1,4})x([1-9]\d{1,4})", str(value))
    if not match:
        raise ValueError("must be WIDTHxHEIGHT in pixels, such as 640x480")
    return int(match[1]), int(match[2])


def _region(value: Any) -> RegionOfInterest | Literal["none"]:
    if value == "none":
        return "none"
    try:
        return RegionOfInterest.parse(str(value))
    except RegionError as error:
        raise ValueError(f"must be none, or {REGION_FORM} ({error})") from error


def _decision(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be a table, [decision]")
    checked_overrides(value)
    return value


def _words(value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else str(value).split(",")
    return tuple(_word(part).strip() for part in parts)


# The key in a settings file is the option without its dashes: its field, and how to read it.
_KEYS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "camera": ("camera", _camera),
    "replay": ("replay", _word),
    "demo": ("demo", _yes_or_no),
    "teach": ("teach", str),
    "model": ("model", lambda value: Path(_word(value))),
    "device": ("device", _one_of("auto", "cpu", "cuda")),
    "precision": ("precision", _one_of("fp32", "int8")),
    "headless": ("headless", _yes_or_no),
    "out": ("out", lambda value: Path(_word(value))),
    "pace": ("pace", _one_of("realtime", "fast")),
    "fps": ("fps_hz", _rate),
    "size": ("size_px", _size),
    "preset": ("preset", _word),
    "filter": ("filters", _words),
    "depth-direction": ("depth_direction", _one_of("brighter", "darker")),
    "depth-near-mm": ("depth_near_mm", _whole_mm),
    "depth-step-mm": ("depth_step_mm", _whole_mm),
    "region": ("region", _region),
    "screenshot": ("screenshot", lambda value: Path(_word(value))),
    "close-when-finished": ("close_when_finished", _yes_or_no),
    "cockpit": ("cockpit", _yes_or_no),
    "drive": ("drive", _one_of("left", "right")),
    "actions": ("actions", lambda value: Path(_word(value))),
    "arm": ("arm", _yes_or_no),
    "state": ("actions_state", _word),
    "actions-log": ("actions_log", lambda value: Path(_word(value))),
    "decision": ("decision", _decision),
}
_SOURCES = ("camera", "replay", "demo")


def settings_from(options: Mapping[str, Any], config: Path | None) -> Settings:
    """Merge a settings file and the command line's options (by key); the command line wins.

    Raises UsageError for an unknown key or a value that is none, with the file's line.
    """
    from_file = read_settings_file(config) if config is not None else {}
    if any(options.get(key) for key in _SOURCES):
        from_file = {k: v for k, v in from_file.items() if k not in _names(_SOURCES)}
    given = {
        _KEYS[key][0]: _read(f"--{key}", key, value)
        for key, value in options.items()
        if value is not None
    }
    merged = Settings(**{**from_file, **given})
    if sum(bool(x) for x in (merged.camera, merged.replay, merged.demo)) > 1:
        raise UsageError("camera, replay and demo exclude each other — choose one source")
    _check_actions(merged)
    return merged


def _check_actions(settings: Settings) -> None:
    if settings.actions is None and (
        settings.arm or settings.actions_state or settings.actions_log
    ):
        raise UsageError("--arm, --state and --actions-log need a mapping file — give --actions")
    if settings.arm and settings.pace == "fast":
        raise UsageError(
            "--arm and --fast exclude each other: real actions happen at the gestures' own speed — "
            "leave --fast out, or --arm for a dry run"
        )


def read_settings_file(path: Path) -> dict[str, Any]:
    """Return the fields set by a TOML file of `option = value` lines."""
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise UsageError(
            f"the settings file {path} cannot be read ({error.strerror}) — check --config"
        ) from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise UsageError(f"{path} is not a TOML file: {error} — correct it") from error
    fields = {}
    for key, value in table.items():
        where = f"{path}:{_line_of(key, text)}"
        if key not in _KEYS:
            raise UsageError(f"{where}: unknown key {key!r} — valid are {', '.join(_KEYS)}")
        if key == "arm":  # a file that someone left behind must not send anything
            raise UsageError(f"{where}: arm is for the command line only — give --arm there")
        try:
            fields[_KEYS[key][0]] = _read(f"{where}: {key}", key, value)
        except DecisionError as error:
            line = line_of((key, *error.path), text)
            raise UsageError(f"{path}:{line}: {error}") from error
    return fields


def _read(where: str, key: str, value: Any) -> Any:
    try:
        return _KEYS[key][1](value)
    except ValueError as error:
        raise UsageError(f"{where} {error}, got {value!r}") from error


def _line_of(key: str, text: str) -> int:
    """Return the line of a top-level key or table (tomllib does not keep it)."""
    pattern = re.compile(rf"^\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines, start=1) if pattern.match(line)), 1)


def _names(keys: tuple[str, ...]) -> set[str]:
    return {_KEYS[key][0] for key in keys}
