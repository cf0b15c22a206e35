"""Every sentence and number that the window shows, made without Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from motionrgbd.app import modalities
from motionrgbd.app.gui.engine_view import EngineState
from motionrgbd.app.modality_health import ModalityHealth
from motionrgbd.app.tapped_source import RecordingCount
from motionrgbd.core.frames import SourceInfo
from motionrgbd.core.results import Health, Percentiles, Snapshot

Tone = Literal["calm", "notice", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One line about how things stand: a word, and what it means or what to do."""

    tone: Tone
    headline: str
    detail: str = ""


def notice(
    state: EngineState,
    error: Exception | None,
    snapshot: Snapshot | None,
    source_error: str | None = None,
) -> Notice:
    """Say how things stand; the most serious thing wins.

    source_error: the trouble of a camera that has not given a frame yet.
    """
    if state == "failed":
        return Notice("error", "Failed", str(error) if error else "the engine stopped")
    trouble = source_error or (snapshot.source_error if snapshot else None)
    if trouble and state != "finished":
        return Notice("warning", "Source is silent", trouble)
    if state == "finished":
        return Notice("notice", "Finished", "the recording has ended")
    if state == "paused":
        return Notice("notice", "Paused", "")
    if snapshot is None:
        return Notice("calm", "Starting", "waiting for the first frame")
    if snapshot.warming_up or snapshot.prediction is None:
        return Notice("notice", "Warming up", "no decision is taken yet")
    use = snapshot.use
    if use is not None and use.reason:
        return Notice("notice", modalities.words(use.used).capitalize(), use.reason)
    return Notice("calm", "Running", "")


def source_badges(info: SourceInfo) -> tuple[str, ...]:
    """Return what a viewer must know about the source, a few words each."""
    badges = []
    if info.synthetic:
        badges.append("synthetic recording")
    if not info.has_depth:
        badges.append("colour only")
    if not info.has_color:
        badges.append("depth only")
    return tuple(badges)


def missing_picture(name: Literal["colour", "depth"], info: SourceInfo | None) -> str:
    """Say why a picture is empty."""
    if info is None:
        return f"waiting for {name}"
    there = info.has_color if name == "colour" else info.has_depth
    return f"no {name} in this frame" if there else f"this source has no {name}"


def clock(seconds: float, tenths: bool = True) -> str:
    """Return minutes and seconds, `1:02.4`, with hours where there are any."""
    sign = "-" if seconds <= -0.05 else ""
    total = round(abs(seconds) * 10) if tenths else int(abs(seconds)) * 10
    whole, tenth = divmod(total, 10)
    minutes, s = divmod(whole, 60)
    hours, m = divmod(minutes, 60)
    text = f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"
    return f"{sign}{text}.{tenth}" if tenths else sign + text


def milliseconds(value: float) -> str:
    """Return three figures at most: `0.42`, `4.2`, `42`, `4200`."""
    if value < 0.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def rates(health: Health) -> tuple[tuple[str, str, str, str], ...]:
    """Return rows of two captions with their values."""
    return (
        ("Capture", f"{health.capture_hz:.1f} Hz", "Dropped", f"{health.dropped:,}"),
        ("Engine", f"{health.engine_hz:.1f} Hz", "Missing", f"{health.missing:,}"),
        ("Frames", f"{health.frames:,}", "Skipped", f"{health.skipped:,}"),
    )


def stages(health: Health) -> tuple[tuple[str, str, str, str], ...]:
    """Return rows of a stage and its three percentiles; the whole comes last."""

    def row(name: str, p: Percentiles) -> tuple[str, str, str, str]:
        p50, p95, p99 = (milliseconds(v) for v in (p.p50_ms, p.p95_ms, p.p99_ms))
        return name.replace("_", " ").capitalize(), p50, p95, p99

    parts = [row(name, p) for name, p in health.stages.items() if name != "total"]
    if "total" in health.stages:
        parts.append(row("total", health.stages["total"]))
    return tuple(parts)


def summary(health: Health) -> str:
    """Return the line for the status row."""
    parts = [f"capture {health.capture_hz:.0f} Hz", f"engine {health.engine_hz:.0f} Hz"]
    if "total" in health.stages:
        total = health.stages["total"]
        p50, p95 = milliseconds(total.p50_ms), milliseconds(total.p95_ms)
        parts.append(f"latency {p50} ms (95 %: {p95} ms)")
    lost = health.dropped + health.missing
    parts.append(f"{lost:,} frames lost" if lost else "no frame lost")
    return "   ·   ".join(parts)


Row = tuple[str, str, bool]
_MOST_HOLES, _MOST_HAND_HOLES = 0.5, 0.3  # shares of depth from which recognition suffers
_DIM, _GLARING, _MOST_CLIPPED = 0.12, 0.9, 0.5
_MOST_SKEW_MS = 17.0  # half a frame at 30 Hz: a fast hand is 3 cm off


def sensor_rows(health: ModalityHealth) -> tuple[Row, ...]:
    """Return captions with their values, and whether each is worth a look."""

    def share(value: float | None) -> str:
        return "–" if value is None else f"{100 * value:.1f} %"

    def above(value: float | None, limit: float) -> bool:
        return value is not None and value > limit

    bright = health.brightness
    skew = "not told" if health.skew_ms is None else f"{health.skew_ms:+.1f} ms"
    return (
        ("Depth without reading", share(health.holes), above(health.holes, _MOST_HOLES)),
        (
            "The same at the hand",
            share(health.hand_holes),
            above(health.hand_holes, _MOST_HAND_HOLES),
        ),
        (
            "Brightness of colour",
            share(bright),
            bright is not None and not _DIM <= bright <= _GLARING,
        ),
        ("Colour too dark", share(health.dark), above(health.dark, _MOST_CLIPPED)),
        ("Colour too bright", share(health.bright), above(health.bright, _MOST_CLIPPED)),
        ("Colour after depth", skew, above(abs(health.skew_ms or 0.0), _MOST_SKEW_MS)),
    )


def recorded(count: RecordingCount) -> str:
    """Return how much was recorded: `recording 0:12.3, 370 frames`."""
    return f"recording {clock(count.seconds)}, {count.frames:,} frames"


def recording_lost(count: RecordingCount) -> str:
    """Return how many frames are not in a recording, and whose fault it is."""
    if not count.gone:
        return "no frame lost"
    whose = [
        f"{number:,} {by}"
        for number, by in ((count.missing, "by the camera"), (count.lost, "by the disk"))
        if number
    ]
    return f"{count.gone:,} frames lost ({', '.join(whose)})"


def metres(range_mm: tuple[int, int]) -> str:
    """Return a range of depth: `0.45 to 2.10 m`."""
    return f"{range_mm[0] / 1000:.2f} to {range_mm[1] / 1000:.2f} m"


def speed(factor: float) -> str:
    """Return the name of a replay speed."""
    return "max" if factor == 0 else f"{factor:g}×"
