"""The doctor's findings: each with its remedy, and only what is required decides the exit code."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from motionrgbd.app import doctor
from motionrgbd.app.doctor import Finding
from motionrgbd.core.errors import LibraryError


def findings_of(check: Any) -> list[Finding]:
    return list(doctor._guarded(check))


def test_every_required_library_is_found() -> None:
    findings = findings_of(doctor.check_libraries)
    assert [finding.name for finding in findings] == list(doctor.REQUIRED)
    assert {finding.status for finding in findings} == {"ok"}


def test_a_library_that_does_not_load_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(name: str) -> object:
        if name == "av":
            raise ImportError("libav.so is damaged")
        return builtins

    monkeypatch.setattr(doctor.importlib, "import_module", refuse)
    (broken,) = [f for f in findings_of(doctor.check_libraries) if f.status == "FAIL"]
    assert (broken.name, broken.text) == ("av", "libav.so is damaged")
    assert broken.remedy == "pip install --force-reinstall av"


@pytest.mark.parametrize(
    ("file", "status"),
    [
        (None, "note"),
        ("99-realsense-libusb.rules", "ok"),
        ("60-others.rules", "note"),
    ],
)
def test_udev_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str | None, status: str
) -> None:
    if file is not None:
        (tmp_path / file).write_text("# rules\n")
    monkeypatch.setattr(doctor, "UDEV_FOLDERS", (tmp_path / "absent", tmp_path))
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    (finding,) = findings_of(doctor.check_udev_rules)
    assert finding.status == status
    assert bool(finding.remedy) == (status == "note")


def test_no_display_is_a_note_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    (finding,) = findings_of(doctor.check_window)
    assert finding.status == "note"
    assert "--headless" in finding.remedy


def test_a_missing_model_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "DEFAULT_MODEL", tmp_path / "absent.mrgbd")
    (finding,) = findings_of(doctor.check_bundle)
    assert finding.status == "FAIL"
    assert "absent.mrgbd" in finding.text


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("note", 0), ("FAIL", 1)])
def test_only_failures_decide_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: doctor.Status,
    code: int,
) -> None:
    def check_it() -> Iterator[Finding]:
        yield Finding(status, "it", "was looked at", "do something")

    monkeypatch.setattr(doctor, "checks", lambda *_: (check_it,))
    assert doctor.run_doctor() == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [status, "it", "was", "looked", "at"]
    assert lines[1].strip() == "-> do something"


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def check_ours() -> Iterator[Finding]:
        raise LibraryError("ONNX Runtime is absent:\n install it")
        yield

    def check_unknown() -> Iterator[Finding]:
        raise ZeroDivisionError("division by zero")
        yield

    monkeypatch.setattr(doctor, "checks", lambda *_: (check_ours, check_unknown))
    assert doctor.run_doctor() == 1
    text = capsys.readouterr().out
    assert "ONNX Runtime is absent: install it" in text
    assert "ZeroDivisionError: division by zero" in text
