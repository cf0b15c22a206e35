"""Teaching: what is refused, what is learned, what is kept, and that it survives its file."""

from __future__ import annotations

import dataclasses
import runpy
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionrgbd.app import cli
from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.errors import MotionRGBDError, SourceError, TeachingError, UsageError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.labels import NamedSpan, labels_beside, read_spans, write_spans
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.core.region import RegionError, RegionOfInterest
from motionrgbd.core.region_pixels import RegionLimits
from motionrgbd.core.teaching import Teaching, TeachingStopped, teach
from motionrgbd.core.teaching_examples import ALTERATIONS, Alteration, LabelledRecording, record
from motionrgbd.core.teaching_known import Known
from motionrgbd.core.teaching_report import ForgettingError
from motionrgbd.models.bundle import Bundle, load_bundle, write_bundle
from motionrgbd.models.errors import BundleError
from motionrgbd.models.taught import Memory, Taught
from motionrgbd.training.teach.memory import memory_of

FPS_HZ = 30.0
CAMERA = Intrinsics(64, 48, 55.0, 55.0, 31.5, 23.5)
LEFT = RegionOfInterest((-1.0, 0.0), (-1.0, 1.0), (0.1, 1.0))
SIZE_PX = (32, 32)
# What the picture's brightness does, at 30 Hz: the tiny model sees nothing else.
SHAPES = {
    "idle": np.full(30, 128.0),
    "wave": np.full(15, 20.0),
    "push": np.full(15, 235.0),
    "Blink": np.tile([30.0, 30.0, 220.0, 220.0], 5),
    "Ramp": np.linspace(60.0, 200.0, 20),
}


class Pictures:
    """A recording of plain pictures, one after another."""

    def __init__(self, brightness: np.ndarray) -> None:
        self._values = brightness.round().astype(np.uint8)
        self._next = 0
        self.info = SourceInfo("pictures", False, FPS_HZ, True, False)

    def read(self) -> RGBDFrame | None:
        i, self._next = self._next, self._next + 1
        if i >= len(self._values):
            return None
        color = np.full((*SIZE_PX, 3), self._values[i], np.uint8)
        return RGBDFrame(color, None, i, i / FPS_HZ)

    def close(self) -> None:
        pass


def recording(gestures: Sequence[str], seed: int = 0, rest: int = 75) -> LabelledRecording:
    """Return gestures with rest before, between and after them; `rest` frames of it."""
    rng = np.random.default_rng(seed)
    parts, spans, at = [np.full(rest, 128.0)], [], rest
    for label in gestures:
        shape = SHAPES[label] + rng.normal(0.0, 3.0)
        spans.append(NamedSpan(at / FPS_HZ, (at + len(shape)) / FPS_HZ, label))
        parts += [shape, np.full(rest, 128.0)]
        at += len(shape) + rest
    values = np.concatenate(parts)
    values = np.clip(values + rng.normal(0.0, 1.5, len(values)), 0, 255)
    return LabelledRecording(f"take {seed}", partial(Pictures, values), tuple(spans), "take.csv")


