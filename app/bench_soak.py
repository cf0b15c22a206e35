"""`motionrgbd bench soak`: the engine for a long time: does memory grow, is an event lost?"""

from __future__ import annotations

import dataclasses
import json
import math
import queue
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motionrgbd.app.bench import machine, table
from motionrgbd.app.demo import match_events
from motionrgbd.app.memory import Growth, growth, resident_mb
from motionrgbd.app.soak_source import DrawnCamera, Performance
from motionrgbd.core.engine import Engine
from motionrgbd.core.errors import OutputError, UsageError
from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.recogniser import Recogniser, Step
from motionrgbd.core.results import GestureEvent, Health
from motionrgbd.models.bundle import Bundle, load_bundle

FAILED_EXIT_CODE = 1
_SEED = 1_950_000  # of performers that nothing else sees
_POLL_S = 1 / 30  # as a view repaints
_NEAR_S = 0.5  # where frames were dropped, an event may be decided so much earlier or later


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """How long, and what counts as growth.

    sample_s: between two looks at the memory; warm_up_s: before the first one. most_mb: so much
    more memory at the end than at the beginning fails.
    """

    minutes: float = 30.0
    fps_hz: float = 30.0
    sample_s: float = 10.0
    warm_up_s: float = 60.0
    most_mb: float = 10.0

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} of a soak must be more than 0, got {value:g}")
        if 60.0 * self.minutes < self.warm_up_s + 4 * self.sample_s:
            raise UsageError(
                f"{self.minutes:g} minutes hold no four samples of memory after "
                f"{self.warm_up_s:g} s of warm-up: soak for longer"
            )


@dataclass(frozen=True, slots=True)
class EventCheck:
    """Delivered events against those of the same frames recognised one by one, none dropped.

    lost, extra: of the lossless run only, of the soak only.
    """

    delivered: tuple[GestureEvent, ...]
    lossless: tuple[GestureEvent, ...]
    lost: tuple[GestureEvent, ...]
    extra: tuple[GestureEvent, ...]


@dataclass(slots=True)
class _Seen:
    """What the main thread gathers while the engine runs."""

    times_s: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    events: list[GestureEvent] = field(default_factory=list)
    snapshots: int = 0


@dataclass(frozen=True, slots=True)
class _Soaked:
    seen: _Seen
    health: Health
    script: tuple[ScriptedGesture, ...]
    late: int


def bench_soak(
    model: Path, plan: SoakPlan | None = None, output: Path | None = None, device: str = "auto"
) -> int:
    """Run the engine in real time, then the same frames losslessly; print and write the report.

    Frames are drawn in another process. No window is open: snapshots are polled as one would.
    Returns 0, or 1 where memory grew beyond the plan's bound or an event was lost.
    """
    plan = plan or SoakPlan()
    resident_mb()  # tell at once where it cannot be measured
    bundle = load_bundle(model)
    performance = Performance(_SEED, 60.0 * plan.minutes, plan.fps_hz)
    soaked = _soak(bundle, performance, plan, device)
    lossless = _lossless_events(bundle, performance, device)
    exact = not (soaked.health.dropped or soaked.health.skipped)
    check = compare_events(soaked.seen.events, lossless, 1e-9 if exact else _NEAR_S)
    if len(soaked.seen.times_s) < 3:
        raise UsageError("the machine was too busy to look at the memory: soak for longer")
    memory = growth(soaked.seen.times_s, soaked.seen.memory_mb)
    failures = _failures(plan, memory, check)
    report = _report(bundle, plan, soaked, memory, check, failures)
    print(_text(report))
    if output is not None:
        _write(output, report)
    return FAILED_EXIT_CODE if failures else 0


def _soak(bundle: Bundle, performance: Performance, plan: SoakPlan, device: str) -> _Soaked:
    camera = DrawnCamera(performance, paced=True)
    try:
        engine = Engine(camera, Recogniser(bundle, device=device))
    except BaseException:
        camera.close()
        raise
    news: queue.SimpleQueue[GestureEvent] = queue.SimpleQueue()

    def observe(step: Step) -> None:
        for event in step.events:
            news.put(event)

    engine.add_observer(observe)
    seen = _Seen()
    try:
        engine.start()
        _watch(engine, news, plan, seen)
        return _Soaked(seen, engine.health(), camera.script, camera.late)
    finally:
        engine.stop()


def _watch(
    engine: Engine, news: queue.SimpleQueue[GestureEvent], plan: SoakPlan, seen: _Seen
) -> None:
    """Do what a window does until the performance ends, and look at the memory now and then."""
    begun_s = time.monotonic()
    sample_s, last = plan.warm_up_s, None
    ended = False
    while not ended:
        ended = engine.wait(_POLL_S)
        snapshot = engine.snapshot()
        seen.snapshots += snapshot is not last
        last = snapshot
        while not news.empty():
            seen.events.append(news.get())
        at_s = time.monotonic() - begun_s
        if at_s >= sample_s:
            sample_s += plan.sample_s
            seen.times_s.append(at_s)
            seen.memory_mb.append(resident_mb())


