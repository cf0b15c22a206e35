"""Scores of clips: whole equals streamed, by the bin rule or by time, in ONNX Runtime and torch."""

import dataclasses
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image
from tiny_networks import FUSED, RELEASED, SIDE_PX, WINDOW

from motionrgbd.app import cli
from motionrgbd.core.depth8 import EightBitDepth
from motionrgbd.core.errors import ModalityError, SourceError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.guidance import GuidanceSettings, clip_guidance
from motionrgbd.core.preprocess import make_preparer, normalise
from motionrgbd.core.recogniser import Recogniser, softmax
from motionrgbd.core.sampling import bin_indices
from motionrgbd.core.synthetic.domain import DEMO_DOMAIN
from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.core.teaching_examples import LabelledRecording
from motionrgbd.models.bundle import Bundle, Card, load_bundle, write_bundle
from motionrgbd.models.checkpoint import Checkpoint, save_checkpoint
from motionrgbd.models.errors import CheckpointError
from motionrgbd.models.grouping import Temperatures
from motionrgbd.models.recipe import FrameView, GreyDepth, HandView, Recipe, RelativeDepth
from motionrgbd.models.released import ReleasedFusionNetwork, ReleasedUnimodalNetwork
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.training.datasets.isogd import ISOGD
from motionrgbd.training.datasets.nvgesture import NVGESTURE
from motionrgbd.training.datasets.records import ClipRecord
from motionrgbd.training.evaluation.benchmark_clips import benchmark_clip
from motionrgbd.training.evaluation.clip_inputs import Model, is_stretched, sampled_frames
from motionrgbd.training.evaluation.clips import EvaluationClip
from motionrgbd.training.evaluation.scores import BundleScorer
from motionrgbd.training.evaluation.streamed import ClipSource, StreamedScorer, score_difference
from motionrgbd.training.evaluation.synthetic_clips import recording_clips
from motionrgbd.training.evaluation.torch_scores import TorchScorer, open_checkpoint
from motionrgbd.training.export import released_bundle, streaming_network
from motionrgbd.training.rebuilt_weights import rebuild_weights, rebuilt_weights
from motionrgbd.training.teach.frames import read_frames
from motionrgbd.training.teach.judging import Judge
from motionrgbd.training.teach.windows import Window

T, SIDE, CONFIG = WINDOW, SIDE_PX, FUSED
STORED = EightBitDepth("brighter_is_nearer", 200, 8)  # as the recipe
RATED = Recipe(  # as NvGesture's: 20 frames at 30 Hz fill the window
    "tiny",
    24.0,
    T,
    (SIDE, SIDE),
    FrameView((48, 48), (8, 8, 48, 48)),
    GreyDepth("brighter_is_nearer", 200, 8),
)
STRETCHED = dataclasses.replace(RATED, name="stretched", fps_hz=T / 2.0, span_s=2.0)


@pytest.fixture(scope="module")
def fused() -> ReleasedFusionNetwork:
    network = ReleasedFusionNetwork(CONFIG).eval()
    rebuild_weights(network)
    return network


@pytest.fixture(scope="module")
def of_depth() -> ReleasedUnimodalNetwork:
    network = ReleasedUnimodalNetwork(dataclasses.replace(CONFIG, modalities=("color",))).eval()
    rebuild_weights(network)
    return network


@pytest.fixture(scope="module")
def exact(of_depth) -> Bundle:
    """Its export, made once: it takes seconds, and fits every recipe of these sizes."""
    return released_bundle(of_depth, RATED, mode="exact", modality="depth")[0]


