"""One opener for everything that delivers frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from motionrgbd.calibration.errors import CalibrationError
from motionrgbd.core.errors import MotionRGBDError, SourceError, UsageError
from motionrgbd.core.frames import SourceInfo
from motionrgbd.core.plugins import SOURCES, Plugin, find_plugin
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.source import Source
from motionrgbd.core.sources.video import VIDEO_SUFFIXES, VideoSource, find_pair

RECORDING_SUFFIXES = (".bag", ".db3")
BUILT_IN = ("demo", "realsense", "webcam")  # no plug-in takes these names

SourceFactory = Callable[[str, SourceOptions], Source]
"""What a plug-in's entry point names: called with what stands behind `NAME:`, and the options."""

__all__ = ["BUILT_IN", "SourceFactory", "SourceOptions", "open_source"]


def open_source(spec: str | Path, *, options: SourceOptions | None = None) -> Source:
    """Open what `spec` names: a camera, a recording, or the built-in demo.

    realsense[:SERIAL], webcam[:NUMBER], demo, a `.bag` or `.db3`, a folder of pictures, a video
    file (its depth file is found by the naming of known data sets), COLOR_FILE,DEPTH_FILE, or
    NAME[:SPEC] of an installed plug-in (entry points of the group `motionrgbd.sources`).

    Raises `CameraError` where no camera answers, `SourceError` for a recording that is missing,
    damaged or unknown, `UsageError` for a spec that says nothing, `LibraryError` for a plug-in
    that does not load.
    """
    options = options or SourceOptions()
    name, _, which = str(spec).partition(":")
    if name == "demo" and not which:
        from motionrgbd.core.synthetic.recording import demo_recording

        return demo_recording()
    if name == "realsense":
        return _open_realsense(which, options)
    if name == "webcam":
        return _open_webcam(which, options)
    if name and not Path(spec).expanduser().exists():
        plugin = find_plugin(SOURCES, name)
        if plugin is not None:
            return _open_plugin(plugin, which, options)
    return _open_path(str(spec), options)


def _open_realsense(serial: str, options: SourceOptions) -> Source:
    from motionrgbd.core.sources.realsense import RealSenseSource

    return RealSenseSource(replace(options, serial=serial) if serial else options)


def _open_webcam(number: str, options: SourceOptions) -> Source:
    from motionrgbd.core.sources.webcam import WebcamSource

    if number and not number.isdecimal():
        raise UsageError(f"webcam:{number} - a webcam is named by its number, such as webcam:0")
    return WebcamSource(int(number or 0), options)


def _open_plugin(plugin: Plugin, which: str, options: SourceOptions) -> Source:
    """Let a plug-in open what it knows; what goes wrong in there is said under its name."""
    factory = plugin.load()
    who = f"the plug-in {plugin.name!r} of {plugin.package}"
    try:
        source: Source = factory(which, options)
        is_one = isinstance(source, Source) and isinstance(source.info, SourceInfo)
    except (MotionRGBDError, CalibrationError):
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise SourceError(f"{who} cannot open {which!r} ({reason})") from error
    if not is_one:
        kind = type(source).__name__
        raise SourceError(f"{who} made a {kind}, which is no source: it lacks info, read or close")
    return source


def _open_path(spec: str, options: SourceOptions) -> Source:
    path = Path(spec).expanduser()
    if not spec:
        raise UsageError("no source is named: a camera, a recording, or demo")
    if path.is_dir():
        from motionrgbd.core.sources.folder import FolderSource

        return FolderSource(path, options)
    if path.is_file():
        return _open_file(path, options)
    color, comma, depth = spec.partition(",")
    if comma:
        if not color.strip() or not depth.strip():
            raise UsageError(f"{spec} names one file: a pair of videos is COLOR_FILE,DEPTH_FILE")
        return VideoSource(Path(color).expanduser(), Path(depth).expanduser(), options)
    raise SourceError(f"{spec}: no such file, folder or camera")


def _open_file(path: Path, options: SourceOptions) -> Source:
    suffix = path.suffix.lower()
    if suffix in RECORDING_SUFFIXES:
        return _open_recording(path, options)
    if suffix in VIDEO_SUFFIXES:
        return VideoSource(*find_pair(path), options)
    raise SourceError(
        f"{path} is of no known kind: {', '.join((*RECORDING_SUFFIXES, *VIDEO_SUFFIXES))}, "
        "or a folder of pictures"
    )


def _open_recording(path: Path, options: SourceOptions) -> Source:
    from motionrgbd.core.sources import sdk
    from motionrgbd.core.sources.recording import RecordingSource

    if options.prefer_sdk and sdk.is_available():
        return RecordingSource(path, sdk.SdkPlayer(path))
    return RecordingSource(path)
