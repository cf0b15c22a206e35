"""`motionrgbd evaluate` from the command line to the page, on recordings made here."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from motionrgbd.app import cli
from motionrgbd.core.depth8 import EightBitDepth
from motionrgbd.core.errors import SourceError, UsageError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.models.bundle import load_bundle, write_bundle
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.released import ReleasedUnimodalNetwork
from motionrgbd.models.taught import FrameSpace, SpacePart, Taught, Template
from motionrgbd.training.datasets.nvgesture import NVGESTURE
from motionrgbd.training.evaluation.clips import (
    EvaluationClip,
    EvaluationSet,
    SetRequest,
    clip_strip,
)
from motionrgbd.training.evaluation.sets import SETS, known_set
from motionrgbd.training.evaluation.synthetic_clips import read_synthetic
from motionrgbd.training.rebuilt_weights import rebuild_weights

VOID = {"meta", "img", "br", "link", "input", "hr"}


def write_recording(root: Path, name: str, spans: list[tuple[int, str]]) -> None:
    """A folder of pictures, dark (40) and bright (200) by turns, ten frames each, and its table."""
    rng = np.random.default_rng(0)
    for folder in ("color", "depth"):
        (root / name / folder).mkdir(parents=True)
    rows = ["start_s,end_s,label"]
    for k, (level, label) in enumerate(spans):
        rows.append(f"{k / 3:.6f},{(k + 1) / 3:.6f},{label}")
        for i in range(10 * k, 10 * k + 10):
            codes = rng.integers(level, level + 20, (24, 32), np.uint8)
            depth = EightBitDepth("brighter_is_nearer").to_mm(codes)
            cv2.imwrite(str(root / name / "color" / f"{i:06d}.png"), np.dstack([codes] * 3))
            cv2.imwrite(str(root / name / "depth" / f"{i:06d}.png"), depth)
    (root / f"{name}.labels.csv").write_text("\n".join(rows) + "\n")


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Two takes; the tiny model calls dark idle and bright push, so one of five is wrong."""
    root = tmp_path / "takes"
    write_recording(root, "one", [(40, "idle"), (200, "push"), (40, "idle")])
    write_recording(root, "two", [(200, "push"), (40, "push")])
    return root