def _lossless_events(bundle: Bundle, performance: Performance, device: str) -> list[GestureEvent]:
    """Recognise every frame of the performance, one after the other, as fast as it goes."""
    camera = DrawnCamera(performance, paced=False)
    events: list[GestureEvent] = []
    try:
        recogniser = Recogniser(bundle, device=device)
        recogniser.open(camera.info)
        while (frame := camera.read()) is not None:
            for step in recogniser.push(frame):
                events += step.events
        recogniser.close()
    finally:
        camera.close()
    return events


def compare_events(
    delivered: Sequence[GestureEvent], lossless: Sequence[GestureEvent], within_s: float
) -> EventCheck:
    """Pair events of one label that were decided within so much time, each once, in order."""
    left = list(delivered)
    lost = []
    for event in lossless:
        same = (
            other
            for other in left
            if other.label == event.label and abs(other.decided_s - event.decided_s) <= within_s
        )
        match = next(same, None)
        if match is None:
            lost.append(event)
        else:
            left.remove(match)
    return EventCheck(tuple(delivered), tuple(lossless), tuple(lost), tuple(left))


def _failures(plan: SoakPlan, memory: Growth, check: EventCheck) -> list[str]:
    found = []
    if memory.grown_mb > plan.most_mb:
        found.append(
            f"memory grew by {memory.grown_mb:.1f} MB, {plan.most_mb:g} MB are the most allowed"
        )
    if check.lost:
        first = check.lost[0]
        found.append(
            f"{len(check.lost)} events were lost, the first one {first.label} at "
            f"{first.decided_s:.2f} s"
        )
    return found


def _report(
    bundle: Bundle,
    plan: SoakPlan,
    soaked: _Soaked,
    memory: Growth,
    check: EventCheck,
    failures: list[str],
) -> dict[str, Any]:
    health = soaked.health
    score = match_events(soaked.seen.events, soaked.script)
    return {
        "model": {"name": bundle.recipe.name, "sha256": bundle.sha256},
        "machine": machine(),
        "provider": health.provider,
        "plan": dataclasses.asdict(plan),
        "frames": {
            "delivered": health.frames,
            "dropped": health.dropped,
            "missing": health.missing,
            "windows_skipped": health.skipped,
            "drawn_late": soaked.late,
            "snapshots_seen": soaked.seen.snapshots,
        },
        "total_ms": dataclasses.asdict(health.stages["total"]) if "total" in health.stages else {},
        "events": {
            "gestures": len(soaked.script),
            "recognised": score.matches,
            "delivered": len(check.delivered),
            "lossless": len(check.lossless),
            "lost": [dataclasses.asdict(event) for event in check.lost],
            "extra": [dataclasses.asdict(event) for event in check.extra],
        },
        "memory": {
            **dataclasses.asdict(memory),
            "grown_mb": memory.grown_mb,
            "times_s": soaked.seen.times_s,
            "resident_mb": soaked.seen.memory_mb,
        },
        "failures": failures,
    }


def _text(report: dict[str, Any]) -> str:
    plan, memory, events = report["plan"], report["memory"], report["events"]
    total = report["total_ms"]
    rows = [[name.replace("_", " "), str(count)] for name, count in report["frames"].items()]
    rows += [
        ["gestures performed", str(events["gestures"])],
        ["gestures recognised", str(events["recognised"])],
        ["events delivered", str(events["delivered"])],
        ["events without any loss", str(events["lossless"])],
        ["events lost", str(len(events["lost"]))],
        ["events that only the soak has", str(len(events["extra"]))],
        ["memory, first five minutes", f"{memory['first_mb']:.1f} MB"],
        ["memory, last five minutes", f"{memory['last_mb']:.1f} MB"],
        [
            "memory, slope (95 %)",
            f"{memory['slope_mb_per_hour']:+.2f} MB/hour "
            f"({memory['low_mb_per_hour']:+.2f} to {memory['high_mb_per_hour']:+.2f})",
        ],
    ]
    if total:
        rows.append(
            ["frame to decision p50, p95", f"{total['p50_ms']:.1f}, {total['p95_ms']:.1f} ms"]
        )
    head = (
        f"{report['model']['name']}: {plan['minutes']:g} minutes of synthetic performers at "
        f"{plan['fps_hz']:g} Hz, in real time.\n{report['machine']}, {report['provider']}\n"
    )
    verdict = "; ".join(report["failures"]) or "Memory stayed within its bound, no event was lost."
    dropped, skipped = (report["frames"][name] for name in ("dropped", "windows_skipped"))
    if dropped or skipped:
        verdict += (
            f"\n{dropped} frames were dropped and {skipped} windows skipped: this machine was too "
            f"busy for them, and events are compared within {_NEAR_S:g} s."
        )
    return "\n".join([head, table(["what", "figure"], rows), "", verdict])


def _write(path: Path, report: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}) - choose another file with --json"
        ) from error
