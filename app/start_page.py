"""What can be watched, and the settings that a choice makes: the start page without its window."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from motionrgbd.app.my_settings import WindowMemory
from motionrgbd.app.settings import Device, Precision, Settings

NO_CAMERA = (
    "No RealSense camera answers. Plug it in (a blue USB 3 socket, a short cable) and look again; "
    "`motionrgbd doctor` tells more. A webcam, a recording or the demo need none."
)
LOOKING = "Looking for cameras …"


class Camera(Protocol):
    """A RealSense camera that answers."""

    @property
    def name(self) -> str: ...
    @property
    def serial(self) -> str: ...
    @property
    def usb(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that can be watched. spec: as `open_source` takes it."""

    title: str
    detail: str
    spec: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be opened. model: empty for the built-in one. direction: of 8-bit depth."""

    spec: str
    model: str = ""
    device: Device = "auto"
    precision: Precision = "fp32"
    direction: Literal["brighter", "darker"] | None = None


def offers(cameras: Sequence[Camera], webcams: Sequence[int], memory: WindowMemory) -> list[Offer]:
    """Return what can be watched, cameras first."""
    found = [
        Offer(camera.name or "RealSense", f"{camera.serial}, USB {camera.usb}", spec)
        for camera in cameras
        for spec in [f"realsense:{camera.serial}" if camera.serial else "realsense"]
    ]
    found += [Offer(f"Webcam {n}", "colour only", f"webcam:{n}") for n in webcams]
    found.append(Offer("Demo", "built-in synthetic recording, needs no camera", "demo"))
    for spec in memory.recordings:
        first = Path(spec.partition(",")[0])
        found.append(Offer(first.name or spec, str(first.parent), spec))
    return found


def webcam_numbers(devices: Path = Path("/dev")) -> list[int]:
    """Return the numbers of webcams that this system lists; 0 where it lists none that way."""
    if os.name != "posix" or not devices.is_dir():
        return [0]
    names = [path.name.removeprefix("video") for path in devices.glob("video*")]
    return sorted(int(name) for name in names if name.isdecimal())


def chosen_settings(settings: Settings, choice: Choice) -> Settings:
    """Return the settings with what was chosen."""
    kind = choice.spec.partition(":")[0]
    camera = kind in ("realsense", "webcam")
    return dataclasses.replace(
        settings,
        camera=choice.spec if camera else None,
        replay=None if camera or choice.spec == "demo" else choice.spec,
        demo=choice.spec == "demo",
        model=Path(choice.model) if choice.model else None,
        device=choice.device,
        precision=choice.precision,
        depth_direction=choice.direction or settings.depth_direction,
    )


def first_choice(settings: Settings, memory: WindowMemory, cameras: Sequence[Camera]) -> Choice:
    """Return what is chosen before anybody chooses: as last time, else a camera, else the demo."""
    model = str(settings.model) if settings.model else memory.model
    spec = memory.source or ("realsense" if cameras else "demo")
    if spec.startswith("realsense") and cameras:
        serials = {f"realsense:{camera.serial}" for camera in cameras}
        spec = spec if spec in serials else f"realsense:{cameras[0].serial}"
    device: Device = settings.device
    precision: Precision = settings.precision
    if device == "auto" and memory.device in ("cpu", "cuda"):
        device = memory.device  # type: ignore[assignment]
    if precision == "fp32" and memory.precision == "int8":
        precision = "int8"
    return Choice(spec, model, device, precision, settings.depth_direction)