def noise_clip(count: int, seed: int = 0, **info) -> EvaluationClip:
    """Rough in space and time: a frame more or less, or another one, shows in the scores."""
    rng = np.random.default_rng(seed)
    color = rng.integers(0, 256, (count, 50, 60, 3), np.uint8)
    depth = STORED.to_mm(rng.integers(0, 256, (count, 50, 60), np.uint8))
    facts = SourceInfo("noise", False, 30.0, True, True, frame_count=count, eight_bit=STORED)

    def frames(_modalities):
        for i in range(count):
            yield RGBDFrame(color[i], depth[i], i, i / 30.0)

    return EvaluationClip(f"noise {seed}", 0, dataclasses.replace(facts, **info), frames)


def model_of(recipe: Recipe, modalities=("depth",), kind: str = "released-exact") -> Model:
    labels, stretched = ("1", "2", "3"), is_stretched(recipe, kind)
    return Model("tiny.pth", kind, "", labels, recipe, modalities, Card(), "CPU", stretched)


def scorer_of(network, recipe: Recipe) -> TorchScorer:
    modalities = ("color", "depth") if isinstance(network, ReleasedFusionNetwork) else ("depth",)
    return TorchScorer(network, model_of(recipe, modalities), torch.device("cpu"), None)


def engine_of(exact: Bundle, recipe: Recipe) -> StreamedScorer:
    bundle = dataclasses.replace(exact, recipe=recipe)
    return StreamedScorer(bundle, model_of(recipe), "cpu", "fp32")


def as_released(network, clip: EvaluationClip, recipe: Recipe) -> np.ndarray:
    """The released evaluation, written out: bins, Pillow, normalise, guidance, the network."""
    frames = list(clip.frames(("color", "depth")))
    chosen = [frames[i] for i in bin_indices(len(frames), recipe.window)]
    pictures = [[STORED.to_u8(f.depth) for f in chosen]]
    if isinstance(network, ReleasedFusionNetwork):
        pictures.insert(0, [f.color for f in chosen])
    clips, maps = [], []
    for images in pictures:
        small = [
            np.asarray(
                Image.fromarray(image)
                .resize(recipe.view.resize_px, Image.Resampling.BICUBIC)
                .crop(recipe.view.crop_px)
            )
            for image in images
        ]
        values = np.stack([normalise(image) for image in small], axis=1)  # (C, T, h, w)
        values = np.broadcast_to(values, (3, *values.shape[1:])).copy()
        clips.append(torch.from_numpy(values)[None])
        guidance = clip_guidance(np.stack(small), GuidanceSettings(recipe.guidance_window))
        maps.append(torch.from_numpy(guidance)[None, None])
    with torch.no_grad():
        return network(*clips, *maps).scores[0].numpy()


@pytest.mark.parametrize(("recipe", "count"), [(RATED, 20), (STRETCHED, 9), (STRETCHED, 37)])
def test_a_released_network_scores_as_released_and_streams_the_same(
    of_depth, fused, exact, recipe, count
):
    clip = noise_clip(count)
    for network in (fused, of_depth):
        logits = scorer_of(network, recipe).score(clip)
        np.testing.assert_allclose(logits, as_released(network, clip, recipe), rtol=1e-5, atol=1e-6)
    streamed = engine_of(exact, recipe).probabilities(clip)
    assert score_difference(streamed, logits) < 1e-4
    other = scorer_of(of_depth, recipe).score(noise_clip(count, seed=1))
    assert score_difference(streamed, other) > 1e-2


def test_the_bin_rule_stretches_a_clip_that_streams_at_its_rate(of_depth, exact):
    """Only clips that fill the grid as the official 80 frames do score the same both ways."""
    clip = noise_clip(33)
    logits = scorer_of(of_depth, RATED).score(clip)
    np.testing.assert_allclose(logits, as_released(of_depth, clip, RATED), rtol=1e-5, atol=1e-6)
    assert score_difference(engine_of(exact, RATED).probabilities(clip), logits) > 1e-3


@pytest.fixture(scope="module")
def gestures() -> list[EvaluationClip]:
    chosen = ("Swipe Right", "Grab", "Rotation CW", "Swipe Up", "Shake", "Expand")
    return list(recording_clips(1_700_003, DEMO_DOMAIN, 15.0, chosen))


