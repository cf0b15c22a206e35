"""What a user meets when something is wrong: one line, a code of its own, results kept, no hang."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from motionrgbd.app import live, outputs
from motionrgbd.core.errors import CameraError, OutputError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.recogniser import Recogniser, Step
from motionrgbd.core.sources import sdk

Run = Callable[..., subprocess.CompletedProcess[str]]
COMMAND = [sys.executable, "-m", "motionrgbd.app.live", "--headless"]


@pytest.fixture
def run(tiny_model: Path, tmp_path: Path) -> Run:
    """Run the command as its users do: a process of its own."""

    def run_it(*arguments: str, model: Path = tiny_model) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, "--model", str(model), *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run_it


def assert_one_line(
    result: subprocess.CompletedProcess[str], code: int, *words: str, kept: bool = False
) -> None:
    lines = result.stderr.splitlines()
    assert result.returncode == code, result.stderr
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("motionrgbd-live: error: ")
    assert all(word in lines[0] for word in words), lines[0]
    assert bool(result.stdout) == kept, result.stdout


def write_video(path: Path, frames: int, level: int = 100) -> None:
    with av.open(path, "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gray"
        for _ in range(frames):
            picture = np.full((48, 64), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "gray")))
        container.mux(stream.encode(None))


def test_a_missing_file(run: Run) -> None:
    assert_one_line(run("--replay", "absent.bag"), 3, "absent.bag")


def test_an_empty_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_one_line(run("--replay", "empty"), 3, "empty")


def test_a_folder_without_pictures(run: Run, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "notes.txt").write_text("mine")
    assert_one_line(run("--replay", "texts"), 3, "texts")


@pytest.mark.parametrize("name", ["clips/7/000001.jpg", "clips/K_1.avi", "clips/a.bag"])
def test_a_folder_of_recordings_names_one(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(b"")
    assert_one_line(run("--replay", "clips"), 3, "name one", name.removesuffix("/000001.jpg"))


@pytest.mark.parametrize("name", ["a.bag", "a.db3", "a.mp4", "a.txt"])
@pytest.mark.parametrize("content", [b"", b"this is a text\n" * 100])
def test_a_file_that_is_not_what_its_name_says(
    run: Run, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    result = run("--replay", name, "--depth-direction", "brighter")
    assert_one_line(result, 3, name)


@pytest.mark.parametrize("kept_bytes", [1000, 300_000])
def test_a_truncated_bag(run: Run, tmp_path: Path, shared_data: Path, kept_bytes: int) -> None:
    whole = (shared_data / "realsense" / "cgd_devel59_22_60f.bag").read_bytes()
    (tmp_path / "cut.bag").write_bytes(whole[:kept_bytes])
    result = run("--replay", "cut.bag")
    assert_one_line(result, 3, "cut.bag", kept=bool(result.stdout))


def test_videos_of_different_lengths(run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "long_color.mkv", 30)
    write_video(tmp_path / "short_depth.mkv", 20)
    pair = "long_color.mkv,short_depth.mkv"
    assert_one_line(run("--replay", pair, "--depth-direction", "darker"), 3, "20", "30")


def test_depth_without_a_direction_is_never_guessed(run: Run, clip_pair: str) -> None:
    result = run("--replay", clip_pair)
    assert_one_line(result, result.returncode, "--depth-direction")
    assert result.returncode in (2, 3)


def test_a_model_that_is_none(run: Run, clip_pair: str, tmp_path: Path) -> None:
    text = tmp_path / "text.mrgbd"
    text.write_text("not a model")
    archive = tmp_path / "archive.mrgbd"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("notes.txt", "mine")
    for path in (text, archive, tmp_path / "absent.mrgbd", tmp_path):
        assert_one_line(run("--replay", clip_pair, model=path), 5, str(path))


def test_a_model_that_was_damaged(
    run: Run, clip_pair: str, tiny_model: Path, tmp_path: Path
) -> None:
    data = bytearray(tiny_model.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path = tmp_path / "damaged.mrgbd"
    path.write_bytes(data)
    assert_one_line(run("--replay", clip_pair, model=path), 5, "damaged.mrgbd")


def test_a_model_for_another_modality(run: Run, tmp_path: Path, tiny_depth_model: Path) -> None:
    write_video(tmp_path / "alone.mkv", 10)
    result = run("--replay", "alone.mkv", model=tiny_depth_model)
    assert_one_line(result, 6, "depth", "alone.mkv")


@pytest.mark.parametrize("folder", ["a-file", "a-file/below", "/proc/results"])
def test_an_output_folder_that_cannot_be(
    run: Run, clip_pair: str, tmp_path: Path, folder: str
) -> None:
    (tmp_path / "a-file").write_text("mine")
    result = run("--replay", clip_pair, "--depth-direction", "brighter", "--out", folder)
    assert_one_line(result, 7, folder, "--out")
    assert (tmp_path / "a-file").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fly"], ["--fly", "--help"]),
        (["--demo", "--camera", "webcam"], ["--camera", "--demo"]),
        (["--fast", "--realtime"], ["--realtime"]),
        (["--device", "tpu", "--demo"], ["--device", "auto", "cpu", "cuda"]),
        (["--camera", "kinect"], ["--camera", "realsense"]),
        (["--config", "absent.toml"], ["absent.toml"]),
        (["--camera", "webcam:first"], ["webcam:first"]),
    ],
)
def test_a_wrong_command_line(run: Run, arguments: list[str], words: list[str]) -> None:
    assert_one_line(run(*arguments), 2, *words)


def test_no_camera_is_told_at_once(run: Run) -> None:
    if not sdk.is_available():
        pytest.skip("pyrealsense2 does not load")
    start = time.monotonic()
    assert_one_line(run("--camera", "realsense"), 4, "RealSense", "--demo")
    assert_one_line(run("--camera", "webcam:97"), 4, "97")
    assert time.monotonic() - start < 14  # librealsense alone would wait 15 s


def test_cuda_that_is_not_there(run: Run, clip_pair: str) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("no GPU-less onnxruntime: this package can do CUDA")
    result = run("--replay", clip_pair, "--depth-direction", "brighter", "--device", "cuda")
    assert_one_line(result, 8, "CUDA")


@pytest.mark.parametrize(
    ("sent", "code", "text"),
    [
        (signal.SIGINT, 130, "motionrgbd-live: interrupted\n"),
        (signal.SIGTERM, 143, ""),
    ],
)
def test_a_stop_is_quick_and_keeps_everything(
    clip_pair: str, tiny_model: Path, tmp_path: Path, sent: signal.Signals, code: int, text: str
) -> None:
    source = ["--replay", clip_pair, "--depth-direction", "brighter", "--realtime"]
    command = [*COMMAND, *source, "--model", str(tiny_model), "--out", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        rows = tmp_path / "probabilities.csv"
        deadline = time.monotonic() + 30
        while not (rows.exists() and len(rows.read_text().splitlines()) > 10):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(sent)
        start = time.monotonic()
        out, err = process.communicate(timeout=20)
    assert time.monotonic() - start < 2  # half a second, and room for a busy machine
    assert (process.returncode, err) == (code, text)
    assert "frames counted" in out
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["state"] == "interrupted"
    assert run["steps"] == len(rows.read_text().splitlines()) - 1
    assert 10 <= run["steps"] < 60


def test_debug_shows_the_traceback(clip_pair: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [*COMMAND, "--replay", clip_pair, "--model", "absent.mrgbd"],
        cwd=tmp_path,
        env={**os.environ, "MOTIONRGBD_DEBUG": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 5
    assert "Traceback" in result.stderr


class Moody:
    """A camera that sends absurd depth, then nothing any more."""

    info = SourceInfo("moody camera", live=True, fps_hz=30.0, has_color=True, has_depth=True)
    depths = (0, 1, 65535)

    def __init__(self) -> None:
        self._sent = 0

    def read(self) -> RGBDFrame:
        if self._sent == 12:
            time.sleep(0.01)
            raise CameraError("the moody camera was unplugged: plug it in again")
        n = self._sent
        self._sent += 1
        time.sleep(0.02)
        depth = np.full((48, 64), self.depths[n % 3], np.uint16)
        color = np.full((48, 64, 3), 255 * (n % 2), np.uint8)
        return RGBDFrame(color, depth, n, n / 30, arrival_s=time.monotonic())

    def close(self) -> None:
        pass


def test_a_camera_that_is_pulled_ends_the_run_and_keeps_its_results(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tiny_model: Path,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("motionrgbd.core.sources.open.open_source", lambda spec, options: Moody())
    monkeypatch.setattr(live, "_GIVE_UP_AFTER_S", 0.3)
    source = ["--camera", "realsense", "--headless", "--model", str(tiny_model)]
    assert live.main([*source, "--out", str(tmp_path)]) == 4
    text = capsys.readouterr()
    assert text.err == (
        "motionrgbd-live: error: the moody camera was unplugged: plug it in again\n"
    )
    assert "12 frames counted" in text.out
    assert "unplugged" in text.out  # told when it happened, not only at the end
    _header, *rows = (tmp_path / "probabilities.csv").read_text().splitlines()
    lost = json.loads((tmp_path / "run.json").read_text())["health"]["dropped"]
    assert len(rows) + lost >= 10  # of twelve, on a grid that begins at the first
    for row in rows:
        numbers = [float(cell) for cell in row.split(",")[2:] if cell]
        assert np.isfinite(numbers).all()
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["state"] == "failed"
    assert "unplugged" in run["error"]


def test_a_disk_that_fills_up_ends_the_run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    clip_pair: str,
    tiny_model: Path,
    tmp_path: Path,
) -> None:
    def full(self: outputs.RunOutputs, step: Step) -> None:
        raise OutputError("results cannot be written (No space left on device)")

    monkeypatch.setattr(outputs.RunOutputs, "add", full)
    source = ["--replay", clip_pair, "--depth-direction", "brighter", "--headless"]
    code = live.main([*source, "--model", str(tiny_model), "--out", str(tmp_path)])
    assert code == 7
    assert "No space left on device" in capsys.readouterr().err
    assert json.loads((tmp_path / "run.json").read_text())["state"] == "failed"


def test_a_defect_of_ours_in_the_engine_is_reported_as_one(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    clip_pair: str,
    tiny_model: Path,
) -> None:
    def broken(self: Recogniser, frame: RGBDFrame, *, score: bool = True) -> list[Step]:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(Recogniser, "push", broken)
    source = ["--replay", clip_pair, "--depth-direction", "brighter", "--headless"]
    assert live.main([*source, "--model", str(tiny_model)]) == 70
    assert "please report it" in capsys.readouterr().err
