"""The kinds of sink there are: those of this package and those of plug-ins."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from motionrgbd.core.actions.sink import SinkKind
from motionrgbd.core.errors import LibraryError
from motionrgbd.core.plugins import find_plugin, plugins
from motionrgbd.core.sinks.command import KIND as COMMAND
from motionrgbd.core.sinks.keys import KIND as KEYS
from motionrgbd.core.sinks.mpris import KIND as MPRIS
from motionrgbd.core.sinks.mqtt import KIND as MQTT
from motionrgbd.core.sinks.osc import KIND as OSC
from motionrgbd.core.sinks.websocket import KIND as WEBSOCKET

PLUGINS = "motionrgbd.sinks"  # entry points: functions without arguments that return a SinkKind

BUILT_IN: Mapping[str, SinkKind] = {
    kind.name: kind for kind in (KEYS, MPRIS, MQTT, OSC, WEBSOCKET, COMMAND)
}


def kind_names() -> tuple[str, ...]:
    """Return the names of all kinds; imports no plug-in."""
    installed = {plugin.name for plugin in plugins(PLUGINS)} - set(BUILT_IN)
    return (*BUILT_IN, *sorted(installed))


def find_kind(name: str) -> SinkKind | None:
    """Return a kind of sink, or None. Raises LibraryError for a plug-in that is broken."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    plugin = find_plugin(PLUGINS, name)
    if plugin is None:
        return None
    return _checked(plugin.load(), f"the plug-in {name!r} of {plugin.package}")


def _checked(factory: Callable[[], object], what: str) -> SinkKind:
    try:
        kind = factory()
    except Exception as error:  # a plug-in may raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise LibraryError(f"{what} fails ({reason}) — update or uninstall it") from error
    if not isinstance(kind, SinkKind):
        raise LibraryError(
            f"{what} gives a {type(kind).__name__}, not a SinkKind — update or uninstall it"
        )
    return kind