@pytest.fixture(scope="module")
def bundled(root: Path) -> BundleScorer:
    path = root / "app" / "default.mrgbd"
    return BundleScorer(load_bundle(path), path, "cpu", "fp32")


def test_the_bundled_model_knows_gestures_it_has_not_seen(bundled, gestures):
    best = [bundled.model.labels[int(bundled.score(clip).argmax())] for clip in gestures]
    truth = [GESTURES[clip.label] for clip in gestures]
    assert sum(a == b for a, b in zip(best, truth, strict=True)) >= 4  # chance: 0.4 of 6


def test_a_bundle_streams_to_the_scores_of_whole_clips(bundled, gestures):
    engine = StreamedScorer(bundled.bundle(), bundled.model, "cpu", "fp32")
    for clip in gestures[:3]:
        assert score_difference(engine.probabilities(clip), bundled.score(clip)) <= 1e-5


def test_clips_leave_no_trace_in_each_other(bundled, gestures):
    first = bundled.score(gestures[0])
    bundled.score(gestures[1])
    np.testing.assert_array_equal(bundled.score(gestures[0]), first)


def test_a_gap_starts_anew_both_ways(bundled, gestures):
    """What lies before a silence of more than a second is no part of the window."""
    clip = gestures[0]
    frames = list(clip.frames(("color", "depth")))
    moved = [dataclasses.replace(f, timestamp_s=f.timestamp_s + 60) for f in frames]
    info = dataclasses.replace(clip.info, frame_count=2 * len(frames))
    double = dataclasses.replace(
        clip, info=info, frames=lambda _m: iter(gesture_frames(gestures[1], len(frames)) + moved)
    )
    np.testing.assert_array_equal(bundled.score(double), bundled.score(clip))
    engine = StreamedScorer(bundled.bundle(), bundled.model, "cpu", "fp32")
    assert score_difference(engine.probabilities(double), bundled.score(clip)) <= 1e-5


def gesture_frames(clip: EvaluationClip, count: int) -> list[RGBDFrame]:
    """So many frames of a clip, early in time; its last one stays where there are too few."""
    frames = list(clip.frames(("color", "depth")))
    frames += [frames[-1]] * (count - len(frames))
    return [dataclasses.replace(f, timestamp_s=i / 15) for i, f in enumerate(frames[:count])]


def test_time_decides_which_frames_of_a_rated_clip_enter():
    """60 Hz in a 24 Hz grid: two of five; a stall is filled with the frame before it."""
    model = model_of(RATED, ("color", "depth"), "streaming")
    clip = noise_clip(10, fps_hz=60.0)
    frames = [
        dataclasses.replace(f, timestamp_s=i / 60.0)
        for i, f in enumerate(clip.frames(("color", "depth")))
    ]
    fast = dataclasses.replace(clip, frames=lambda _m: iter(frames))
    assert [f.index for f in sampled_frames(fast, model, ("color", "depth"))] == [0, 2, 5, 7]
    late = [
        dataclasses.replace(f, timestamp_s=f.timestamp_s + 0.25 * (f.index > 4)) for f in frames
    ]
    stalled = dataclasses.replace(clip, frames=lambda _m: iter(late))
    indices = [f.index for f in sampled_frames(stalled, model, ("color", "depth"))]
    assert indices == [0, 2, 4, 4, 4, 4, 4, 4, 5, 7]


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    recipe = Recipe(
        "hand",
        15.0,
        8,
        (24, 24),
        HandView(),
        RelativeDepth(),
        guidance_floor=4.0,
        motion=True,
        padding="repeat_first",
    )
    config = dataclasses.replace(
        RELEASED,
        classes=2,
        window=8,
        branches=(2, 4, 6),
        blocks=1,
        image_size=24,
        modalities=("color", "depth"),
        depth_channels=1,
        temporal_pool="causal",
        energies=9,
    )
    shapes = {n: tuple(x.shape) for n, x in StreamingNetwork(config).state_dict().items()}
    state = {name: x.numpy() for name, x in rebuilt_weights(shapes).items()}
    hot = Temperatures(fused=1.5, color=3.0, depth=0.5)
    labels = ("idle", "Grab")
    return Checkpoint(state, config, recipe, labels, fallback=True, temperatures=hot)


