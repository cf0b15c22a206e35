"""`motionrgbd bench online`, from the command line to the page, and with the bundled model."""

import json
import subprocess
import sys
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from motionrgbd.app import cli
from motionrgbd.app.live import DEFAULT_MODEL
from motionrgbd.core.decision import DecisionParameters
from motionrgbd.core.depth8 import EightBitDepth
from motionrgbd.core.errors import UsageError
from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.matching import Outcome
from motionrgbd.core.synthetic.recording import SyntheticRecording
from motionrgbd.models.bundle import load_bundle
from motionrgbd.training.online.command import decided_by
from motionrgbd.training.online.report import report_html
from motionrgbd.training.online.results import About, Results, Setting
from motionrgbd.training.online.sources import SOURCES, SeededStream
from motionrgbd.training.online.streams import OnlineStream
from motionrgbd.training.online.timeline import worst_strips
from motionrgbd.training.online.tracks import ProbabilityTrack, tracks

VOID = {"meta", "br", "line", "rect", "polyline", "path", "use"}
FPS_HZ = 30
ABOUT = About("m.mrgbd", "m", "0" * 64, ("idle", "Grab", "Tap"), "fp32", "cpu", "c", "", "here")


class Page(HTMLParser):
    """What a page opens, closes and refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.links, self.ids = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href") and v]
        self.ids += [v for k, v in attrs if k == "id"]
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open[-1] != tag:
            assert self.open.pop() in VOID
        self.open.pop()


def write_recording(root: Path, name: str, levels: list[int], labels: list[str]) -> None:
    """Seconds of pictures, dark (40) or bright (200), and a table of labels ("" is none)."""
    rng = np.random.default_rng(0)
    rows = ["start_s,end_s,label"]
    rows += [f"{k},{k + 1},{label}" for k, label in enumerate(labels) if label]
    for folder in ("color", "depth"):
        (root / name / folder).mkdir(parents=True)
    for i in range(FPS_HZ * len(levels)):
        level = levels[i // FPS_HZ]
        codes = rng.integers(level, level + 20, (24, 32), np.uint8)
        depth = EightBitDepth("brighter_is_nearer").to_mm(codes)
        cv2.imwrite(str(root / name / "color" / f"{i:06d}.png"), np.dstack([codes] * 3))
        cv2.imwrite(str(root / name / "depth" / f"{i:06d}.png"), depth)
    (root / f"{name}.labels.csv").write_text("\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> Path:
    """The tiny model calls bright push: one of three gestures is made in the dark, one bright
    second is no gesture."""
    root = tmp_path_factory.mktemp("takes")
    write_recording(root, "one", [40, 200, 40, 200, 40], ["", "push", "", "", ""])
    write_recording(root, "two", [40, 200, 40, 40, 40], ["", "push", "", "push", ""])
    return root


def bench(*words) -> int:
    return cli.main(["bench", "online", *map(str, words)])


def test_own_recordings_from_the_command_line_to_the_page(recordings, tiny_model, tmp_path, capsys):
    out, cache = tmp_path / "report", tmp_path / "cache"
    words = (recordings, "--model", tiny_model, "--out", out, "--cache", cache, "--limit", 2)
    assert bench(*words, "--decision", "smoothing_s=0", "refractory_s=0.1") == 0
    printed = capsys.readouterr().out
    assert "| own recordings | 3 " in printed
    assert "per idle hour" in printed
    assert str(out / "report.html") in printed
    report = json.loads((out / "report.json").read_text())
    assert report["model"]["sha256"] == load_bundle(tiny_model).sha256
    assert report["decision"]["refractory_s"] == 0.1
    (row,) = report["groups"]
    assert (row["gestures"], row["events"]) == (3, 3)
    assert row["outcomes"] == {
        "hit": 2, "duplicate": 0, "substitution": 0, "false": 1, "order only": 0,
    }  # fmt: skip
    # of one push two events, of two pushes one: two edits in three gestures
    assert row["levenshtein"]["value"] == pytest.approx(1 / 3, abs=1e-5)
    one, two = report["streams"]
    assert [e["outcome"] for e in one["events"]] == ["hit", "false"]
    assert one["events"][0]["decided_s"] == pytest.approx(1.0, abs=0.2)
    assert (two["edits"], two["gestures"][1]) == (
        1, {"label": "push", "start_s": 3.0, "end_s": 4.0},
    )  # fmt: skip
    text = (out / "report.html").read_text()
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith(("data:", "#")) for link in page.links)
    assert "1 wrong" in text
    # what the model said is kept: a second run reads it, and says the same
    kept = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert len(kept) == 2
    assert bench(*words, "--decision", "smoothing_s=0", "refractory_s=0.1") == 0
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == kept
    assert (out / "report.html").read_text() == text


def test_the_bundled_model_on_a_performance_it_has_not_seen():
    """Through the recogniser and the decision layer; ten seconds, five gestures."""
    labels = ("Swipe Left", "Grab", "Swipe Left", "Tap", "Shake")
    begin = partial(SyntheticRecording, 1_950_001, labels=labels, fps_hz=30.0)
    info = begin().info
    stream = OnlineStream(
        "performed", "synthetic", begin, "test", info.duration_s, tuple(info.script)
    )
    bundle = load_bundle(DEFAULT_MODEL)
    (track,) = tracks([stream], Path(DEFAULT_MODEL))
    setting = Setting(DecisionParameters.from_json(bundle.decision), 0.5, 0.05)
    results = Results.of(ABOUT, setting, [SeededStream("synthetic", 0, stream)], [track])
    (row,) = results.rows
    assert row.figures.gestures == 5
    assert row.figures.recall.value >= 0.6
    assert row.figures.outcomes[Outcome.FALSE] <= 1
    (found,) = results.detections
    assert found.auc.value > 0.9
    assert 0 < found.nttd.value < 1


def made(group, seed, gestures, peaks, duration_s=20.0):
    """A stream and a track at 10 Hz: (label, at, seconds) of each peak."""
    labels = ("idle", "Grab", "Tap")
    p = np.zeros((int(10 * duration_s), 3), np.float32)
    p[:, 0] = 1
    for label, at_s, long_s in peaks:
        span = slice(round(10 * at_s), round(10 * (at_s + long_s)))
        p[span] = 0
        p[span, labels.index(label)] = 1
    stream = OnlineStream(
        f"{group} {seed}", group, open, "test", duration_s,
        tuple(ScriptedGesture(*g) for g in gestures),
    )  # fmt: skip
    track = ProbabilityTrack(labels, np.arange(len(p)) / 10, p, np.ones(len(p), bool))
    return SeededStream(group, seed, stream), track


PARAMETERS = DecisionParameters(on=0.5, off=0.3, hold_s=0.4, smoothing_s=0.0, refractory_s=0.1)


def test_groups_and_seeds_have_rows_and_idle_groups_serve_as_negatives():
    gestures = [("Grab", 2, 4), ("Tap", 10, 12)]
    both, one = [("Grab", 2.5, 1), ("Tap", 10.5, 1)], [("Grab", 2.5, 1)]
    given = [
        made("hands", 0, gestures, both),
        made("hands", 1, gestures, one),
        made("rest", 0, [], [("Tap", 5, 1)]),
    ]
    setting = Setting(PARAMETERS, 0.5, 0.2, frozenset(("hands",)))
    results = Results.of(ABOUT, setting, *zip(*given, strict=True))
    assert [(row.group, row.seed) for row in results.rows] == [
        ("hands", None), ("hands", 0), ("hands", 1), ("rest", None),
    ]  # fmt: skip
    hands, first, second, rest = (row.figures for row in results.rows)
    assert [f.recall.value for f in (hands, first, second)] == [0.75, 1.0, 0.5]
    # the second seed plays the same clips again: four gestures tell as much as two
    assert hands.recall.high - hands.recall.low > 0.6
    assert rest.false_per_hour.value == pytest.approx(180)
    pairs = [(found.gestures_of, found.idle_of) for found in results.detections]
    assert pairs == [("hands", "hands"), ("hands", "rest")]
    assert results.without_early == ()


def test_an_early_decision_has_its_price_beside_it():
    # 0.2 s of a wrong gesture are enough for an early event, and too short for another
    peaks = [("Tap", 2.1, 0.2), ("Grab", 2.5, 1.0)]
    given = [made("hands", 0, [("Grab", 2, 4)], peaks)]
    early = DecisionParameters(
        on=0.5, off=0.3, hold_s=0.4, smoothing_s=0.0, refractory_s=0.1, early_on=0.9
    )
    results = Results.of(ABOUT, Setting(early, 0.5, 0.05), *zip(*given, strict=True))
    ((_, with_early), (_, without)) = [
        (row.group, row.figures) for row in (*results.rows, *results.without_early)
    ]
    assert (with_early.precision.value, without.precision.value) == (0.5, 1.0)
    assert with_early.latency.p50.value < without.latency.p50.value
    assert "hands, without" in report_html(results)


def test_the_worst_stretches_come_first_and_a_clean_run_has_none():
    gestures = [("Grab", 2, 4), ("Tap", 40, 42), ("Grab", 50, 52)]
    wrong = made("hands", 0, gestures, [("Grab", 2.5, 1)], 60.0)
    clean = made("hands", 1, gestures[:1], [("Grab", 2.5, 1)], 60.0)
    results = Results.of(ABOUT, Setting(PARAMETERS, 0.5, 0.05), *zip(wrong, clean, strict=True))
    (strip,) = worst_strips(results.runs)
    assert (strip.stream, strip.start_s, strip.mistakes) == ("hands 0", 30.0, 2)
    assert [(bar.label, bar.hit) for bar in strip.bars] == [("Tap", False), ("Grab", False)]
    alone = Results.of(ABOUT, Setting(PARAMETERS, 0.5, 0.05), *zip(clean, strict=True))
    assert worst_strips(alone.runs) == []
    assert "Nothing went wrong" in report_html(alone)


def test_decision_parameters_of_the_command_line_take_the_place_of_the_models():
    bundle = load_bundle(DEFAULT_MODEL)
    given = decided_by(bundle, ("on=0.9", "classes.Tap.on=0.95", "early_on=0.97"))
    assert (given.on, given.of("Tap")[0], given.early_on) == (0.9, 0.95, 0.97)
    assert given.hold_s == DecisionParameters.from_json(bundle.decision).hold_s
    for wrong in ("on", "=1", "on=much", "on=7", "often=1", "classes.Wave.on=0.9", "classes.Tap=1"):
        with pytest.raises(UsageError):
            decided_by(bundle, (wrong,))


def test_labels_of_own_recordings_that_the_model_does_not_know_are_refused(
    tiny_model, tmp_path, capsys
):
    write_recording(tmp_path, "take", [40, 200, 40], ["", "shove", ""])
    assert bench(tmp_path, "--model", tiny_model) == 3
    said = capsys.readouterr().err
    assert "take.labels.csv, line 2: the model has no gesture 'shove'; one of wave, push" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 2, "at least one SOURCE"),
        (("shrec71",), 2, "idle-hands, idle-synthetic, synthetic, nvgesture"),
        (("shrec17:train", "--data", "."), 2, "no split 'train': one of test, val"),
        (("synthetic:val",), 2, "it has none"),
        (("recordings:",), 2, "recordings:PATH"),
        (("recordings:nowhere",), 3, "no such recording"),
        (("synthetic", "synthetic"), 2, "named twice"),
        (("synthetic", "--seed", "3", "3"), 2, "named twice"),
        (("synthetic", "--seed", "-1"), 2, "from 0"),
        (("synthetic", "--tolerance-s", "nan"), 2, "0 to 5 seconds"),
        (("synthetic", "--fpr", "1"), 2, "between 0 and 1"),
        (("synthetic", "--limit", "0"), 2, "1 or more"),
        (("synthetic", "--decision", "on=2"), 2, "on must be a number from 0 to 1"),
        (("synthetic", "--decision", "off=0.9"), 2, "off at or below on"),
        (("shrec17", "--data", "nowhere"), 2, "no such folder"),
        (("synthetic", "--out", "{file}"), 7, "choose another --out"),
        (("{empty}",), 3, "has no labels"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(words, code, says, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    names = {"file": tmp_path / "file", "empty": tmp_path / "empty"}
    assert bench(*(word.format(**names) for word in words)) == code
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert says in said.err


def test_the_sources_are_listed_by_name(capsys):
    assert bench("--list") == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0].partition("[")[0] for line in listed] == list(SOURCES)


def test_every_known_source_is_there_and_none_needs_torch():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from motionrgbd.training.online import command, report\n"
        "from motionrgbd.training.online.sources import SOURCES\n"
        "print(*(known.read().__name__ for known in SOURCES.values()))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.split()) == len(SOURCES)
