"""Plug-ins: what other installed packages offer through entry points, loaded when asked for."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from motionrgbd.core.errors import LibraryError

SOURCES = "motionrgbd.sources"  # cameras and recordings: see `core/sources/open.py`


@dataclass(frozen=True, slots=True)
class Plugin:
    """One name that an installed package offers. package: its name and version."""

    name: str
    package: str
    entry: importlib.metadata.EntryPoint

    def load(self) -> Callable[..., Any]:
        """Import the plug-in and return what it is made by.

        Raises LibraryError that names the plug-in, its package and the reason, whatever happens:
        a broken plug-in is its own trouble only.
        """
        try:
            factory = self.entry.load()
        except (Exception, SystemExit) as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise self._broken(f"does not load ({reason})") from error
        if not callable(factory):
            raise self._broken(f"is {self.entry.value}, which is nothing to call")
        found: Callable[..., Any] = factory
        return found

    def _broken(self, problem: str) -> LibraryError:
        return LibraryError(
            f"the plug-in {self.name!r} of {self.package} {problem} — "
            "update that package or uninstall it"
        )


def plugins(group: str) -> tuple[Plugin, ...]:
    """Return what is installed for a group, such as `motionrgbd.sinks`; imports nothing of it."""
    entries = importlib.metadata.entry_points(group=group)
    found = [Plugin(entry.name, _package(entry), entry) for entry in entries]
    return tuple(sorted(found, key=lambda plugin: (plugin.name, plugin.package)))


def find_plugin(group: str, name: str) -> Plugin | None:
    """Return the plug-in of this name, or None. Raises LibraryError where two packages offer it."""
    found = [plugin for plugin in plugins(group) if plugin.name == name]
    if len(found) > 1:
        packages = " and ".join(plugin.package for plugin in found)
        raise LibraryError(
            f"the plug-in {name!r} is offered by {packages} — uninstall all of them but one"
        )
    return found[0] if found else None


def _package(entry: importlib.metadata.EntryPoint) -> str:
    if entry.dist is None:
        return "an unknown package"
    return f"{entry.dist.name} {entry.dist.version}"