@pytest.fixture(scope="module")
def opened(checkpoint, tmp_path_factory) -> TorchScorer:
    path = tmp_path_factory.mktemp("checkpoint") / "model.safetensors"
    save_checkpoint(path, checkpoint)
    return open_checkpoint(path, "cpu")


@pytest.fixture(scope="module")
def exported(opened) -> Bundle:
    return opened.bundle()


@pytest.mark.parametrize("lacks", ["nothing", "color", "depth"])
def test_a_checkpoint_of_ours_streams_to_the_scores_of_whole_clips(
    opened, exported, gestures, lacks
):
    """With both modalities, and with either alone where it was trained to do without the other."""
    engine = StreamedScorer(exported, opened.model, "cpu", "fp32")
    runner = BundleScorer(exported, Path("model.mrgbd"), "cpu", "fp32")
    scores = []
    for clip in gestures[:2]:
        clip = without(clip, lacks)
        logits = opened.score(clip)
        assert score_difference(softmax(runner.score(clip)), logits) < 1e-4
        assert score_difference(engine.probabilities(clip), logits) < 1e-4
        scores.append(logits)
    assert score_difference(softmax(scores[1]), scores[0]) > 1e-3


@pytest.mark.parametrize("lacks", ["nothing", "color", "depth"])
def test_recordings_are_judged_in_torch_as_they_are_recognised_live(
    checkpoint, exported, gestures, lacks
):
    """What `teach --fine-tune` reads, and the figures that it gives."""
    clip = without(gestures[0], lacks)
    take = LabelledRecording(
        "take", lambda: ClipSource(clip.info, clip.frames(("color", "depth"))), (), ""
    )
    network = streaming_network(checkpoint)
    frames = read_frames(checkpoint, network, take)
    judge = Judge(checkpoint, None)
    windows = [Window(frames, i) for i in range(len(frames.times_s))]
    recogniser = Recogniser(exported, device="cpu")
    source = take.open()
    recogniser.open(source.info)
    steps = [step for frame in iter(source.read, None) for step in recogniser.push(frame)]
    assert len(steps) == len(windows) > 8
    live = np.stack([step.prediction.probabilities for step in steps])
    assert judge.probabilities(network, windows) == pytest.approx(live, abs=1e-4)
    events = [e for step in steps for e in step.events]
    judged = judge.events(network, frames)
    assert [e.label for e in judged] == [e.label for e in events]
    first_s = steps[0].timestamp_s
    assert [e.decided_s for e in judged] == pytest.approx([e.decided_s - first_s for e in events])


def without(clip: EvaluationClip, modality: str) -> EvaluationClip:
    if modality == "nothing":
        return clip
    info = dataclasses.replace(clip.info, **{f"has_{modality}": False})

    def frames(modalities):
        for frame in clip.frames(modalities):
            yield dataclasses.replace(frame, **{modality: None})

    return dataclasses.replace(clip, info=info, frames=frames)


def test_scores_are_divided_by_the_temperature_of_what_was_seen(opened, gestures):
    plain = TorchScorer(
        opened._network,
        dataclasses.replace(opened.model, temperatures=Temperatures()),
        torch.device("cpu"),
        None,
    )
    for lacks, temperature in (("nothing", 1.5), ("depth", 3.0), ("color", 0.5)):
        clip = without(gestures[0], lacks)
        np.testing.assert_allclose(opened.score(clip) * temperature, plain.score(clip), rtol=1e-5)


