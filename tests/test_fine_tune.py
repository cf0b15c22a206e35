"""Fine-tuning: further outputs learn, old ones hold, mistakes are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_networks import RELEASED
from torch.nn import functional

from motionrgbd.app import cli
from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.errors import MotionRGBDError, UsageError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.labels import NamedSpan, write_spans
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.region_pixels import RegionLimits
from motionrgbd.core.teaching_examples import ALTERATIONS, Alteration, LabelledRecording
from motionrgbd.core.teaching_report import ForgettingError
from motionrgbd.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from motionrgbd.models.grouping import Grouping
from motionrgbd.models.recipe import FrameView, Recipe
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.training.export import streaming_network
from motionrgbd.training.rebuilt_weights import rebuild_weights
from motionrgbd.training.teach.fine_tune import fine_tune
from motionrgbd.training.teach.frames import Frames, read_frames
from motionrgbd.training.teach.widening import widened
from motionrgbd.training.teach.windows import Window, head_scores

pytestmark = pytest.mark.usefixtures("one_thread")

FPS_HZ, T, SIZE = 15.0, 12, 32
LABELS = ("a", "b", "idle")
RECIPE = Recipe("tiny", FPS_HZ, T, (SIZE, SIZE), FrameView((SIZE, SIZE), (0, 0, SIZE, SIZE)))


class Pictures:
    """Grey pictures with a bright bar that stands still, and moves down in a gesture.

    gap: before this picture, two seconds pass.
    """

    def __init__(self, rows: Sequence[int], seed: int, gap: int = 1000) -> None:
        self._rows, self._next, self._gap = rows, 0, gap
        self._noise = np.random.default_rng(seed)
        self.info = SourceInfo("pictures", False, FPS_HZ, True, True)

    def read(self) -> RGBDFrame | None:
        i, self._next = self._next, self._next + 1
        if i >= len(self._rows):
            return None
        color = self._noise.integers(90, 110, (SIZE, SIZE, 3)).astype(np.uint8)
        depth = np.full((SIZE, SIZE), 900, np.uint16)
        color[self._rows[i] : self._rows[i] + 6] = 250
        depth[self._rows[i] : self._rows[i] + 6] = 500
        return RGBDFrame(color, depth, i, i / FPS_HZ + 2.0 * (i >= self._gap))

    def close(self) -> None:
        pass


def recording(labels: Sequence[str], seed: int = 0) -> LabelledRecording:
    """Return gestures with rest before, between and after them."""
    rest = [2] * 36
    moves = {"New": [6, 10, 14, 18, 22, 24, 24, 24, 22, 16], "a": [2, 2, 3, 4, 5, 5, 4, 3, 2, 2]}
    rows, spans = list(rest), []
    for label in labels:
        spans.append(NamedSpan(len(rows) / FPS_HZ, (len(rows) + 10) / FPS_HZ, label))
        rows += [*moves[label], *rest]
    return LabelledRecording(f"take {seed}", partial(Pictures, rows, seed), tuple(spans), "t.csv")


@cache
def make_checkpoint(modalities: tuple[str, ...]) -> Checkpoint:
    config = replace(
        RELEASED,
        classes=len(LABELS),
        window=T,
        branches=(2, 4, 6),
        blocks=1,
        image_size=SIZE,
        depth_channels=1,
        modalities=modalities,
        temporal_pool="causal",
    )
    network = StreamingNetwork(config).eval()
    rebuild_weights(network)
    learn_old_classes(network, Checkpoint({}, config, RECIPE, LABELS))
    state = {name: x.detach().numpy() for name, x in network.state_dict().items()}
    merged = {"2": Grouping(("move", "rest"), (0, 0, 1))}
    return Checkpoint(state, config, RECIPE, LABELS, {"hold_s": 0.0}, groupings=merged)


def learn_old_classes(network: StreamingNetwork, checkpoint: Checkpoint) -> None:
    """Train what comes after the frames until "a" and rest are told apart."""
    frames = read_frames(checkpoint, network, recording(["a", "a", "a"], 77))
    ends = [Window(frames, i) for i in range(0, len(frames.times_s), 3)]
    during = [
        any(s.start_s + 0.4 < frames.times_s[w.end] < s.end_s + 0.35 for s in frames.spans)
        for w in ends
    ]
    wanted = torch.tensor([0 if gesture else 2 for gesture in during])
    trained = [x for name, x in network.named_parameters() if "dtn" in name or "classif" in name]
    optimiser = torch.optim.Adam([*trained, *_fusion(network)], lr=3e-3)
    for _ in range(60):
        scores = head_scores(network, ends)
        loss = torch.stack([functional.cross_entropy(x, wanted) for x in scores]).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def _fusion(network: StreamingNetwork) -> list[torch.nn.Parameter]:
    return [x for name, x in network.named_parameters() if "fusion_model" in name]


def test_a_wider_network_answers_for_its_old_classes_as_before() -> None:
    checkpoint = make_checkpoint(("color", "depth"))
    wide = widened(checkpoint, ("New", "Newer"))
    network = streaming_network(checkpoint)
    frames = read_frames(checkpoint, network, recording(["New"]))
    with torch.no_grad():
        windows = [Window(frames, 20), Window(frames, 30)]
        before = head_scores(network, windows)
        after = head_scores(streaming_network(wide), windows)
    assert len(before) == len(after) == 3
    for old, new in zip(before, after, strict=True):
        assert new.shape[1] == 5
        assert torch.allclose(old, new[:, :3], atol=1e-5)
    assert wide.groupings["2"].labels == ("move", "rest", "New", "Newer")
    assert wide.groupings["2"].groups == (0, 0, 1, 2, 3)


def test_windows_do_not_reach_back_over_a_gap() -> None:
    checkpoint = make_checkpoint(("depth",))
    network = streaming_network(checkpoint)
    rows = [2, 6, 10, 14, 18, 22] * 4
    broken = LabelledRecording("broken", partial(Pictures, rows, 0, gap=12), (), "")
    second = LabelledRecording("second", partial(Pictures, rows[12:], 0), (), "")
    broken_off, alone = (read_frames(checkpoint, network, r) for r in (broken, second))
    assert broken_off.begins.tolist() == [0] * 12 + [12] * 12
    assert broken_off.times_s[12] == pytest.approx(12 / FPS_HZ + 2.0)
    for i in (0, 5, 11):
        after = head_scores(network, [Window(broken_off, 12 + i)])[0]
        assert torch.allclose(after, head_scores(network, [Window(alone, i)])[0], atol=1e-5)


def test_outside_its_region_a_recording_teaches_nothing() -> None:
    checkpoint = make_checkpoint(("color", "depth"))
    network = streaming_network(checkpoint)
    camera = Intrinsics(SIZE, SIZE, 30.0, 30.0, 15.5, 15.5)
    left = RegionOfInterest((-1.0, 0.0), (-1.0, 1.0), (0.1, 2.0))
    limits = RegionLimits.of(left, camera, SIZE, SIZE)

    class Half(Pictures):
        """The bar with a lens, and only its left half where it was cut before."""

        def __init__(self, *, cut: bool) -> None:
            super().__init__([2] * 12 + [6, 10, 14, 18, 22, 24], 0)
            self.info = replace(self.info, intrinsics=camera)
            self._cut = cut

        def read(self) -> RGBDFrame | None:
            frame = super().read()
            return limits.cut(frame) if frame is not None and self._cut else frame

    def read(cut: bool, region: RegionOfInterest | None, alteration: Alteration | None) -> Frames:
        recording = LabelledRecording("half", partial(Half, cut=cut), (), "t.csv", region)
        return read_frames(checkpoint, network, recording, alteration)

    for alteration in (None, ALTERATIONS[0]):
        expected, limited, whole = (
            read(cut, region, alteration).features[1]  # of depth, which is never blended
            for cut, region in ((True, None), (False, left), (False, None))
        )
        assert torch.equal(limited, expected)
        assert not torch.allclose(whole, expected, atol=1e-3)


def test_a_new_gesture_is_learned_and_kept_in_the_file(tmp_path: Path) -> None:
    takes = [recording(["New", "a", "New", "a"], seed) for seed in (1, 2)]
    told: list[str] = []
    tuned = fine_tune(make_checkpoint(("color", "depth")), takes, tell=told.append, steps=60)
    (new,) = tuned.report.new
    assert (new.label, new.examples, new.how, new.tried) == ("New", 4, "kept apart", 1)
    assert new.recognised == 1
    assert tuned.report.old_after >= tuned.report.old_before - 0.01
    assert "1 of 1 kept apart from training" in "\n".join(tuned.report.lines())
    save_checkpoint(tmp_path / "tuned.safetensors", tuned.checkpoint)
    again = load_checkpoint(tmp_path / "tuned.safetensors")
    assert again.labels == ("a", "b", "idle", "New")
    network = streaming_network(again)
    frames = read_frames(again, network, recording(["New"], 9))
    at = int(np.searchsorted(frames.times_s, frames.spans[0].end_s)) - 1
    with torch.no_grad():
        assert int(head_scores(network, [Window(frames, at)])[-1].argmax()) == 3
        assert int(head_scores(network, [Window(frames, 20)])[-1].argmax()) != 3


def test_one_example_is_tried_on_altered_copies_and_says_so() -> None:
    take = recording(["a", "New", "a"], 3)
    tuned = fine_tune(make_checkpoint(("depth",)), [take], steps=60)
    (new,) = tuned.report.new
    assert (new.examples, new.how, new.tried) == (1, "altered copies", 2)
    assert new.recognised >= 1
    assert "copies of that very example" in tuned.report.warnings[0]


def test_a_gesture_that_was_not_learned_is_refused_with_the_figures() -> None:
    takes = [recording(["New", "a", "New", "a"], seed) for seed in (1, 2)]
    with pytest.raises(ForgettingError, match="no example of New kept apart") as caught:
        fine_tune(make_checkpoint(("depth",)), takes, steps=0)
    report = caught.value.report
    assert report.new[0].recognised == 0
    assert report.old_after == report.old_before


@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        (["a"], UsageError, "no new class"),
        (["New", "New"], UsageError, "mark some of their gestures"),
    ],
)
def test_mistakes_are_told(labels: list[str], error: type[MotionRGBDError], words: str) -> None:
    with pytest.raises(error, match=words):
        fine_tune(make_checkpoint(("depth",)), [recording(labels)], steps=1)


def test_command_refuses_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    take = tmp_path / "take"
    write_spans(tmp_path / "take.labels.csv", [NamedSpan(1.0, 2.0, "New")])
    arguments = ["teach", "no.safetensors", "--fine-tune", "--from", str(take), "-o"]
    assert cli.main([*arguments, str(tmp_path / "new.mrgbd")]) == 2
    assert "reads and writes checkpoints" in capsys.readouterr().err
    assert cli.main([*arguments, str(tmp_path / "new.safetensors")]) == 10
    assert "no.safetensors: no such file" in capsys.readouterr().err