@pytest.fixture(scope="module")
def model(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A model of brightness that carries stored examples of its three classes."""
    write: Callable[..., Path] = runpy.run_path(str(root / "tests" / "tiny_model.py"))[
        "write_tiny_model"
    ]
    bundle = load_bundle(
        write(tmp_path_factory.mktemp("teach") / "tiny.mrgbd", ("color",), frames=24)
    )
    takes = [recording(["wave", "push"] * 4, seed) for seed in (50, 51)]
    return dataclasses.replace(bundle, memory=memory_of(bundle, [takes], "drawn"))


@pytest.fixture(scope="module")
def taught(model: Bundle) -> Teaching:
    return teach(model, [recording(["Blink", "Ramp", "Blink", "wave", "Ramp", "Blink"], 1)])


def events_of(bundle: Bundle, take: LabelledRecording) -> list[str]:
    recogniser = Recogniser(bundle, device="cpu")
    source = take.open()
    recogniser.open(source.info)
    found = []
    while (frame := source.read()) is not None:
        for step in recogniser.push(frame):
            if step.prediction is not None:
                assert step.prediction.probabilities.shape == (len(bundle.labels),)
                assert step.prediction.probabilities.sum() == pytest.approx(1.0, abs=1e-5)
            found += [event.label for event in step.events]
    return found


def test_new_classes_are_recognised_beside_the_old_ones(taught: Teaching) -> None:
    take = recording(["Ramp", "push", "Blink", "Blink", "wave"], 9)
    new = set(taught.bundle.taught_labels)
    assert taught.bundle.labels == ("idle", "wave", "push", "Blink", "Ramp")
    found = events_of(taught.bundle, take)
    assert [label for label in found if label in new] == ["Ramp", "Blink", "Blink"]
    assert "push" in found


def test_report_keeps_examples_apart(taught: Teaching) -> None:
    blink, ramp = taught.report.new
    assert (blink.examples, blink.tried, blink.how) == (3, 3, "left out")
    assert (ramp.examples, ramp.tried, ramp.how) == (2, 2, "left out")
    assert blink.recognised + ramp.recognised >= 4
    assert taught.report.false_events == 0
    assert taught.report.old_after >= taught.report.old_before - 0.01
    assert "left out in turn" in "\n".join(taught.report.lines())


def test_one_example_is_tried_on_altered_copies_and_says_so(model: Bundle) -> None:
    told: list[float] = []
    found = teach(model, [recording(["Blink"], 2)], progress=lambda share, what: told.append(share))
    (new,) = found.report.new
    assert (new.how, new.tried) == ("altered copies", 2)
    assert any("copies of that very example" in text for text in found.report.warnings)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_taught_bundle_survives_its_file(taught: Teaching, tmp_path: Path) -> None:
    file = tmp_path / "taught.mrgbd"
    written = write_bundle(file, taught.bundle)
    again = load_bundle(file)
    assert write_bundle(tmp_path / "again.mrgbd", again).sha256 == written.sha256
    take = recording(["Blink", "Ramp"], 12)
    assert events_of(again, take) == events_of(taught.bundle, take)


def test_a_taught_bundle_is_taught_more(taught: Teaching) -> None:
    SHAPES["Step"] = np.concatenate([np.full(10, 170.0), np.full(10, 90.0)])
    more = teach(taught.bundle, [recording(["Step", "Step", "Step"], 3)])
    assert more.bundle.labels[-3:] == ("Blink", "Ramp", "Step")
    found = events_of(more.bundle, recording(["Blink", "Step"], 13))
    assert {"Blink", "Step"} <= set(found)
    old = {row.label: row for row in more.report.old}
    assert (old["Blink"].vectors, old["Ramp"].vectors) == (3, 2)
    assert old["Blink"].after == old["Blink"].before == 1.0
    assert any("Classes taught before were tried on" in text for text in more.report.warnings)


def test_what_looks_like_a_class_taught_before_is_refused(taught: Teaching) -> None:
    SHAPES["Twin"] = SHAPES["Blink"]
    with pytest.raises(ForgettingError, match=r"no example of Twin|what was taught before"):
        teach(taught.bundle, [recording(["Twin", "Twin", "Twin"], 6)])


def test_a_class_taught_before_is_missed_where_another_takes_it(taught: Teaching) -> None:
    memory, before = taught.bundle.memory, taught.bundle.taught
    assert memory is not None
    assert before is not None
    known = Known(taught.bundle.network_labels, memory, before, FPS_HZ)
    stolen = [dataclasses.replace(t, label="Thief") for t in before.templates if t.label == "Blink"]
    limits = {**before.limits, "Thief": 2.0 * before.limits["Blink"]}
    after = Taught(
        before.space, (*before.labels, "Thief"), (*before.templates, *stolen), limits, before.slope
    )
    held, taken = known.right(before), known.right(after)
    rows = {row.label: row for row in known.rows(held, taken)}
    assert (rows["Blink"].before, rows["Blink"].after) == (1.0, 0.0)
    assert rows["Ramp"].after == rows["Ramp"].before
    assert known.lost(held, held) == ""
    assert "what was taught before (Blink, Ramp) would fall from" in known.lost(held, taken)


def test_what_looks_like_an_old_class_is_refused_with_the_figures(model: Bundle) -> None:
    SHAPES["Hush"] = SHAPES["push"]
    with pytest.raises(
        ForgettingError, match=r"no example of Hush|old classes would fall"
    ) as caught:
        teach(model, [recording(["Hush", "Hush", "Hush"], 4)])
    report = caught.value.report
    forgets = report.old_after < report.old_before - 0.01
    assert forgets or report.new[0].recognised == 0


def test_a_model_without_stored_examples_is_refused(model: Bundle) -> None:
    with pytest.raises(TeachingError, match="no stored examples"):
        teach(dataclasses.replace(model, memory=None), [recording(["Blink"])])


def test_stop_makes_nothing(model: Bundle) -> None:
    with pytest.raises(TeachingStopped):
        teach(model, [recording(["Blink"])], stop=lambda: True)


def spans(*rows: tuple[float, float, str]) -> tuple[NamedSpan, ...]:
    return tuple(NamedSpan(*row, line=i + 2) for i, row in enumerate(rows))


@pytest.mark.parametrize(
    ("made", "classes", "error", "words"),
    [
        (spans((2.5, 3.1, "Push"), (2.5, 3, "x")), None, SourceError, "line 3: .* overlap"),
        (spans((2.5, 3.1, "Push")), None, UsageError, "has a class 'Push' already"),
        (spans((2.5, 3.1, "New")), ["Other"], UsageError, "no span of 'Other' in take.csv"),
        (spans((2.5, 3.1, "New"), (4, 5, "Odd")), ["New"], SourceError, "line 3: 'Odd' is neither"),
        (spans((2.5, 2.6, "New")), None, SourceError, "line 2: the span lasts 0.1 s"),
        (spans((2.5, 4.0, "New")), None, SourceError, "line 2: .* in take lasts 1.50 s, the model"),
        (spans((5.4, 6.1, "New")), None, SourceError, "line 2: the span ends at 6.1 s"),
        (
            spans((0.8, 1.6, "New"), (2.4, 3.2, "New"), (4.0, 4.8, "New")),
            None,
            SourceError,
            "s without a gesture",
        ),
        (spans((2.5, 3.1, "wave")), None, UsageError, "no new class"),
        (spans((2.5, 3.1, " ")), None, UsageError, "no name of a class"),
    ],
)
def test_mistakes_are_told(
    model: Bundle,
    made: tuple[NamedSpan, ...],
    classes: list[str] | None,
    error: type[MotionRGBDError],
    words: str,
) -> None:
    take = recording(["Blink"])
    with pytest.raises(error, match=words):
        teach(model, [LabelledRecording("take", take.open, made, "take.csv")], classes)


def test_what_is_labelled_idle_is_time_without_a_gesture(model: Bundle) -> None:
    take = recording(["Blink"], 5)
    made = (NamedSpan(0.0, 2.4, "idle"), *take.spans, NamedSpan(3.3, 5.5, "idle"))
    found = teach(model, [LabelledRecording("take", take.open, made, "take.csv")])
    assert found.bundle.taught_labels == ("Blink",)
    assert found.report.idle_s > 3.0


def test_eleven_examples_are_too_many(model: Bundle) -> None:
    with pytest.raises(UsageError, match="11 examples of 'Blink'"):
        teach(model, [recording(["Blink"] * 11)])


def test_stored_examples_survive_their_bytes_and_say_what_is_wrong(model: Bundle) -> None:
    memory = model.memory
    assert memory is not None
    again = Memory.from_bytes(memory.to_bytes())
    assert again.labels == memory.labels
    assert np.array_equal(again.vectors["color"], memory.vectors["color"])
    assert again.to_bytes() == memory.to_bytes()
    with pytest.raises(BundleError, match="stored examples cannot be read"):
        Memory.from_bytes(memory.to_bytes()[:-40])


def test_tables_of_spans_survive_their_file(tmp_path: Path) -> None:
    made = [NamedSpan(0.5, 1.25, "Thumbs Up"), NamedSpan(2.0, 3.0, 'a "b", c')]
    write_spans(tmp_path / "a.labels.csv", made)
    read = read_spans(tmp_path / "a.labels.csv")
    assert [(s.start_s, s.end_s, s.label) for s in read] == [
        (s.start_s, s.end_s, s.label) for s in made
    ]


class Halves:
    """A gesture is made in the left half of the picture; the right half, as near, is restless."""

    def __init__(self, *, cut: bool = False, camera: Intrinsics | None = CAMERA) -> None:
        self.info = SourceInfo("halves", False, FPS_HZ, True, True, camera, duration_s=5.0)
        self._cut = RegionLimits.of(LEFT, CAMERA, 64, 48) if cut else None
        self._next = 0

    def read(self) -> RGBDFrame | None:
        i, self._next = self._next, self._next + 1
        if i >= 150:
            return None
        color = np.full((48, 64, 3), 128, np.uint8)
        color[:, :32] = 30 if 75 <= i < 95 else 128
        color[:, 32:] = 60 * (i // 5 % 4)
        frame = RGBDFrame(color, np.full((48, 64), 500, np.uint16), i, i / FPS_HZ)
        return frame if self._cut is None else self._cut.cut(frame)

    def close(self) -> None: ...


def halves(region: RegionOfInterest | None = None, **options: Any) -> LabelledRecording:
    spans = (NamedSpan(2.5, 3.2, "Dark"),)
    return LabelledRecording("halves", partial(Halves, **options), spans, "halves.csv", region)


@pytest.mark.parametrize("alteration", [None, *ALTERATIONS], ids=["as it is", "copy", "other copy"])
def test_outside_its_region_a_recording_teaches_nothing(
    model: Bundle, alteration: Alteration | None
) -> None:
    assert model.memory is not None
    space, recogniser = model.memory.space, Recogniser(model, device="cpu")

    def said(recording: LabelledRecording) -> np.ndarray:
        return record(recording, recogniser, space, alteration=alteration).probabilities

    cut_before, whole, limited = said(halves(cut=True)), said(halves()), said(halves(LEFT))
    # a copy blends colours where the region ends
    np.testing.assert_allclose(limited, cut_before, atol=0 if alteration is None else 0.02)
    assert np.abs(whole - cut_before).max() > 0.1
    said(halves(camera=None))  # the region of the recording before is gone
    with pytest.raises(RegionError, match=r"halves cannot be limited .*: its lens is not known"):
        said(halves(LEFT, camera=None))


def test_command_takes_a_region(
    model: Bundle, clip_pair: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "model.mrgbd", model)
    color, depth = (Path(part) for part in clip_pair.split(","))
    take = ",".join(str(tmp_path / path.name) for path in (color, depth))
    for path in (color, depth):
        (tmp_path / path.name).symlink_to(path)
    write_spans(labels_beside(take), [NamedSpan(0.5, 1.0, "New")])
    command = ["teach", str(tmp_path / "model.mrgbd"), "--from", take, "-o", "new.mrgbd"]
    command += ["--depth-direction", "brighter"]
    for region, said in (
        ("-0.3:0.3,-0.2:0.2,0.3:0.9", "cannot be limited to a region in metres: its depth of 8"),
        ("-0.3:0.3", "--region must be none, or X0:X1,Y0:Y1,Z0:Z1"),
        ("none", "without a gesture, at least 3 s are needed"),
    ):
        assert cli.main([*command, "--region", region]) in (2, 3)
        assert said in capsys.readouterr().err


def test_command_refuses_in_one_line(
    model: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "model.mrgbd", dataclasses.replace(model, memory=None))
    take = tmp_path / "take"
    arguments = ["teach", str(tmp_path / "model.mrgbd"), "--from", str(take), "-o", "new.mrgbd"]
    assert cli.main(arguments) == 3
    assert "take.labels.csv: no such file" in capsys.readouterr().err
    write_spans(tmp_path / "take.labels.csv", [NamedSpan(1.0, 2.0, "New")])
    assert cli.main(arguments) == 12
    assert "no stored examples" in capsys.readouterr().err
