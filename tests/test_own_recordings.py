"""Own recordings: spans with their frames, and every mistake in the table by its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionrgbd.core.errors import SourceError
from motionrgbd.core.sources.options import SourceOptions
from motionrgbd.core.sources.video import VideoSource
from motionrgbd.training.datasets.own import check_classes, read_clips, read_labels

CLASSES = ("Wave", "Point")
HEADER = "start_s,end_s,label\n"
DARKER = SourceOptions(depth_direction="darker")


def table(folder: Path, rows: str, header: str = HEADER) -> Path:
    file = folder / "labels.csv"
    file.write_text(header + rows)
    return file


def test_spans_of_a_recording_with_their_frames(clip_pair: str, tmp_path: Path) -> None:
    """Two seconds at 30 Hz, as a colour and a depth video."""
    labels = table(tmp_path, "1.5,2.0,Wave\n0.1,0.5,Point\n0.5,0.6,Wave\n")
    clips = list(read_clips(clip_pair, labels, CLASSES, options=DARKER))
    assert [(clip.span.start_s, clip.span.label, clip.span.line) for clip in clips] == [
        (0.1, 1, 3),
        (0.5, 0, 4),
        (1.5, 0, 2),
    ]
    assert [[f.index for f in clip.frames] for clip in clips] == [
        list(range(3, 15)),
        list(range(15, 18)),
        list(range(45, 60)),
    ]
    color, depth = clip_pair.split(",")
    source = VideoSource(Path(color), Path(depth), DARKER)
    frames = [source.read() for _ in range(60)]
    source.close()
    first = frames[45]
    assert first is not None
    assert clips[2].frames[0].color is not None
    assert first.color is not None
    assert (clips[2].frames[0].color == first.color).all()
    assert clips[2].frames[0].depth is not None
    assert np.array_equal(clips[2].frames[0].depth, first.depth)


def test_any_source_of_the_application(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "nvgesture" / "rgb" / "subject11_r0"
    labels = table(tmp_path, "0,1,Wave\n1,2.6666666,Point\n")
    clips = list(
        read_clips(folder, labels, CLASSES, options=SourceOptions(depth_direction="brighter"))
    )
    assert [len(clip.frames) for clip in clips] == [30, 50]
    bag = shared_data / "realsense" / "fpha_sr300_24f.bag"
    (clip,) = read_clips(bag, table(tmp_path, "0,0.3,Wave\n"), CLASSES)
    assert 5 < len(clip.frames) < 12
    assert clip.frames[0].depth is not None


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("0.1,0.5,Wave\n0.4,0.9,Wave\n", r"line 3: the span from 0\.4 s begins before .* line 2"),
        ("0.5,0.1,Wave\n", "line 2: the span ends at 0.1 s, before or as it starts"),
        ("0.5,0.5,Wave\n", "line 2: the span ends at 0.5 s, before or as it starts"),
        ("-1,0.5,Wave\n", "line 2: the span starts at -1 s, before the recording"),
        ("0,0.5,Jump\n", "line 2: there is no class 'Jump'; one of Wave, Point"),
        ("0,0.5\n", "line 2: there is no class ''"),
        ("0,soon,Wave\n", "line 2: end_s is 'soon'"),
        ("nan,1,Wave\n", "line 2: start_s is 'nan'"),
        ("0,1,Wave\n1,2.5,Point\n", "line 3: the span ends at 2.5 s, the recording at 2 s"),
        ("0.101,0.11,Wave\n", "line 2: the recording has no frame from 0.101 to 0.11 s"),
    ],
)
def test_mistakes_are_told_by_line(clip_pair: str, tmp_path: Path, rows: str, words: str) -> None:
    labels = table(tmp_path, rows)
    with pytest.raises(SourceError, match=rf"labels\.csv, {words}"):
        list(read_clips(clip_pair, labels, CLASSES, options=DARKER))


def test_tables_without_their_columns_or_files(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"line 1: no column end_s"):
        read_labels(table(tmp_path, "0,Wave\n", "start_s,label\n"), CLASSES)
    with pytest.raises(SourceError, match=r"nowhere\.csv cannot be read"):
        read_labels(tmp_path / "nowhere.csv", CLASSES)
    with pytest.raises(SourceError, match="no such file"):
        list(read_clips(tmp_path / "nowhere.bag", table(tmp_path, "0,1,Wave\n"), CLASSES))


def test_an_empty_class_is_refused_where_every_class_is_asked_for(tmp_path: Path) -> None:
    one = table(tmp_path, "0,1,Wave\n")
    assert len(read_labels(one, CLASSES)) == 1
    with pytest.raises(SourceError, match=r"labels\.csv: no span of Point"):
        read_labels(one, CLASSES, every_class=True)
    spans = read_labels(one, CLASSES)
    with pytest.raises(SourceError, match="no span of Point"):
        check_classes([one, one], [spans, spans], CLASSES)
    other = tmp_path / "other.csv"
    other.write_text("\ufeff" + HEADER + " 3 , 4 , Point \n", encoding="utf-8")  # as Excel writes
    check_classes([one, other], [spans, read_labels(other, CLASSES)], CLASSES)