def test_a_checkpoint_that_does_not_fit_itself_is_named(checkpoint, tmp_path):
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, dataclasses.replace(checkpoint, labels=("a", "b", "c")))
    with pytest.raises(CheckpointError, match=r"model\.safetensors: 3 labels for 2 classes"):
        open_checkpoint(path, "cpu")
    wider = dataclasses.replace(checkpoint.config, feature=48)
    save_checkpoint(path, dataclasses.replace(checkpoint, config=wider))
    with pytest.raises(CheckpointError, match=r"model\.safetensors: the weights do not fit"):
        open_checkpoint(path, "cpu")
    ahead = dataclasses.replace(checkpoint.config, temporal_pool="centred")
    save_checkpoint(path, dataclasses.replace(checkpoint, config=ahead))
    with pytest.raises(CheckpointError, match="cannot look ahead"):
        open_checkpoint(path, "cpu")


def test_a_clip_with_its_own_preparer_is_prepared_by_it_both_ways(bundled, gestures):
    """Annotated boxes stand in for the hand finder, in the engine too."""

    class Upside:
        """The application's preparer on frames turned upside down."""

        def __init__(self, recipe):
            self._inner = make_preparer(recipe, gestures[0].info.intrinsics)

        def reset(self):
            self._inner.reset()

        def prepare(self, frame):
            color = np.ascontiguousarray(frame.color[::-1])
            depth = np.ascontiguousarray(frame.depth[::-1])
            return self._inner.prepare(dataclasses.replace(frame, color=color, depth=depth))

    turned = dataclasses.replace(gestures[0], preparer=Upside)
    engine = StreamedScorer(bundled.bundle(), bundled.model, "cpu", "fp32")
    scores = bundled.score(turned)
    assert score_difference(engine.probabilities(turned), scores) <= 1e-5
    plain = engine.probabilities(gestures[0])  # the next clip is the application's again
    assert score_difference(plain, bundled.score(gestures[0])) <= 1e-5
    assert score_difference(plain, scores) > 1e-2


def test_what_a_clip_lacks_is_named(bundled, exact, tiny_model):
    needs_both = BundleScorer(load_bundle(tiny_model), tiny_model, "cpu", "fp32")
    with pytest.raises(ModalityError, match=r"tiny\.mrgbd needs colour, which clip 'noise 0'"):
        needs_both.score(noise_clip(20, has_color=False))
    needs_both.close()
    short = noise_clip(20, frame_count=25)
    with pytest.raises(SourceError, match="should have 25 frames, but 20 were found"):
        bundled.score(short)
    engine = StreamedScorer(bundled.bundle(), bundled.model, "cpu", "fp32")
    with pytest.raises(SourceError, match="should have 25 frames, but 20 were found"):
        engine.probabilities(short)
    with pytest.raises(SourceError, match="do not fill the model's window of 16 frames"):
        engine_of(exact, RATED).probabilities(noise_clip(12))


def test_differences_are_of_scores_not_of_probabilities():
    logits = np.array([40.0, 10.0, -20.0], np.float32)
    assert score_difference(softmax(logits), logits) < 1e-6
    moved = logits + np.array([0, 0.3, 0], np.float32)  # 1e-13 of probability
    assert score_difference(softmax(moved), logits) > 1e-3
    assert score_difference(softmax(logits), logits + np.float32(100)) < 1e-6
    assert score_difference(np.array([0, 1, 0], np.float32), logits) == np.inf


def test_nvgesture_pictures_come_as_they_are_stored(shared_data):
    """Through millimetres and back: the network sees the JPEG's own codes."""
    folders = [shared_data / "nvgesture" / m / "subject11_r0" for m in ("rgb", "depth")]
    clip = benchmark_clip(NVGESTURE, ClipRecord("subject11_r0", 80, 4, *folders))
    assert clip.info.eight_bit.direction == "brighter_is_nearer"
    frames = list(clip.frames(("color", "depth")))
    assert [f.index for f in frames] == list(range(80))
    stored = np.asarray(Image.open(folders[1] / "000017.jpg").convert("RGB"))
    np.testing.assert_array_equal(clip.info.eight_bit.to_u8(frames[17].depth), stored[..., 0])
    np.testing.assert_array_equal(
        frames[17].color, np.asarray(Image.open(folders[0] / "000017.jpg").convert("RGB"))
    )
    (only,) = {f.color is None for f in clip.frames(("depth",))}
    assert only


