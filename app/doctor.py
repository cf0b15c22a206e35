"""`motionrgbd doctor`: what works on this machine, what does not, and one remedy for each."""

from __future__ import annotations

import ctypes.util
import dataclasses
import importlib
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal, Protocol

from motionrgbd.app.command import program_version
from motionrgbd.app.live import DEFAULT_MODEL, open_session
from motionrgbd.app.settings import Device, Precision, Settings
from motionrgbd.core.errors import LibraryError, MotionRGBDError
from motionrgbd.models.errors import ModelFileError

REQUIRED = {  # distribution -> module
    "numpy": "numpy",
    "opencv-python-headless": "cv2",
    "av": "av",
    "pillow": "PIL.Image",
    "matplotlib": "matplotlib",
    "safetensors": "safetensors",
    "rosbags": "rosbags",
}
UDEV_FOLDERS = (Path("/etc/udev/rules.d"), Path("/usr/lib/udev/rules.d"), Path("/lib/udev/rules.d"))
_FRAME_MS = 1000 / 30

Status = Literal["ok", "note", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. FAIL: the program cannot run; note: something optional is absent."""

    status: Status
    name: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        line = f"{self.status:<5} {self.name:<24} {self.text}"
        return f"{line}\n{'':<5} {'':<24} -> {self.remedy}" if self.remedy else line


class Check(Protocol):
    """Finds things; its name tells what it looked at."""

    __name__: str

    def __call__(self) -> Iterator[Finding]: ...


def run_doctor(
    *, device: Device = "auto", seconds: float = 5.0, precision: Precision = "fp32"
) -> int:
    """Print all findings as they come; return 1 if something required failed, else 0."""
    failed = False
    for check in checks(device, seconds, precision):
        for finding in _guarded(check):
            print(finding, flush=True)
            failed |= finding.status == "FAIL"
    print("Something required fails." if failed else "Everything required works.", flush=True)
    return 1 if failed else 0


def checks(device: Device, seconds: float, precision: Precision) -> tuple[Check, ...]:
    """Return the checks in the order in which one builds on the other."""

    def check_run() -> Iterator[Finding]:
        return run_demo(device, seconds, precision)

    return (
        check_python,
        check_libraries,
        check_onnxruntime,
        check_bundle,
        check_run,
        check_window,
        check_camera_library,
        check_udev_rules,
        check_plugins,
    )


def _guarded(check: Check) -> Iterator[Finding]:
    """Pass findings on; an error is a finding too (ours say themselves what to do)."""
    name = check.__name__.removeprefix("check_").replace("_", " ")
    try:
        yield from check()
    except (MotionRGBDError, ModelFileError) as error:
        yield Finding("FAIL", name, " ".join(str(error).split()))
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        yield Finding("FAIL", name, what, "please report this line as a defect")


def check_python() -> Iterator[Finding]:
    """Name the versions that a report needs."""
    yield Finding("ok", "motionrgbd-live", program_version())
    yield Finding("ok", "python", f"{platform.python_version()} on {platform.platform()}")


def check_libraries() -> Iterator[Finding]:
    """Import every required library."""
    for distribution, module in REQUIRED.items():
        try:
            importlib.import_module(module)
            yield Finding("ok", distribution, version(distribution))
        except ImportError as error:
            remedy = f"pip install --force-reinstall {distribution}"
            yield Finding("FAIL", distribution, str(error), remedy)


def check_onnxruntime() -> Iterator[Finding]:
    """Exactly one ONNX Runtime may be installed."""
    from motionrgbd.core import session

    session.check_onnxruntime()
    import onnxruntime

    yield Finding("ok", "onnxruntime", str(onnxruntime.__version__))


def check_bundle() -> Iterator[Finding]:
    """The bundled model must match its own hashes."""
    from motionrgbd.models.bundle import load_bundle

    try:
        bundle = load_bundle(DEFAULT_MODEL)
    except ModelFileError as error:
        yield Finding(
            "FAIL", "model", str(error), "pip install --force-reinstall . in the checkout"
        )
        return
    yield Finding("ok", "model", f"{bundle.recipe.name}, sha256 {bundle.sha256}")


def run_demo(device: Device, seconds: float, precision: Precision) -> Iterator[Finding]:
    """Replay the demo in real time through the model, and say what it really ran on."""
    settings = dataclasses.replace(
        Settings(), demo=True, device=device, precision=precision, pace="realtime"
    )
    engine = open_session(settings).engine
    try:
        engine.start()
        engine.wait(seconds)
    finally:
        engine.stop()
    health = engine.health()
    yield Finding("ok", "computes on", health.provider)
    total = health.stages.get("total")
    if total is None:
        yield Finding("FAIL", "run", f"no frame was recognised in {seconds:g} s", "run it again")
        return
    text = f"{health.frames} frames, frame to decision p95 {total.p95_ms:.1f} ms"
    if total.p95_ms < _FRAME_MS:
        yield Finding("ok", f"{seconds:g} s of the demo", text)
    else:
        remedy = "end other programs, or expect skipped windows with a live camera"
        yield Finding("note", f"{seconds:g} s of the demo", f"{text}: slower than 30 Hz", remedy)


def check_window() -> Iterator[Finding]:
    """Can a window be opened here?"""
    from motionrgbd.app.gui.available import why_no_window

    reason = why_no_window()
    if reason is None:
        yield Finding("ok", "window", f"PySide6 {version('PySide6-Essentials')} opens one")
    else:
        what, _, remedy = reason.partition(": ")
        yield Finding("note", "window", what, remedy)


def check_camera_library() -> Iterator[Finding]:
    """Can RealSense cameras be asked, and does one answer?"""
    if ctypes.util.find_library("usb-1.0"):
        yield Finding("ok", "USB (libusb-1.0)", "of the system")
    elif importlib.util.find_spec("libusb_package"):
        yield Finding("ok", "USB (libusb-1.0)", f"libusb-package {version('libusb-package')}")
    else:
        yield Finding("note", "USB (libusb-1.0)", "absent", "pip install libusb-package")
    from motionrgbd.core.sources import sdk
    from motionrgbd.core.sources.realsense import find_cameras

    if not sdk.is_available():
        remedy = "pip install '.[camera]' in the checkout (only for cameras)"
        yield Finding("note", "pyrealsense2", "does not load", remedy)
        return
    yield Finding("ok", "pyrealsense2", version("pyrealsense2"))
    cameras = find_cameras()
    for camera in cameras:
        slow = camera.usb.startswith("2")
        text = f"{camera.name} {camera.serial} on USB {camera.usb}"
        remedy = "use a USB 3 port and cable" if slow else ""
        yield Finding("note" if slow else "ok", "RealSense", text, remedy)
    if not cameras:
        remedy = "plug one in, or use --replay, --camera webcam or --demo"
        yield Finding("note", "RealSense", "no camera answers", remedy)


def check_udev_rules() -> Iterator[Finding]:
    """On Linux, a camera may be opened without root only where udev rules say so."""
    if not sys.platform.startswith("linux"):
        return
    rules = [
        path
        for folder in UDEV_FOLDERS
        for path in sorted(folder.glob("*.rules"))
        if "realsense" in path.name or ("8086" in _text(path) and "RealSense" in _text(path))
    ]
    if rules:
        yield Finding("ok", "udev rules", str(rules[0]))
    else:
        remedy = (
            "copy 99-realsense-libusb.rules of librealsense's config folder to "
            "/etc/udev/rules.d, then `udevadm control --reload-rules && udevadm trigger`"
        )
        yield Finding("note", "udev rules", "none for RealSense cameras", remedy)


def check_plugins() -> Iterator[Finding]:
    """Which sources do other installed packages bring, and do they load?"""
    from motionrgbd.core.plugins import SOURCES, plugins
    from motionrgbd.core.sources.open import BUILT_IN

    for plugin in plugins(SOURCES):
        name = f"source {plugin.name}"
        if plugin.name in BUILT_IN:
            text = f"the plug-in of {plugin.package} is not used: a built-in source has its name"
            yield Finding("note", name, text)
            continue
        try:
            plugin.load()
            yield Finding("ok", name, f"a plug-in of {plugin.package}")
        except LibraryError as error:
            what, _, remedy = str(error).partition(" — ")
            yield Finding("note", name, what, remedy)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