class Page(HTMLParser):
    """What a page opens, closes and refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.links, self.ids = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href") and v]
        self.ids += [v for k, v in attrs if k == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()


def test_own_recordings_become_a_table_a_page_and_json(tiny_model, recordings, tmp_path, capsys):
    out = tmp_path / "report"
    command = ["evaluate", str(tiny_model), "--set", "recordings", "--root", str(recordings)]
    assert cli.main([*command, "--out", str(out), "--streamed", "--device", "cpu"]) == 0
    printed = capsys.readouterr().out
    assert "top-1      80.00 %  (4 of 5; 95 %: 37.6–96.4)" in printed
    assert "streamed   same" in printed
    assert "push: 2 of 3, mostly taken for idle" in printed

    told = json.loads((out / "report.json").read_text())
    assert told["set"]["classes"] == ["idle", "push"]
    assert told["answers"] == ["idle", "push", "wave"]
    assert told["metrics"]["confusion"] == [[2, 0, 0], [1, 2, 0]]
    assert told["metrics"]["top1"]["right"] == 4
    assert told["metrics"]["top5"] is None
    assert told["streamed"]["largest"] <= 1e-5
    (wrong,) = [clip for clip in told["clips"] if clip["predicted"] != clip["label"]]
    assert wrong["name"] == "two, 0.333333 to 0.666667 s"
    assert wrong["rank_of_truth"] == 2 + (wrong["best"][1][0] == "wave")
    assert sum(wrong["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert str(tmp_path) not in json.dumps({k: v for k, v in told.items() if k != "command"})

    text = (out / "report.html").read_text()
    page = Page(text)
    assert not page.open
    assert [link for link in page.links if not link.startswith(("data:", "#"))] == []
    targets = {link[1:] for link in page.links if link.startswith("#")}
    targets |= set(re.findall(r"url\(#([^)]+)\)", text))
    assert targets <= set(page.ids)
    assert text.count("data:image/jpeg") == 1  # the mistake's strip
    assert "This page shows pictures of takes" in text


def test_two_runs_give_the_same_bytes_and_pictures_can_be_left_out(
    tiny_model, recordings, tmp_path
):
    command = ["evaluate", str(tiny_model), "--set", "recordings", "--root", str(recordings)]
    command += ["--device", "cpu"]
    for name in ("a", "b"):
        assert cli.main([*command, "--out", str(tmp_path / name)]) == 0
    for name in ("report.html", "report.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert cli.main([*command, "--no-pictures", "--out", str(tmp_path / "a")]) == 0
    text = (tmp_path / "a" / "report.html").read_text()
    assert "data:image/jpeg" not in text
    assert "This page shows" not in text
    assert "two, 0.333333 to 0.666667 s" in text


def test_names_of_clips_and_classes_are_no_markup(tiny_model, tmp_path):
    root = tmp_path / "takes"
    write_recording(root, "<b>&one", [(200, "push"), (40, "push")])
    command = ["evaluate", str(tiny_model), "--set", "recordings", "--root", str(root)]
    assert cli.main([*command, "--out", str(tmp_path / "out"), "--device", "cpu"]) == 0
    text = (tmp_path / "out" / "report.html").read_text()
    assert "<b>&one" not in text
    assert "&lt;b&gt;&amp;one" in text


def test_what_is_wrong_with_recordings_is_told_before_anything_is_scored(
    tiny_model, tiny_depth_model, recordings, tmp_path, capsys
):
    def run(*options: str, model: Path = tiny_model) -> tuple[int, str]:
        code = cli.main(["evaluate", str(model), "--device", "cpu", *options])
        return code, capsys.readouterr().err

    here = ("--set", "recordings", "--root", str(recordings))
    assert run("--set", "recordings")[0] == 3  # no --root
    assert run("--set", "gestures")[0] == 2
    assert run(*here, "--timing", "cut")[0] == 2
    assert run(*here, "--gestures-per-class", "2") == (
        2,
        "motionrgbd: error: --gestures-per-class is no option of the set recordings; "
        "leave it out\n",
    )
    assert run(*here, "--merge", "0")[0] == 2
    assert run(*here, model=tmp_path / "no.mrgbd")[0] == 5
    assert run(*here, model=tmp_path / "no.pth")[0] == 10
    (recordings / "blocked").write_text("")
    assert run(*here, "--out", str(recordings / "blocked" / "out"))[0] == 7
    (recordings / "two" / "depth" / "000019.png").unlink()
    code, text = run(*here)
    assert code == 3
    assert "20 colour and 19 depth pictures" in text
    (recordings / "two.labels.csv").write_text("start_s,end_s,label\n0,0.2,jump\n")
    (recordings / "one.labels.csv").unlink()
    (recordings / "two" / "color" / "000019.png").unlink()
    code, text = run(*here)
    assert (code, "does not know 'jump'" in text) == (2, True)


def test_a_set_is_checked_at_birth():
    info = SourceInfo("x", False, 30.0, True, True, frame_count=3)

    def clips(**changes):
        values = {"name": "x", "label": 0, "info": info, "frames": lambda _m: iter(())} | changes
        return (EvaluationClip(**values),)

    with pytest.raises(SourceError, match="label 2; the set has 2 classes, 0 to 1"):
        EvaluationSet("s", "test", ("a", "b"), clips(label=2))
    with pytest.raises(SourceError, match="there are no clips"):
        EvaluationSet("s", "test", ("a", "b"), ())
    with pytest.raises(SourceError, match="two clips are called 'x'"):
        EvaluationSet("s", "test", ("a", "b"), clips() * 2)
    empty = SourceInfo("x", False, 30.0, True, True, frame_count=0)
    with pytest.raises(SourceError, match="'x' has no frames"):
        EvaluationSet("s", "test", ("a",), clips(info=empty))
    assert EvaluationSet("s", "test", ("a", "b"), clips()).empty_classes == ("b",)


def test_a_limit_takes_clips_of_the_whole_list():
    info = SourceInfo("x", False, 30.0, True, True, frame_count=3)
    clips = tuple(EvaluationClip(str(i), i // 5, info, lambda _m: iter(())) for i in range(20))
    found = EvaluationSet("s", "test", ("a", "b", "c", "d"), clips)
    assert {clip.label for clip in found.limited(4).clips} == {0, 1, 2, 3}
    assert "4 of the 20 clips" in found.limited(4).notes[-1]
    assert found.limited(20) is found


def test_strips_are_small_pictures_from_first_to_last(root):
    request = SetRequest(None, "test", None, ("color",), {"gestures-per-class": "1"})
    # only the rate of the recipe is asked for
    request = SetRequest(None, "test", _Rate(), ("color",), request.options)
    found = read_synthetic(request)
    assert len(found.clips) == 14
    strip = clip_strip(found.clips[0], 5, ("color",))
    assert {picture.shape for picture in strip} == {(96, 128, 3)}
    assert np.abs(strip[0].astype(int) - strip[2]).mean() > 0.5  # it moves
    with pytest.raises(UsageError, match="splits test, training-domain"):
        read_synthetic(SetRequest(None, "val", _Rate(), ("color",)))


class _Rate:
    fps_hz = 15.0


def test_strips_of_depth_show_where_something_is():
    """Near is bright, on one scale for the whole clip; the empty border is cut off."""
    info = SourceInfo("x", False, 30.0, False, True, frame_count=3)

    def frames(_modalities):
        for i in range(3):
            depth = np.zeros((200, 300), np.uint16)
            depth[50:90, 100 + 20 * i : 140 + 20 * i] = 400 + 100 * i
            yield RGBDFrame(None, depth, i, i / 30)

    strip = clip_strip(EvaluationClip("x", 0, info, frames), 3, ("depth",))
    height, width = strip[0].shape[:2]
    assert (height, width) == (96, round((80 + 15) * 96 / (40 + 15)))
    tones = [int(picture.max()) for picture in strip]
    assert tones[0] == 255
    assert tones == sorted(tones, reverse=True)
    assert tones[2] < 60
    empty = np.zeros((20, 30), np.uint16)
    nothing = EvaluationClip(
        "x", 0, info, lambda _m: (RGBDFrame(None, empty, i, i) for i in (0, 1, 2))
    )
    assert clip_strip(nothing, 2, ("depth",))[0].max() == 0


def test_every_benchmark_has_a_split_and_knows_its_released_network():
    assert known_set("NvGesture").split == "valid"
    assert known_set("isogd").split == "test"
    assert known_set("THU-READ").benchmark == "THU-READ"
    assert known_set("ntu120").benchmark == ""
    assert SETS["ntu"].split.startswith("CS/")


def test_an_authors_file_is_scored_on_its_benchmark(shared_data, tmp_path, capsys):
    """Of full size but for its Transformer's depth; random weights, so no accuracy is expected."""
    network = ReleasedUnimodalNetwork(
        NetworkConfig(classes=25, blocks=1, recoupling_hidden=8, modalities=("color",))
    )
    rebuild_weights(network)
    file = tmp_path / "depth.pth"
    torch.save({"model": network.state_dict(), "epoch": 3}, file)
    root = tmp_path / "nvgesture"
    for modality in ("rgb", "depth"):
        lists = root / "dataset_splits" / modality
        lists.mkdir(parents=True)
        (lists / "valid.txt").write_text("subject11_r0 80 4\n")
        (root / modality).symlink_to(shared_data / "nvgesture" / modality)
    command = ["evaluate", str(file), "--set", "nvgesture", "--root", str(root), "--device", "cpu"]
    assert cli.main([*command, "--modality", "depth", "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    assert "64 frames of each clip by the released bin rule" in captured.out
    assert "classes are matched by their order" in captured.out.lower()
    assert "no clip of class 'Hand Right'" in captured.err
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["model"]["modalities"] == ["depth"]
    assert told["clips"][0]["label"] == NVGESTURE.labels[4]
    (root / "dataset_splits" / "rgb" / "valid.txt").write_text("subject11_r0 90 4\n")
    assert cli.main([*command, "--modality", "color"]) == 3
    assert "000080.jpg cannot be read" in capsys.readouterr().err


def test_a_taught_model_is_not_scored_on_cut_clips(tiny_model, recordings, tmp_path, capsys):
    part = SpacePart(np.zeros(16, np.float32), np.eye(16, 2, dtype=np.float32), 1.0)
    example = Template("Thumbs Up", {"depth": np.zeros((3, 2), np.float32)})
    space = FrameSpace({"depth": part})
    taught = Taught(space, ("Thumbs Up",), (example,), {"Thumbs Up": 0.5}, 0.1)
    model = load_bundle(tiny_model)
    labels = (*model.labels, "Thumbs Up")
    file = tmp_path / "taught.mrgbd"
    write_bundle(file, dataclasses.replace(model, labels=labels, taught=taught))
    given = ["--set", "recordings", "--root", str(recordings), "--device", "cpu"]
    assert cli.main(["evaluate", str(file), *given]) == 2
    said = capsys.readouterr().err
    assert "was taught Thumbs Up" in said
    assert "bench online" in said


def test_figures_go_into_the_card_of_the_very_model_they_were_taken_of(
    tiny_model, recordings, tmp_path, capsys
):
    bundle, report = tmp_path / "copy.mrgbd", tmp_path / "report"
    bundle.write_bytes(Path(tiny_model).read_bytes())
    given = ["--set", "recordings", "--root", str(recordings), "--depth-direction", "brighter"]
    assert cli.main(["evaluate", str(bundle), *given, "--device", "cpu", "--out", str(report)]) == 0
    assert cli.main(["model", "score", str(bundle), str(report / "report.json")]) == 0
    (figure,) = load_bundle(bundle).card.scores.values()
    assert re.fullmatch(r"80\.00 % \(4 of 5; 95 %: [\d.]+-[\d.]+\)", figure)
    capsys.readouterr()
    # the card has changed, and with it the file: its old figures are another file's
    assert cli.main(["model", "score", str(bundle), str(report / "report.json")]) == 2
    assert "another model" in capsys.readouterr().err


def test_a_card_takes_no_figures_of_a_part_and_none_twice(tiny_model, recordings, tmp_path, capsys):
    given = ["--set", "recordings", "--root", str(recordings), "--device", "cpu"]
    reports = {}
    for option in ("", "--limit", "--without-idle"):
        report = tmp_path / f"report{option}"
        words = [*given, *([option] if option else []), *(["3"] if option == "--limit" else [])]
        if option == "--without-idle":  # whose set has no idle
            for table in recordings.glob("*.labels.csv"):
                table.write_text(table.read_text().replace("idle", "wave"))
        assert cli.main(["evaluate", str(tiny_model), *words, "--out", str(report)]) == 0
        reports[option] = str(report / "report.json")
    capsys.readouterr()
    assert cli.main(["model", "score", str(tiny_model), reports[""], reports["--limit"]]) == 2
    assert "was made with --limit" in capsys.readouterr().err
    assert cli.main(["model", "score", str(tiny_model), reports[""], reports[""]]) == 2
    assert "measures what another report does" in capsys.readouterr().err
    assert not load_bundle(tiny_model).card.scores
    copy = tmp_path / "copy.mrgbd"
    copy.write_bytes(Path(tiny_model).read_bytes())
    assert cli.main(["model", "score", str(copy), reports[""], reports["--without-idle"]]) == 0
    names = " ".join(load_bundle(copy).card.scores)
    assert "idle is an answer too" in names
    assert "among the gestures alone" in names
