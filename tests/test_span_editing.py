"""Marking spans: edges on frames, nothing overlaps, everything can be undone, refusals say why."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionrgbd.app.span_editing import FrameTimes, SpanEditor, completions, label_counts
from motionrgbd.core.errors import UsageError
from motionrgbd.core.labels import NamedSpan, read_spans, write_spans

FPS = 30.0


def stamps(count: int, origin_s: float = 0.0) -> list[float]:
    """Times as sums of a clock give them: not exact thirtieths."""
    return [(origin_s + i / FPS) - origin_s for i in range(count)]


@pytest.fixture
def editor() -> SpanEditor:
    """A recording of 10 s, read to its end."""
    return SpanEditor(FrameTimes(FPS, 10.0, stamps(300, 1234.567)))


# ---- frames ----


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 10), st.integers(0, 300))
def test_an_edge_takes_in_exactly_the_frames_from_it_on(time_s: float, read: int) -> None:
    times = FrameTimes(FPS, 10.0, stamps(read))
    edge_s = times.edge(time_s)
    assert abs(edge_s - time_s) <= 0.5 / FPS + 2e-3
    assert edge_s == times.edge(edge_s)
    frames = [*stamps(read), *(i / FPS for i in range(read, 300))]
    nearest = min((*frames, 10.0), key=lambda t: abs(t - edge_s))
    inside = [t for t in frames if t >= edge_s]
    if nearest < 10.0:
        assert inside[0] == pytest.approx(nearest)


def test_frame_steps_follow_the_recorded_times_where_frames_are_missing() -> None:
    times = FrameTimes(FPS, 1.0, [0.0, 0.033, 0.1, 0.133])
    assert times.beside(0.033, 1) == 0.1
    assert times.beside(0.1, -1) == 0.033
    assert times.beside(0.0, -1) == 0.0
    assert times.after(0.033) == 0.1
    assert times.frame(0.09) == 0.033
    times.finish()
    assert times.after(0.133) == times.end_s == pytest.approx(0.166, abs=1e-6)


def test_before_a_recording_is_read_its_nominal_rate_counts() -> None:
    times = FrameTimes(10.0, 2.0)
    assert times.edge(0.52) == 0.5
    assert times.beside(0.5, 1) == pytest.approx(0.6)
    assert times.beside(1.9, 1) == pytest.approx(1.9)
    assert times.after(1.9) == 2.0
    times.add(0.0)
    times.add(0.25)
    times.add(0.2)  # a clock that stepped back
    assert times.edge(0.24) == 0.25
    assert times.edge(0.36) == 0.35


# ---- editing ----


def test_spans_are_kept_in_order_with_their_edges_on_frames(editor: SpanEditor) -> None:
    editor.add(4.01, 5.0, "wave")
    first = editor.add(1.0, 2.02, "  thumbs   up ")
    assert first == NamedSpan(1.0, pytest.approx(2.0333, abs=2e-3), "thumbs up")
    assert [s.label for s in editor.spans] == ["thumbs up", "wave"]
    assert editor.at(4.5) == editor.spans[1]
    assert editor.at(3.0) is None
    assert editor.room(editor.spans[1]) == (editor.spans[0].end_s, 10.0)


@pytest.mark.parametrize(
    ("start_s", "end_s", "label", "reason"),
    [
        (3.0, 3.0, "wave", "ends before or as it starts"),
        (3.0, 2.5, "wave", "ends before or as it starts"),
        (3.0, 3.01, "wave", "ends before or as it starts"),
        (1.5, 2.5, "wave", r"overlaps ‘push’ \(1\.00 to 2\.00 s\)"),
        (0.5, 2.5, "wave", "overlaps ‘push’"),
        (3.0, 4.0, "  ", "type which gesture it is"),
        (3.0, 4.0, "x" * 61, "60 letters at most"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    editor: SpanEditor, start_s: float, end_s: float, label: str, reason: str
) -> None:
    editor.add(1.0, 2.0, "push")
    before = editor.spans
    with pytest.raises(UsageError, match=reason):
        editor.add(start_s, end_s, label)
    assert editor.spans == before


def test_spans_may_touch(editor: SpanEditor) -> None:
    push = editor.add(1.0, 2.0, "push")
    editor.add(push.end_s, 3.0, "push")
    assert len(editor.spans) == 2


def test_edges_move_but_not_over_a_neighbour(editor: SpanEditor) -> None:
    push = editor.add(1.0, 2.0, "push")
    wave = editor.add(3.0, 4.0, "wave")
    wave = editor.move(wave, start_s=2.5)
    assert wave.start_s == 2.5
    with pytest.raises(UsageError, match=r"1\.50 to 4\.00 s overlaps ‘push’"):
        editor.move(wave, start_s=1.5)
    assert editor.spans == (push, wave)
    assert editor.move(push, start_s=0.0, end_s=2.5).end_s == 2.5


def test_undo_and_redo_walk_through_every_change(editor: SpanEditor) -> None:
    states = [editor.spans]
    push = editor.add(1.0, 2.0, "push")
    states.append(editor.spans)
    push = editor.move(push, end_s=2.5)
    states.append(editor.spans)
    push = editor.rename(push, "pull")
    states.append(editor.spans)
    editor.move(push, end_s=2.5)  # changes nothing: no step
    editor.delete(push)
    states.append(editor.spans)
    for state in reversed(states[:-1]):
        assert editor.undo()
        assert editor.spans == state
    assert not editor.undo()
    for state in states[1:]:
        assert editor.redo()
        assert editor.spans == state
    assert not editor.redo()
    editor.undo()
    editor.add(6.0, 7.0, "wave")
    assert not editor.redo()


def test_it_is_known_whether_there_is_something_to_save(editor: SpanEditor) -> None:
    assert not editor.changed
    editor.add(1.0, 2.0, "push")
    assert editor.changed
    editor.saved()
    assert not editor.changed
    editor.undo()
    assert editor.changed


def test_spans_of_a_table_are_taken_as_they_are_and_checked() -> None:
    times = FrameTimes(FPS, 10.0)
    loaded = SpanEditor(times, [NamedSpan(2.017, 2.5, "b"), NamedSpan(1.0, 2.0, "a")])
    assert loaded.spans == (NamedSpan(1.0, 2.0, "a"), NamedSpan(2.017, 2.5, "b"))
    assert not loaded.can_undo
    with pytest.raises(UsageError, match=r"which lasts 10\.00 s"):
        SpanEditor(times, [NamedSpan(9.0, 11.0, "a")])


def test_a_recording_of_unknown_length_is_marked_all_the_same() -> None:
    times = FrameTimes(FPS, float("inf"), stamps(30))
    editor = SpanEditor(times)
    assert editor.add(0.5, 20.0, "push").end_s == 20.0
    times.finish()
    assert times.end_s == 1.0
    with pytest.raises(UsageError, match=r"which lasts 1\.00 s"):
        editor.move(editor.spans[0], start_s=0.6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 298), st.integers(1, 299), st.floats(0, 1e6))
def test_a_table_keeps_the_frames_of_a_span(first: int, count: int, origin_s: float) -> None:
    """What is inside after writing and reading is what was inside before."""
    times_s = stamps(300, origin_s)
    editor = SpanEditor(FrameTimes(FPS, 10.0, times_s))
    last = min(first + count, 299)
    editor.add(times_s[first], times_s[last], "push")
    file = Path("push.labels.csv")
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.chdir(folder)
        write_spans(file, editor.spans)
        (span,) = read_spans(file)
    inside = [i for i, t in enumerate(times_s) if span.start_s <= t < span.end_s]
    assert inside == list(range(first, last))


# ---- labels ----


def test_labels_are_counted_and_completed() -> None:
    spans = [NamedSpan(0, 1, "wave"), NamedSpan(1, 2, "Push"), NamedSpan(2, 3, "wave")]
    assert list(label_counts(spans).items()) == [("Push", 1), ("wave", 2)]
    labels = ["push", "two-hand push", "wave"]
    assert completions("PU", labels) == ["push", "two-hand push"]
    assert completions("", labels) == labels
    assert completions("x", labels) == []
