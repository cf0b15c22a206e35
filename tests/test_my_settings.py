"""What is remembered comes back; what is broken is told and ignored."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionrgbd.app.my_settings import (
    MOST_RECENT,
    WindowMemory,
    config_folder,
    read_memory,
    save_table,
    toml_text,
    write_memory,
)
from motionrgbd.app.settings import read_settings_file
from motionrgbd.core.errors import OutputError


def test_files_lie_where_each_system_wants_them() -> None:
    assert config_folder({"XDG_CONFIG_HOME": "/a"}, "linux") == Path("/a/motionrgbd-live")
    home = Path.home()
    assert config_folder({}, "linux") == home / ".config" / "motionrgbd-live"
    assert config_folder({"XDG_CONFIG_HOME": "b"}, "linux") == home / ".config" / "motionrgbd-live"
    assert config_folder({"APPDATA": "/c"}, "win32") == Path("/c/motionrgbd-live")
    assert config_folder({}, "darwin").parent == home / "Library" / "Application Support"


def test_a_table_takes_the_old_one_s_place_and_the_rest_stays(tmp_path: Path) -> None:
    file = tmp_path / "new" / "settings.toml"
    save_table(file, "decision", {"on": 0.7, "classes": {"Swipe Up": {"on": 0.5}}})
    assert read_settings_file(file)["decision"] == {
        "on": 0.7,
        "classes": {"Swipe Up": {"on": 0.5}},
    }
    file.write_text(
        '# mine\ndevice = "cpu"  # no GPU here\n\n[decision]\non = 0.9\n'
        "[decision.classes.Tap]\non = 0.8\n"
    )
    save_table(file, "decision", {"hold_s": 0.2})
    text = file.read_text()
    assert text == '# mine\ndevice = "cpu"  # no GPU here\n\n[decision]\nhold_s = 0.2\n'
    save_table(file, "decision", {})
    assert tomllib.loads(file.read_text()) == {"device": "cpu"}


def test_a_table_that_is_spelled_otherwise_is_replaced_too(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('decision.on = 0.9\nprecision = "int8"\n')
    save_table(file, "decision", {"on": 0.7})
    assert tomllib.loads(file.read_text()) == {"precision": "int8", "decision": {"on": 0.7}}


def test_a_broken_settings_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("device = \n")
    with pytest.raises(OutputError, match="is not changed"):
        save_table(file, "decision", {"on": 0.7})
    assert file.read_text() == "device = \n"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        save_table(tmp_path / "file" / "settings.toml", "decision", {"on": 0.7})


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
leaves = st.one_of(
    st.booleans(), st.integers(-(2**60), 2**60), st.floats(0, 1), texts, st.lists(texts, max_size=3)
)
tables = st.recursive(
    st.dictionaries(texts, leaves, max_size=4),
    lambda inner: st.dictionaries(texts, st.one_of(leaves, inner), max_size=4),
    max_leaves=8,
)


@given(tables)
def test_whatever_is_written_is_read_again(values: dict[str, object]) -> None:
    assert tomllib.loads(toml_text(values)) == values


def test_the_window_is_left_as_it_is_found(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "window.toml"
    assert read_memory(file) == (WindowMemory(), "")
    memory = WindowMemory(1100, 700, "depth", 0.4, 0.2, False, "color", True).opened(
        'a "b".bag', "m.mrgbd", "cpu", "int8"
    )
    write_memory(file, memory)
    assert read_memory(file) == (memory, "")


@pytest.mark.parametrize(
    "line",
    [
        "width_px = ",
        'width_px = "wide"',
        "width_px = 3",
        "opacity = 2",
        "outline = 1",
        'heat = "hot"',
        "recordings = [1]",
        "colour = 3",
        "\x00",
    ],
)
def test_a_broken_memory_is_told_and_ignored(tmp_path: Path, line: str) -> None:
    file = tmp_path / "window.toml"
    file.write_text(line)
    memory, warning = read_memory(file)
    assert memory == WindowMemory()
    assert "window.toml is ignored" in warning


def test_a_memory_that_is_no_text_is_told_and_ignored(tmp_path: Path) -> None:
    file = tmp_path / "window.toml"
    file.write_bytes(b"\xff\xfe")
    assert "is ignored" in read_memory(file)[1]
    assert "is ignored" in read_memory(tmp_path)[1]  # a folder


def test_what_was_opened_lately_is_listed_once_and_cameras_are_no_recordings() -> None:
    memory = WindowMemory()
    for n in range(MOST_RECENT + 3):
        memory = memory.opened(f"{n}.bag", "", "auto", "fp32")
    memory = memory.opened("5.bag", "m.mrgbd", "auto", "fp32")
    memory = memory.opened("realsense:1", "", "auto", "fp32")
    assert memory.source == "realsense:1"
    assert memory.recordings[0] == "5.bag"
    assert len(memory.recordings) == len(set(memory.recordings)) == MOST_RECENT
    assert memory.models == ("m.mrgbd",)
