"""A network over one stream: every frame pays for itself, a window for its scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, cast

import numpy as np

from motionrgbd.core.errors import ModalityError
from motionrgbd.core.feature_ring import FeatureRing
from motionrgbd.core.results import FloatArray
from motionrgbd.core.runner_edges import EdgeStage
from motionrgbd.core.runner_streaming import StreamingStage
from motionrgbd.core.session import (
    InputOutput,
    RunningDevice,
    default_threads,
    open_session,
    running_device,
)
from motionrgbd.models.bundle import PRESENT, WINDOW, Bundle
from motionrgbd.models.edges import exact_plan, live_plan
from motionrgbd.models.errors import BundleError
from motionrgbd.models.recipe import Modality


@dataclass(frozen=True, slots=True, eq=False)
class NetworkInput:
    """One grid frame, ready for the network; what a stream does not have, or lost, is None.

    color, depth: float32 (C, h, w), normalised. guidance: float32 (h, w), 0..2. motion: float32
    (E,), for networks that embed motion energies.
    """

    color: FloatArray | None = None
    depth: FloatArray | None = None
    color_guidance: FloatArray | None = None
    depth_guidance: FloatArray | None = None
    color_motion: FloatArray | None = None
    depth_motion: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What the network says of a window.

    fused: logits (K,), what is ranked. color, depth: logits of one modality alone, or None.
    features: one vector for the window, for learning new gestures from few examples.
    used: the modalities that were scored; where it is one of two, fused are its logits.
    """

    fused: FloatArray
    color: FloatArray | None
    depth: FloatArray | None
    features: FloatArray
    used: tuple[Modality, ...]


class FrameStage(Protocol):
    """The per-frame part of one modality; it writes features into the ring it was given."""

    def push(self, image: FloatArray, guidance: FloatArray) -> None: ...

    def reset(self) -> None: ...


class StreamRunner(Protocol):
    """A network over one stream at a time."""

    @property
    def provider(self) -> str: ...

    @property
    def used(self) -> tuple[Modality, ...]:
        """The modalities that count now."""

    @property
    def age(self) -> int:
        """Frames since the stream began, or began anew."""

    def push(self, frame: NetworkInput) -> None:
        """Take the next frame. Raises ModalityError where the network needs more."""

    def newest(self) -> dict[Modality, FloatArray]:
        """Return copies of the newest frame's features (D,), of the modalities that count."""

    def predict(self) -> Scores | None:
        """Score the window that ends at the newest frame; None until there is one."""

    def reset(self) -> None:
        """Start a new stream."""

    def close(self) -> None:
        """End the threads of the runner's own; a later `push` starts them again."""


@dataclass(frozen=True)
class ModalityStream:
    """One modality: its per-frame part, the features of the window, and their motion energies."""

    io: InputOutput
    stage: FrameStage
    features: FeatureRing
    motion: FeatureRing | None

    def push(self, image: FloatArray, guidance: FloatArray, motion: FloatArray | None) -> None:
        self.stage.push(image, guidance)
        if self.motion is not None:
            assert motion is not None
            self.motion.append()
            self.motion.write(0, motion)

    def reset(self) -> None:
        self.stage.reset()
        self.features.reset()
        if self.motion is not None:
            self.motion.reset()


