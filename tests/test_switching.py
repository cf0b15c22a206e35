"""The engine without a modality: what it recognises from, and that it invents nothing."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import av
import numpy as np
import pytest

from motionrgbd.app import cli, live
from motionrgbd.app.bench_engine import bench_engine
from motionrgbd.app.headless import EventPrinter
from motionrgbd.app.modalities import start_text
from motionrgbd.app.summary import RunSummary
from motionrgbd.core.decision import DecisionLayer, DecisionParameters
from motionrgbd.core.engine import Engine
from motionrgbd.core.errors import ModalityError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.recogniser import Recogniser, Step, calibrated, softmax
from motionrgbd.core.results import Prediction
from motionrgbd.core.runner import Scores
from motionrgbd.models.bundle import Bundle, load_bundle
from motionrgbd.models.grouping import Temperatures

HZ, SHAPE, WINDOW = 30.0, (24, 32), 4
Change = Callable[[RGBDFrame], RGBDFrame]


def info(*, color: bool = True, depth: bool = True) -> SourceInfo:
    return SourceInfo("frames", False, HZ, color, depth)


def frames(count: int = 120, changes: dict[range, Change] | None = None) -> list[RGBDFrame]:
    """Noise of two seconds dark, two seconds light, with some of it changed."""
    rng = np.random.default_rng(0)
    made = []
    for n in range(count):
        level = 40 if n < 60 else 200
        color = rng.integers(level, level + 40, (*SHAPE, 3), np.uint8)
        depth = rng.integers(400, 440, SHAPE).astype(np.uint16)
        frame = RGBDFrame(color, depth, n, n / HZ)
        for span, change in (changes or {}).items():
            frame = change(frame) if n in span else frame
        made.append(frame)
    return made


def black(frame: RGBDFrame) -> RGBDFrame:
    return dataclasses.replace(frame, color=np.zeros((*SHAPE, 3), np.uint8))


def empty(frame: RGBDFrame) -> RGBDFrame:
    return dataclasses.replace(frame, depth=np.zeros(SHAPE, np.uint16))


def without(modality: str) -> Change:
    return lambda frame: dataclasses.replace(frame, **{modality: None})


def steps_of(bundle: Bundle, given: Iterable[RGBDFrame], **has: bool) -> list[Step]:
    recogniser = Recogniser(bundle, device="cpu")
    recogniser.open(info(**has))
    steps = [step for frame in given for step in recogniser.push(frame)]
    recogniser.close()
    return steps


@pytest.fixture(scope="module")
def bundle(tiny_fallback_model: Path) -> Bundle:
    return load_bundle(tiny_fallback_model)


@pytest.mark.parametrize(
    ("change", "left", "reason"),
    [
        (black, "depth", "colour is black"),
        (without("color"), "depth", "colour is missing"),
        (empty, "color", "depth is empty"),
        (without("depth"), "color", "depth is missing"),
    ],
)
def test_a_lost_modality_is_told_and_left_out(
    bundle: Bundle, change: Change, left: str, reason: str
) -> None:
    lost, back = 30, 80
    steps = steps_of(bundle, frames(changes={range(lost, back): change}))
    uses = list(dict.fromkeys(step.use for step in steps))
    assert [(use.used, use.reason) for use in uses if use] == [
        (("color", "depth"), ""),
        ((left,), reason),
        (("color", "depth"), ""),
    ]
    gone_s, again_s = uses[1].since_s, uses[2].since_s  # type: ignore[union-attr]
    assert gone_s == pytest.approx(lost / HZ + 0.2, abs=1.5 / HZ)  # a flash is bridged
    whole_window_s = (WINDOW - 1) / HZ
    assert again_s == pytest.approx(back / HZ + 0.5 + whole_window_s, abs=1.5 / HZ)
    for step in steps:
        assert step.prediction is not None
        assert step.use is not None
        assert step.prediction.used == step.use.used
        assert set(step.prediction.by_modality) == set(step.use.used)
    assert steps[lost + 3].frame.color is None or change is not without("color")


def test_views_see_the_frame_as_it_came(bundle: Bundle) -> None:
    given = frames(changes={range(30, 80): black})
    for step, frame in zip(steps_of(bundle, given), given, strict=True):
        assert step.frame is frame
    assert "color" not in steps_of(bundle, given)[60].guidance


@pytest.mark.parametrize("live", [False, True])
def test_a_picture_that_stands_still_is_distrusted_of_a_camera_alone(
    bundle: Bundle, live: bool
) -> None:
    given = frames()
    stuck = [dataclasses.replace(frame, depth=given[0].depth) for frame in given]
    recogniser = Recogniser(bundle, device="cpu")
    recogniser.open(dataclasses.replace(info(), live=live))
    uses = [step.use for frame in stuck for step in recogniser.push(frame) if step.use]
    recogniser.close()
    assert uses[0].used == ("color", "depth")
    assert (uses[-1].used, uses[-1].reason) == (
        (("color",), "depth is frozen") if live else (("color", "depth"), "")
    )


@pytest.mark.parametrize("alone", ["color", "depth"])
def test_one_modality_is_enough_from_the_start(bundle: Bundle, alone: str) -> None:
    other = {"color": "depth", "depth": "color"}[alone]
    given = frames(changes={range(120): without(other)})
    steps = steps_of(bundle, given, **{other: False})
    assert len(steps) == 120
    assert {step.use.used for step in steps if step.use} == {(alone,)}
    assert {step.use.reason for step in steps if step.use} == {""}
    frozen = [given[0]] * 1 + [
        dataclasses.replace(given[0], index=n, timestamp_s=n / HZ) for n in range(1, 90)
    ]
    assert len(steps_of(bundle, frozen, **{other: False})) == 90  # nothing better is there


def test_where_nothing_can_be_trusted_the_frame_is_used_as_it_is(bundle: Bundle) -> None:
    given = frames(changes={range(30, 80): lambda frame: empty(black(frame))})
    steps = steps_of(bundle, given)
    assert len(steps) == 120
    assert all(step.prediction is not None for step in steps)


def test_models_that_need_both_still_refuse(tiny_model: Path) -> None:
    recogniser = Recogniser(load_bundle(tiny_model), device="cpu")
    with pytest.raises(ModalityError, match=r"needs depth.*--model"):
        recogniser.open(info(depth=False))


def test_a_source_of_nothing_is_refused(bundle: Bundle) -> None:
    with pytest.raises(ModalityError, match="needs colour and depth"):
        Recogniser(bundle, device="cpu").open(info(color=False, depth=False))


class Recording:
    """A recording from memory."""

    def __init__(self, given: list[RGBDFrame]) -> None:
        self.info = info()
        self._given = iter(given)

    def read(self) -> RGBDFrame | None:
        return next(self._given, None)

    def close(self) -> None:
        pass


def test_the_engine_counts_what_it_recognised_from(bundle: Bundle) -> None:
    engine = Engine(
        Recording(frames(changes={range(30, 80): black})), Recogniser(bundle, device="cpu")
    )
    engine.start()
    assert engine.wait(60)
    engine.stop()
    health, snapshot = engine.health(), engine.snapshot()
    assert snapshot is not None
    assert snapshot.use is not None
    assert snapshot.use.used == ("color", "depth")
    assert health.fallbacks == 1
    assert set(health.steps_from) == {"color+depth", "depth"}
    assert sum(health.steps_from.values()) == 120
    assert 50 <= health.steps_from["depth"] <= 65


def test_each_head_has_its_own_temperature(bundle: Bundle) -> None:
    warm = dataclasses.replace(bundle, temperatures=Temperatures(2.0, 3.0, 5.0))
    logits = [np.array(x, np.float32) for x in ([1, 2, 3], [3, 1, 2], [0, 4, 1])]
    fused, color, depth = logits
    frame = frames(1)[0]
    both = calibrated(Scores(fused, color, depth, fused, ("color", "depth")), warm, frame)
    np.testing.assert_allclose(both.probabilities, softmax(fused / 2))
    np.testing.assert_allclose(both.by_modality["color"], softmax(color / 3))
    np.testing.assert_allclose(both.by_modality["depth"], softmax(depth / 5))
    alone = calibrated(Scores(depth, None, depth, fused, ("depth",)), warm, frame)
    np.testing.assert_allclose(alone.probabilities, softmax(depth / 5))


LABELS = ("idle", "wave", "push")
RULE = DecisionParameters(on=0.6, off=0.3, hold_s=0.1, smoothing_s=0.0, refractory_s=0.2)


def decide(spans: list[tuple[str, float]], switches_s: Iterable[float]) -> list[tuple[str, float]]:
    """Events of labels that are certain for some seconds each, with switches of the head."""
    layer = DecisionLayer(LABELS, RULE)
    events, now, waiting = [], 0.0, sorted(switches_s)
    for label, duration_s in spans:
        p = np.full(3, 0.05, np.float32)
        p[LABELS.index(label)] = 0.9
        for _ in range(round(duration_s * HZ)):
            if waiting and now >= waiting[0] - 1e-9:
                layer.switch(now, 2.0)
                waiting.pop(0)
            events += layer.update(Prediction(p, {}, 0, now))
            now += 1 / HZ
    return [(event.label, event.decided_s) for event in events]


def test_another_head_gives_a_gesture_no_second_name() -> None:
    spans = [("idle", 1.0), ("wave", 0.5), ("push", 0.5), ("idle", 0.5), ("push", 0.5)]
    named = [label for label, _ in decide(spans, [])]
    assert named == ["wave", "push", "push"]
    switched = decide(spans, [1.5])
    assert [label for label, _ in switched] == ["wave", "push"]
    assert switched[1][1] > 2.5  # the second push came after a rest: it is one


def test_another_head_that_still_sees_what_is_over_gives_it_no_second_time() -> None:
    spans = [("idle", 1.0), ("wave", 0.5), ("idle", 0.5), ("wave", 0.5), ("idle", 0.5)]
    assert [label for label, _ in decide(spans, [])] == ["wave", "wave"]
    assert [label for label, _ in decide(spans, [2.0])] == ["wave"]


def test_a_switch_without_an_event_before_it_holds_nothing_back() -> None:
    spans = [("idle", 1.0), ("wave", 0.5), ("idle", 1.0)]
    assert decide(spans, [1.02]) == decide(spans, [])
    assert len(decide([("idle", 4.0), *spans[1:]], [4.0])) == 1


def test_a_head_that_never_rests_is_heard_after_all() -> None:
    spans = [("idle", 1.0), ("wave", 0.5), ("push", 4.0)]
    events = decide(spans, [1.5])
    assert [label for label, _ in events] == ["wave", "push"]
    assert events[1][1] == pytest.approx(1.5 + 2.0, abs=0.1)


def test_the_terminal_tells_every_change_once(
    bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    given = frames(changes={range(30, 80): black, range(100, 120): without("depth")})
    printer = EventPrinter()
    for step in steps_of(bundle, given):
        printer.add(step)
    printer.print_all()
    lines = [line for line in capsys.readouterr().out.splitlines() if "since" in line]
    assert lines == [
        "depth only since 1.2 s: colour is black",
        "colour and depth since 3.3 s",
        "colour only since 3.5 s: depth is missing",
    ]


def write_video(path: Path, levels: Iterable[int]) -> None:
    rng = np.random.default_rng(0)
    with av.open(path, "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gray"
        for level in levels:
            picture = rng.integers(level, level + 40, (48, 64), np.uint8) if level else level
            picture = np.broadcast_to(np.uint8(picture), (48, 64)).copy()
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "gray")))
        container.mux(stream.encode(None))


def test_a_run_says_what_it_recognises_from_and_counts_it(
    tiny_fallback_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_video(tmp_path / "a_color.mkv", [100] * 30 + [0] * 20 + [100] * 40)
    write_video(tmp_path / "a_depth.mkv", [100] * 90)
    model = ["--model", str(tiny_fallback_model), "--headless", "--device", "cpu"]
    pair = f"{tmp_path / 'a_color.mkv'},{tmp_path / 'a_depth.mkv'}"
    out = tmp_path / "out"
    depth8 = ["--depth-direction", "brighter"]
    assert live.main(["--replay", pair, *depth8, *model, "--out", str(out)]) == 0
    assert "depth only since 1.2 s: colour is black\n" in capsys.readouterr().out
    run = json.loads((out / "run.json").read_text())
    assert run["health"]["fallbacks"] == 1
    assert sum(run["health"]["steps_from"].values()) == run["steps"] == 90
    (tmp_path / "alone.mkv").write_bytes((tmp_path / "a_color.mkv").read_bytes())
    assert live.main(["--replay", str(tmp_path / "alone.mkv"), *model]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "alone.mkv has no depth: recognising from colour alone."


def test_the_start_says_what_the_card_says_of_colour(bundle: Bundle) -> None:
    card = dataclasses.replace(bundle.card, color_note="It learned colour from drawn hands.")
    noted = dataclasses.replace(bundle, card=card)
    assert start_text(noted, info(depth=False)) == (
        "frames has no depth: recognising from colour alone. It learned colour from drawn hands."
    )
    assert start_text(noted, info(color=False)) == (
        "frames has no colour: recognising from depth alone."
    )
    assert start_text(noted, info()) is None


def test_the_picture_of_a_run_leaves_out_what_was_lost(bundle: Bundle, tmp_path: Path) -> None:
    summary = RunSummary(bundle.labels, bundle.modalities)
    for step in steps_of(bundle, frames(changes={range(120): without("color"), range(9): empty})):
        summary.add(step)
    summary.draw(tmp_path / "a.png", "a run", ())
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_eight_bits_that_are_not_there_are_refused(
    tiny_fallback_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(tiny_fallback_model), "--headless"]
    assert live.main(["--demo", *model, "--precision", "int8"]) == 5
    assert "no int8 graphs" in capsys.readouterr().err
    assert live.main(["--demo", *model, "--precision", "int4"]) == 2
    assert "fp32 or int8" in capsys.readouterr().err


def test_the_bench_has_a_row_for_each_way_to_recognise(
    tiny_fallback_model: Path, tiny_depth_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    assert cli.main(["bench", "engine", str(tiny_depth_model), "--frames", "4"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| fp32")]
    assert [row.split("|")[2].strip() for row in rows] == ["depth only"]
    assert bench_engine(tiny_fallback_model, frames=4) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| fp32")]
    assert [row.split("|")[2].strip() for row in rows] == [
        "colour and depth",
        "depth only",
        "colour only",
    ]
    assert all(float(cell) > 0 for row in rows for cell in row.split("|")[3:9])
    if before is not None:
        assert os.sched_getaffinity(0) == before
