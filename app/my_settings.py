"""What is remembered between runs: the user's own settings, and how the window was left.

`settings.toml` is a settings file as `--config` takes it; the program writes tables of it where it
is asked to, and leaves the rest as it is. `window.toml` is the window's own.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motionrgbd.core.errors import OutputError
from motionrgbd.core.region import RegionError, RegionOfInterest

FOLDER = "motionrgbd-live"
MOST_RECENT = 8
HEATS, PICTURES = ("own", "color", "depth", "off"), ("both", "color", "depth")


def config_folder(
    environment: Mapping[str, str] | None = None, platform: str = sys.platform
) -> Path:
    """Return where the user's files of this program belong."""
    environment = os.environ if environment is None else environment
    if platform == "win32" and environment.get("APPDATA"):
        return Path(environment["APPDATA"]) / FOLDER
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / FOLDER
    given = environment.get("XDG_CONFIG_HOME", "")
    # a path that is not absolute is to be ignored, says the XDG base directory specification
    return (Path(given) if os.path.isabs(given) else Path.home() / ".config") / FOLDER


def settings_path() -> Path:
    """Return the user's settings file, whether it is there or not."""
    return config_folder() / "settings.toml"


def window_path() -> Path:
    """Return where the window remembers how it was left."""
    return config_folder() / "window.toml"


def save_table(path: Path, name: str, table: Mapping[str, Any]) -> None:
    """Put a table into a settings file in the place of the one it has; an empty one only goes.

    Raises OutputError where the file cannot be written, or is no TOML: it is then left as it is.
    """
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        wanted = {k: v for k, v in tomllib.loads(text).items() if k != name}
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{path} is not changed, it is no settings file that can be read ({error}) — correct "
            "or remove it"
        ) from error
    if table:
        wanted[name] = dict(table)
    new = "\n\n".join(part for part in (_without(text, name), _table_text(name, table)) if part)
    try:
        as_wanted = tomllib.loads(new) == wanted
    except ValueError:
        as_wanted = False
    write_text(path, new + "\n" if as_wanted else toml_text(wanted))


def _without(text: str, name: str) -> str:
    """Return the lines of a TOML file that are not of a table or its parts."""
    kept, inside = [], False
    for line in text.splitlines():
        header = re.match(r"\s*\[+\s*([\w-]+)", line)
        if header:
            inside = header[1] == name
        if not inside:
            kept.append(line)
    return "\n".join(kept).strip()


def _table_text(name: str, table: Mapping[str, Any]) -> str:
    return toml_text({name: table}).strip() if table else ""


def toml_text(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """Return TOML of numbers, texts, booleans, lists of them and tables within tables."""
    plain = {k: v for k, v in values.items() if not isinstance(v, Mapping)}
    lines = [f"{_key(k)} = {_value(v)}" for k, v in plain.items()]
    parts = ["\n".join(lines)] if lines else []
    for key, value in values.items():
        if isinstance(value, Mapping):
            inner = toml_text(value, (*path, key)).strip()
            own = any(not isinstance(v, Mapping) for v in value.values())
            head = f"[{'.'.join(map(_key, (*path, key)))}]\n" if own or not value else ""
            parts.append(head + inner)
    return "\n\n".join(parts) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | int):
        return repr(value)
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for the one character that JSON leaves as it is
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"[{', '.join(_value(v) for v in value)}]"


def write_text(path: Path, text: str) -> None:
    """Replace a file whole. Raises OutputError."""
    new = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(text, encoding="utf-8", newline="\n")
        new.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror})") from error


@dataclass(frozen=True, slots=True)
class WindowMemory:
    """How the window was left.

    heat, opacity, threshold: how guidance is drawn. pictures: which are shown; mirror: as in a
    mirror. region: of interest, in metres, where there was one; region_on: whether it was used;
    region_of: the source that it belongs to. source, model (empty: the built-in one), device,
    precision: what was open. recordings, models: what was opened lately, the newest first.
    """

    width_px: int = 1360
    height_px: int = 850
    heat: str = "own"
    opacity: float = 0.7
    threshold: float = 0.0
    outline: bool = True
    pictures: str = "both"
    mirror: bool = False
    region: str = ""
    region_on: bool = False
    region_of: str = ""
    source: str = ""
    model: str = ""
    device: str = "auto"
    precision: str = "fp32"
    recordings: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def region_for(self, source: str) -> RegionOfInterest | None:
        """Return the region of interest that this source was left with."""
        used = self.region and self.region_on and self.region_of == source
        return RegionOfInterest.parse(self.region) if used else None

    def opened(self, source: str, model: str, device: str, precision: str) -> WindowMemory:
        """Return this with what was opened now, in the lists of what was opened lately too."""
        camera = source.partition(":")[0] in ("realsense", "webcam", "demo")
        recordings = self.recordings if camera else _newest_first(source, self.recordings)
        models = _newest_first(model, self.models) if model else self.models
        return dataclasses.replace(
            self,
            source=source,
            model=model,
            device=device,
            precision=precision,
            recordings=recordings,
            models=models,
        )


def _newest_first(text: str, known: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((text, *known)))[:MOST_RECENT]


_CHOICES: dict[str, tuple[str, ...]] = {
    "heat": HEATS,
    "pictures": PICTURES,
    "device": ("auto", "cpu", "cuda"),
    "precision": ("fp32", "int8"),
}
_RANGES = {"width_px": (320, 20000), "height_px": (240, 20000)}


def read_memory(path: Path) -> tuple[WindowMemory, str]:
    """Return how the window was left, and why not where the file is broken; it is then ignored."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return WindowMemory(**{k: _checked(k, v) for k, v in table.items()}), ""
    except FileNotFoundError:
        return WindowMemory(), ""
    except (OSError, ValueError) as error:
        return WindowMemory(), f"{path} is ignored: {error}"


def _checked(name: str, value: Any) -> Any:
    known = {each.name: each.default for each in dataclasses.fields(WindowMemory)}
    if name not in known:
        raise ValueError(f"unknown key {name!r}")
    default: Any = known[name]
    if isinstance(default, tuple):
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value[:MOST_RECENT])
        raise ValueError(f"{name} must be a list of texts")
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(default):
        raise ValueError(f"{name} must be like {_value(default)}, got {value!r}")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ValueError(f"{name} must be one of {', '.join(_CHOICES[name])}, got {value!r}")
    if name == "region" and value:
        try:
            RegionOfInterest.parse(value)
        except RegionError as error:
            raise ValueError(str(error)) from error
    low, high = _RANGES.get(name, (0, 1))
    if isinstance(default, float | int) and not low <= value <= high:
        raise ValueError(f"{name} must be from {low} to {high}, got {value!r}")
    return value


def write_memory(path: Path, memory: WindowMemory) -> None:
    """Remember how the window was left. Raises OutputError."""
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in dataclasses.asdict(memory).items()
    }
    write_text(
        path, "# How the window was left. Remove this file to forget it.\n" + toml_text(values)
    )