class Runner:
    """`StreamRunner` of every kind of bundle. Used by one thread.

    A network that falls back takes frames that lack a modality. One that was missing starts over
    when it returns, and counts again once all of the window is its own: so every window that is
    scored is one that the network was trained on, of whole modalities. Where a modality returns
    and the other one is lost before that, the stream begins anew where it returned.

    The second modality's frames are computed by a thread of the runner's own, on half of the
    cores: half of a per-frame graph's operators do not spread over cores by themselves.
    """

    def __init__(
        self,
        streams: Mapping[Modality, ModalityStream],
        window: InputOutput,
        *,
        device: RunningDevice,
        pad: bool,
        falls_back: bool = False,
    ) -> None:
        self._streams, self._window, self._pad = streams, window, pad
        self._falls_back = falls_back
        self.age = 0
        self.device = device
        self._needs_motion = any(stream.motion is not None for stream in streams.values())
        self._helper: ThreadPoolExecutor | None = None
        self._outputs = {
            name: np.zeros(shape, np.float32) for name, shape in window.output_shapes.items()
        }
        for name, array in self._outputs.items():
            window.bind_output(name, array)
        self._present = np.ones((1, len(streams)), np.float32)
        if falls_back:
            window.bind_input(PRESENT, self._present)

    @property
    def used(self) -> tuple[Modality, ...]:
        """The modalities that have been there for the window, or since the stream began."""
        return tuple(
            modality
            for modality, stream in self._streams.items()
            if stream.features.full or stream.features.count == self.age > 0
        )

    @property
    def provider(self) -> str:
        """What ONNX Runtime really runs on, in words."""
        return str(self.device)

    def push(self, frame: NetworkInput) -> None:
        """Take the next frame. Raises ModalityError where the network needs more."""
        pushes: list[Callable[[], None]] = []
        for modality, stream in self._streams.items():
            parts = self._parts(frame, modality)
            if parts is not None:
                pushes.append(partial(stream.push, *parts))
            elif stream.features.count:
                stream.reset()
        if not pushes:
            raise ModalityError("a frame needs colour or depth")
        self._run_all(pushes)
        self.age += 1
        if not self.used:
            self.age = max(stream.features.count for stream in self._streams.values())

    def newest(self) -> dict[Modality, FloatArray]:
        """Return copies of the newest frame's features (D,), of the modalities that count."""
        return {m: self._streams[m].features.padded()[-1].copy() for m in self.used}

    def _run_all(self, pushes: Sequence[Callable[[], None]]) -> None:
        """Call all of them, the second one in the helper's thread."""
        if len(pushes) > 1 and self._helper is None:
            self._helper = ThreadPoolExecutor(1, "second-modality")
        waiting = [self._helper.submit(push) for push in pushes[1:]] if self._helper else []
        try:
            pushes[0]()
        finally:
            for future in waiting:
                future.result()

    def predict(self) -> Scores | None:
        """Score the window that ends at the newest frame; None until there is one."""
        used = self.used
        rings = [self._streams[modality].features for modality in used]
        if not rings or not all(ring.full or (self._pad and ring.count) for ring in rings):
            return None
        for modality, stream in self._streams.items():
            self._window.bind_input(modality, stream.features.padded()[None])
            if stream.motion is not None:
                self._window.bind_input(f"{modality}_motion", stream.motion.padded()[None])
        self._present[0] = [modality in used for modality in self._streams]
        self._window.run()
        scores = {name: array[0].copy() for name, array in self._outputs.items()}
        return Scores(
            fused=scores["fused"],
            color=scores.get("color_scores") if "color" in used else None,
            depth=scores.get("depth_scores") if "depth" in used else None,
            features=scores["embedding"],
            used=used,
        )

    def close(self) -> None:
        """End the runner's thread; the next frame starts it again."""
        if self._helper is not None:
            self._helper.shutdown()
            self._helper = None

    def reset(self) -> None:
        """Start a new stream."""
        self.age = 0
        for stream in self._streams.values():
            stream.reset()

    def window_features(self) -> dict[Modality, FloatArray]:
        """Return copies of the features (T, D) that `predict` scores, for tests and parity."""
        return {m: stream.features.padded().copy() for m, stream in self._streams.items()}

    def inputs_of(self, modality: Modality) -> dict[str, FloatArray]:
        """Return copies of what the last frame's graph read, state included, for calibration."""
        return self._streams[modality].io.inputs()

    def _parts(
        self, frame: NetworkInput, modality: Modality
    ) -> tuple[FloatArray, FloatArray, FloatArray | None] | None:
        """What a modality's stream takes; None where the frame lacks it and that is allowed."""
        image, guidance, motion = (
            cast("FloatArray | None", getattr(frame, modality + part))
            for part in ("", "_guidance", "_motion")
        )
        words = {"color": "colour", "depth": "depth"}
        if image is None or guidance is None:
            if self._falls_back:
                return None
            needed = " and ".join(words[m] for m in self._streams)
            raise ModalityError(f"the model needs {needed}; this stream has no {words[modality]}")
        if self._needs_motion and motion is None:
            raise ModalityError(f"the model needs the motion of {words[modality]}")
        return image, guidance, motion


def make_runner(
    bundle: Bundle,
    device: str = "auto",
    *,
    precision: str = "fp32",
    threads: int | None = None,
) -> Runner:
    """Open a bundle for one stream. `threads`: cores to use, by default up to four.

    Raises LibraryError where ONNX Runtime cannot run it as asked, BundleError where the bundle
    lacks the precision.
    """
    total = threads or default_threads()
    each = max(1, total // len(bundle.modalities))

    def session(name: str, cores: int) -> Any:
        return open_session(bundle.graph(name, precision), device, cores)

    window = session(WINDOW, total)
    streams = {m: _stream(bundle, session(m, each)) for m in bundle.modalities}
    return Runner(
        streams,
        InputOutput(window),
        device=running_device(window, device),
        pad=bundle.recipe.padding == "repeat_first",
        falls_back=bundle.falls_back,
    )


def _stream(bundle: Bundle, session: Any) -> ModalityStream:
    config = bundle.config
    features = FeatureRing(config.window, config.feature)
    motion = FeatureRing(config.window, config.energies) if config.energies else None
    io = InputOutput(session)
    try:
        stage = _stage(bundle, io, features)
    except (KeyError, ValueError) as error:
        raise BundleError(f"the model's graphs do not fit its recipe and sizes: {error}") from error
    return ModalityStream(io, stage, features, motion)


def _stage(bundle: Bundle, io: InputOutput, features: FeatureRing) -> FrameStage:
    config, w = bundle.config, bundle.recipe.guidance_window
    if bundle.kind == "streaming":
        return StreamingStage(io, features)
    if bundle.kind == "released-live":
        return EdgeStage(io, live_plan(), w, features)
    return EdgeStage(io, exact_plan(config.window, w if config.guided else None), w, features)
