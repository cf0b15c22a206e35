"""Decision parameters: what cannot be is refused by name, wherever it comes from."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from changed_midway import steps_with_change

from motionrgbd.app import live
from motionrgbd.app.settings import settings_from
from motionrgbd.core.decision import DecisionParameters, bundle_parameters
from motionrgbd.core.decision_parameters import ClassParameters, DecisionError, overridden
from motionrgbd.core.engine import Engine
from motionrgbd.core.errors import UsageError
from motionrgbd.core.frames import RGBDFrame, SourceInfo
from motionrgbd.core.recogniser import Recogniser
from motionrgbd.models.bundle import load_bundle
from motionrgbd.models.errors import BundleError

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"on": 1.2}, r"on must be a number from 0 to 1, got 1\.2"),
    ({"on": float("nan")}, "on must be a number from 0 to 1, got nan"),
    ({"on": True}, "on must be a number from 0 to 1, got True"),
    ({"on": "0.5"}, "on must be a number from 0 to 1, got '0.5'"),
    ({"on": 0.2, "off": 0.5}, r"off must keep off at or below on, got off 0\.5, on 0\.2"),
    ({"hold_s": -1}, "hold_s must be a number from 0 to 60, got -1"),
    ({"smoothing_s": 61}, "smoothing_s must be a number from 0 to 60"),
    ({"early_on": float("inf")}, "early_on must be"),
    ({"early_margin": -0.1}, "early_margin must be"),
    ({"rearm_drop": 2}, "rearm_drop must be a number from 0 to 1, got 2"),
    ({"armed_s": 0}, r"armed_s must be a number from 0\.1 to 60, got 0"),
    ({"repeat_every_s": 0}, r"repeat_every_s must be a number from 0\.05 to 60"),
    ({"arm_with": 3}, "arm_with must name a label, got 3"),
    ({"repeat": "Tap"}, "repeat must be a list of labels, got 'Tap'"),
    ({"repeat": ["Tap", ""]}, "repeat must name a label, got ''"),
    ({"arm_with": "Tap", "repeat": ["Tap"]}, "repeat cannot hold 'Tap': arm_with"),
    ({"speed": 1}, "speed is unknown; known are on, off, "),
    ({"classes": 1}, "classes must be a table of labels, got 1"),
    ({"classes": {"Tap": 0.5}}, r"classes\.Tap must be a table of on, off and hold_s, got 0\.5"),
    ({"classes": {"Swipe Up": {"on": 7}}}, r'classes\."Swipe Up"\.on must be .* got 7'),
    ({"classes": {"Tap": {"speed": 7}}}, r"classes\.Tap\.speed is unknown; known are on, off, h"),
    (
        {"classes": {"Tap": {"on": 0.3}}},
        r"classes\.Tap must keep off at or below on, got off 0\.35",
    ),
]


@pytest.mark.parametrize(("values", "message"), WRONG)
def test_impossible_parameters_are_refused_by_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError, match=message):
        DecisionParameters.from_json(values)
    with pytest.raises(DecisionError, match=message):
        overridden(DecisionParameters(), values)


def test_nothing_impossible_is_ever_made() -> None:
    with pytest.raises(DecisionError, match="on must be"):
        DecisionParameters(on=-1)
    with pytest.raises(DecisionError, match="off must keep off"):
        dataclasses.replace(DecisionParameters(), off=0.9)


def test_json_is_read_as_it_was_written() -> None:
    full = DecisionParameters(
        on=0.7,
        early_on=0.8,
        early_margin=0.3,
        rearm_drop=0.25,
        arm_with="Grab",
        repeat=("Tap",),
        repeat_after_s=0.7,
        classes={"Tap": ClassParameters(on=0.9), "Pinch": ClassParameters(off=0.1, hold_s=0.0)},
    )
    written = json.loads(json.dumps(full.to_json()))
    assert DecisionParameters.from_json(written) == full
    assert written["classes"] == {"Tap": {"on": 0.9}, "Pinch": {"off": 0.1, "hold_s": 0.0}}
    assert "armed_s" not in written


def test_older_blocks_stay_as_they_were() -> None:
    older = {"on": 0.55, "off": 0.25, "hold_s": 0.34, "smoothing_s": 0.1, "refractory_s": 0.5}
    assert DecisionParameters.from_json(older).to_json() == older
    assert DecisionParameters.from_json({}) == DecisionParameters()


def test_numbers_of_arrays_and_lists_of_tables_are_taken() -> None:
    made = DecisionParameters(on=np.float32(0.5), classes={"Tap": {"hold_s": np.float64(1)}})  # type: ignore[dict-item]
    assert (made.on, made.of("Tap"), made.of("Grab")) == (0.5, (0.5, 0.35, 1.0), (0.5, 0.35, 0.13))
    assert DecisionParameters.from_json({"repeat": ["Tap", "Tap"]}).repeat == ("Tap",)


def test_overriding_changes_what_is_named_and_nothing_else() -> None:
    bundled = DecisionParameters(
        on=0.7,
        early_on=0.9,
        arm_with="Grab",
        classes={"Tap": ClassParameters(on=0.8, hold_s=0.5), "Pinch": ClassParameters(on=0.9)},
    )
    given = {"hold_s": 0.2, "classes": {"Tap": {"on": 0.6}, "Grab": {"off": 0.1}}}
    made = overridden(bundled, given)
    assert made == dataclasses.replace(
        bundled,
        hold_s=0.2,
        classes={
            "Tap": ClassParameters(on=0.6),
            "Pinch": ClassParameters(on=0.9),
            "Grab": ClassParameters(off=0.1),
        },
    )
    assert given == {"hold_s": 0.2, "classes": {"Tap": {"on": 0.6}, "Grab": {"off": 0.1}}}
    off = overridden(bundled, {"early_on": 0, "arm_with": ""})
    assert (off.early_on, off.arm_with) == (None, None)
    assert overridden(bundled, {}) == bundled
    with pytest.raises(DecisionError, match=r"off must keep off at or below on"):
        overridden(bundled, {"off": 0.75})
    with pytest.raises(DecisionError, match=r"classes\.Tap must keep off"):
        overridden(bundled, {"classes": {"Tap": {"off": 0.85}}})


def test_what_is_set_for_all_classes_holds_for_all() -> None:
    bundled = DecisionParameters(
        classes={"Tap": ClassParameters(on=0.8, hold_s=0.5)},
        alone={"depth": {"Tap": ClassParameters(on=0.9), "Grab": ClassParameters(off=0.2)}},
    )
    made = overridden(bundled, {"on": 0.5})
    assert made.of("Tap") == (0.5, bundled.off, 0.5)
    assert made.of("Tap", ("depth",)) == (0.5, bundled.off, 0.5)
    assert made.of("Grab", ("depth",))[:2] == (0.5, 0.2)
    assert overridden(bundled, {"refractory_s": 1.0}).of("Tap") == bundled.of("Tap")


# from a settings file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("on = 2", r":3: decision parameter on must be a number from 0 to 1, got 2"),
        ("hold_s = 0.1\nof = 0.1", r":4: decision parameter of is unknown; known are on, off"),
        ("on = 0.5\noff = 0.6", r":4: decision parameter off must keep off at or below on"),
        ("repeat = [\n'Tap',\n3,\n]", r":6: decision parameter repeat must name a label, got 3"),
        ("classes.Tap.on = 0.5\nclasses.Grab.on = -1", r":4: .*classes\.Grab\.on must be"),
        ("[decision.classes.'Swipe Up']\non = 0.4\nhold_s = 99", r':5: .*"Swipe Up"\.hold_s must'),
        ("[decision.classes]\nTap = {on = 0.4,off = 'x'}", r":4: .*classes\.Tap\.off must be"),
    ],
)
def test_a_wrong_line_of_a_settings_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(f"demo = true\n[decision]\n{text}\n")
    with pytest.raises(UsageError, match=rf"settings\.toml{message}"):
        settings_from({}, path)


def test_decision_must_be_a_table(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("decision = 3\n")
    with pytest.raises(UsageError, match=r":1: decision must be a table, \[decision\], got 3"):
        settings_from({}, path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[decision.classes.nod]\non = 0.7", "classes.nod names 'nod'; the model's gestures are w"),
        ("[decision]\noff = 0.9", "off must keep off at or below on, got off 0.9, on 0.6"),
    ],
)
def test_what_does_not_fit_the_model_is_refused_before_the_source_opens(
    tmp_path: Path, tiny_model: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(text)
    source = ["--replay", str(tmp_path / "absent.bag"), "--model", str(tiny_model), "--headless"]
    assert live.main([*source, "--config", str(config)]) == UsageError.exit_code
    told = capsys.readouterr().err
    assert "[decision] of the settings does not fit the model 'tiny'" in told
    assert message in told


def test_a_run_obeys_its_settings_and_says_so(
    tmp_path: Path, tiny_model: Path, clip_pair: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "settings.toml"
    replay = ["--replay", clip_pair, "--depth-direction", "brighter", "--device", "cpu"]
    common = [*replay, "--model", str(tiny_model), "--headless", "--out", str(tmp_path)]
    counts, records = [], []
    for text in ("", "[decision]\nclasses.push.on = 1\nclasses.wave.on = 1"):
        config.write_text(text)
        assert live.main([*common, "--config", str(config)]) == 0
        counts.append(len((tmp_path / "events.jsonl").read_text().splitlines()))
        records.append(json.loads((tmp_path / "run.json").read_text()))
    assert counts[0] > 0 == counts[1]
    bundled = bundle_parameters(load_bundle(tiny_model))
    assert records[0]["decision"] == bundled.to_json()
    changed = {"wave": {"on": 1.0}, "push": {"on": 1.0}}
    assert records[1]["decision"] == {**bundled.to_json(), "classes": changed}
    assert records[1]["decision_changes"] == []


# in a running engine


class Flicker:
    """A second of dark, a second of light, three times."""

    info = SourceInfo("flicker", False, 30.0, True, True)

    def __init__(self) -> None:
        self._n = 0

    def read(self) -> RGBDFrame | None:
        n, self._n = self._n, self._n + 1
        if n >= 180:
            return None
        level = 200 if n // 30 % 2 else 20
        picture = np.random.default_rng(n).integers(level, level + 40, (24, 32, 3), np.uint8)
        return RGBDFrame(picture, np.full((24, 32), 500, np.uint16), n, n / 30)

    def close(self) -> None:
        pass


def test_a_running_engine_takes_other_parameters_at_a_step_s_border(tiny_model: Path) -> None:
    bundle = load_bundle(tiny_model)
    deaf = DecisionParameters(on=1.0)
    engine = Engine(Flicker(), Recogniser(bundle, device="cpu", decision=deaf))
    assert engine.decision == deaf
    hearing = DecisionParameters(on=0.5, off=0.3, hold_s=0.0, smoothing_s=0.0)
    steps = steps_with_change(engine, 119, lambda: engine.decide_with(hearing))
    assert {step.decision for step in steps if step.index <= 119} == {deaf}
    assert {step.decision for step in steps if step.index > 119} == {hearing}
    deciding = {step.index for step in steps if step.events}
    assert deciding
    assert min(deciding) > 119


def test_an_engine_refuses_what_does_not_fit_and_goes_on_as_before(tiny_model: Path) -> None:
    engine = Engine(Flicker(), Recogniser(load_bundle(tiny_model), device="cpu"))
    before = engine.decision
    with pytest.raises(DecisionError, match="names 'nod'"):
        engine.decide_with(DecisionParameters(arm_with="nod"))
    assert engine.decision is before
    engine.stop()
    with pytest.raises(DecisionError, match="names 'nod'"):
        Recogniser(
            load_bundle(tiny_model), device="cpu", decision=DecisionParameters(arm_with="nod")
        )


def test_a_bundle_that_names_a_class_it_does_not_have_is_refused(tiny_model: Path) -> None:
    bundle = dataclasses.replace(load_bundle(tiny_model), decision={"classes": {"nod": {"on": 1}}})
    with pytest.raises(BundleError, match=r"classes\.nod names 'nod'; the model's gestures are"):
        Recogniser(bundle, device="cpu")


def test_a_modality_alone_has_thresholds_of_its_own() -> None:
    data = {
        "on": 0.6,
        "off": 0.3,
        "classes": {"Tap": {"on": 0.7}},
        "alone": {"depth": {"Tap": {"on": 0.9}, "Grab": {"hold_s": 0.5}}},
    }
    parameters = DecisionParameters.from_json(data)
    assert parameters.of("Tap")[0] == 0.7
    assert parameters.of("Tap", ("color", "depth"))[0] == 0.7
    assert parameters.of("Tap", ("color",))[0] == 0.7
    assert parameters.of("Tap", ("depth",))[0] == 0.9
    assert parameters.of("Grab", ("depth",)) == (0.6, 0.3, 0.5)
    assert DecisionParameters.from_json(parameters.to_json()) == parameters
    assert parameters.named["Grab"] == ("alone", "depth", "Grab")


def test_a_class_that_the_user_sets_holds_for_a_modality_alone_too() -> None:
    parameters = DecisionParameters.from_json(
        {"off": 0.3, "alone": {"depth": {"Tap": {"on": 0.9, "hold_s": 0.4}}}}
    )
    ours = overridden(parameters, {"classes": {"Tap": {"on": 0.5}}})
    assert ours.of("Tap", ("depth",)) == (0.5, 0.3, 0.4)
    again = overridden(ours, {"alone": {"depth": {"Tap": {"on": 0.8}}}})
    assert again.of("Tap", ("depth",)) == (0.8, 0.3, 0.4)
    assert again.of("Tap")[0] == 0.5


@pytest.mark.parametrize(
    ("alone", "problem"),
    [
        ({"infrared": {}}, "alone.infrared is unknown; it must be color or depth"),
        ({"depth": {"Tap": {"on": 2}}}, "alone.depth.Tap.on must be a number from 0 to 1"),
        ({"depth": {"Tap": {"on": 0.2}}}, "alone.depth.Tap must keep off at or below on"),
        ([], "alone must be a table"),
    ],
)
def test_what_cannot_be_of_a_modality_alone_is_refused(alone: object, problem: str) -> None:
    with pytest.raises(DecisionError, match=problem):
        DecisionParameters(on=0.6, off=0.35, alone=alone)  # type: ignore[arg-type]
