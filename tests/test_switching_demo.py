"""The bundled model on the demo, a modality lost in the middle of gestures: nothing is invented."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from motionrgbd.app.demo import LATEST_S, match_events
from motionrgbd.app.live import DEFAULT_MODEL
from motionrgbd.core.frames import RGBDFrame, ScriptedGesture, SourceInfo
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.results import GestureEvent, ModalityUse
from motionrgbd.core.synthetic.recording import DEMO_SEED, SyntheticRecording
from motionrgbd.models.bundle import Bundle, load_bundle

GESTURES = 6  # of the demo's: its first twenty seconds
LOST_S = 1.2  # with the half second to be trusted again and the window of its own: 4 s of one

Change = Callable[[RGBDFrame], RGBDFrame]
Demo = tuple[SourceInfo, list[RGBDFrame], tuple[ScriptedGesture, ...]]


def black(frame: RGBDFrame) -> RGBDFrame:
    return dataclasses.replace(frame, color=np.zeros_like(frame.color))


def empty(frame: RGBDFrame) -> RGBDFrame:
    return dataclasses.replace(frame, depth=np.zeros_like(frame.depth))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    loaded = load_bundle(DEFAULT_MODEL)
    assert loaded.falls_back
    return loaded


@pytest.fixture(scope="module")
def demo(bundle: Bundle) -> Demo:
    """The demo's first gestures, on the recipe's grid."""
    recording = SyntheticRecording(DEMO_SEED, fps_hz=bundle.recipe.fps_hz)
    script = recording.info.script[:GESTURES]
    frames = []
    while (frame := recording.read()) is not None:
        if frame.timestamp_s > script[-1].end_s + 1.0:
            break
        frames.append(frame)
    return recording.info, frames, script


def play(
    bundle: Bundle, demo: Demo, change: Change
) -> tuple[list[GestureEvent], list[ModalityUse]]:
    """Change the frames from the middle of every other gesture on, for a while."""
    info, frames, script = demo
    middles = [(g.start_s + g.end_s) / 2 for g in script[::2]]
    recogniser = Recogniser(bundle, device="cpu")
    recogniser.open(info)
    events: list[GestureEvent] = []
    uses: list[ModalityUse] = []
    for frame in frames:
        lost = any(at <= frame.timestamp_s < at + LOST_S for at in middles)
        for step in recogniser.push(change(frame) if lost else frame):
            events += step.events
            if step.use is not None and step.use not in uses:
                uses.append(step.use)
    recogniser.close()
    return events, uses


def test_the_whole_demo_has_an_event_for_each_gesture(bundle: Bundle, demo: Demo) -> None:
    events, uses = play(bundle, demo, lambda frame: frame)
    result = match_events(events, demo[2])
    assert {use.used for use in uses} == {("color", "depth")}
    assert result.events == result.matches  # each has its own gesture, by name and by time
    assert result.matches >= GESTURES - 1


@pytest.mark.parametrize(("change", "left"), [(black, ("depth",)), (empty, ("color",))])
def test_losing_a_modality_in_mid_gesture_invents_nothing(
    bundle: Bundle, demo: Demo, change: Change, left: tuple[str, ...]
) -> None:
    """A switch may cost a gesture or its name, but makes no event of its own.

    Each event falls into a gesture that no other event falls into.
    """
    script = demo[2]
    events, uses = play(bundle, demo, change)
    assert {use.used for use in uses} == {("color", "depth"), left}
    of = [
        [n for n, g in enumerate(script) if g.start_s <= event.decided_s <= g.end_s + LATEST_S]
        for event in events
    ]
    assert all(len(gestures) == 1 for gestures in of), events
    assert len({gestures[0] for gestures in of}) == len(events), events
    assert match_events(events, script).matches >= GESTURES / 2