def test_isogd_clips_are_stretched_to_the_window(shared_data, of_depth, exact, tmp_path):
    folders = {}
    for modality, file in (("color", "M_00002.avi"), ("depth", "K_00002.mp4")):
        folders[modality] = tmp_path / modality
        folders[modality].mkdir()
        with av.open(shared_data / "isogd" / "train" / "001" / file) as container:
            for i, frame in enumerate(container.decode(video=0)):
                frame.to_image().save(folders[modality] / f"{i:06d}.jpg")
    count = len(list(folders["color"].iterdir()))
    record = ClipRecord("train/001/M_00002", count, 17, folders["color"], folders["depth"])
    clip = benchmark_clip(ISOGD, record)
    recipe = dataclasses.replace(STRETCHED, depth=GreyDepth("darker_is_nearer", 500, 10))
    scorer = scorer_of(of_depth, recipe)
    sampled = [f.index for f in sampled_frames(clip, scorer.model, ("depth",))]
    assert sampled == bin_indices(count, T).tolist()
    streamed = engine_of(exact, recipe).probabilities(clip)
    assert score_difference(streamed, scorer.score(clip)) < 1e-4
    (folders["depth"] / "000003.jpg").unlink()
    with pytest.raises(SourceError, match=r"000003\.jpg cannot be read"):
        scorer.score(clip)


def test_pictures_of_two_sizes_are_scored_whole_but_not_streamed(fused, tmp_path):
    """NTU's colour is cropped around the person: the two modalities are prepared apart."""
    rng = np.random.default_rng(0)
    for modality, size in (("color", (50, 60)), ("depth", (70, 90))):
        (tmp_path / modality).mkdir()
        for i in range(20):
            picture = rng.integers(0, 256, (*size, 3), np.uint8)
            Image.fromarray(picture).save(tmp_path / modality / f"{i:06d}.jpg")
    record = ClipRecord("one", 20, 0, tmp_path / "color", tmp_path / "depth")
    clip = benchmark_clip(NVGESTURE, record)
    assert np.isfinite(scorer_of(fused, RATED).score(clip)).all()
    with pytest.raises(SourceError, match="leave --streamed out"):
        list(clip.frames(("color", "depth")))


def test_streamed_scores_that_differ_are_told_and_end_in_their_own_code(exact, tmp_path, capsys):
    """33 frames at 30 Hz: stretched as released they are another window than at their rate."""
    folder = tmp_path / "takes" / "one" / "depth"
    folder.mkdir(parents=True)
    (folder.parent / "color").mkdir()
    for i, frame in enumerate(noise_clip(33).frames(("color", "depth"))):
        Image.fromarray(frame.depth).save(folder / f"{i:06d}.png")
        Image.fromarray(frame.color).save(folder.parent / "color" / f"{i:06d}.png")
    (tmp_path / "takes" / "one.labels.csv").write_text("start_s,end_s,label\n0,1.1,2\n")
    write_bundle(tmp_path / "exact.mrgbd", exact)
    command = ["evaluate", str(tmp_path / "exact.mrgbd"), "--set", "recordings", "--streamed"]
    command += ["--root", str(tmp_path / "takes"), "--out", str(tmp_path), "--device", "cpu"]
    assert cli.main(command) == 11
    captured = capsys.readouterr()
    assert "streamed   1 differ" in captured.out
    assert "the first one, 0 to 1.1 s" in captured.err
    assert "Streamed scores are not those of whole clips" in (tmp_path / "report.html").read_text()
