"""One gesture, one event."""

import numpy as np
import pytest

from motionrgbd.core.decision import DecisionLayer, DecisionParameters
from motionrgbd.core.results import Prediction
from motionrgbd.models.errors import BundleError

LABELS = ("idle", "wave", "grab")


def play(classes, parameters=None, hz=15.0, labels=LABELS, allowed_from=0):
    layer = DecisionLayer(labels, parameters or DecisionParameters())
    events = []
    for i, c in enumerate(classes):
        p = np.full(len(labels), 0.05, np.float32)
        p[c] = 1 - 0.05 * (len(labels) - 1)
        events += layer.update(Prediction(p, {}, i, i / hz), allowed=i >= allowed_from)
    return events


def test_one_event_per_gesture_with_its_times():
    events = play([0] * 10 + [1] * 12 + [0] * 10)
    assert [e.label for e in events] == ["wave"]
    event = events[0]
    assert 10 / 15 <= event.start_s <= event.decided_s <= 16 / 15
    assert event.score > 0.6


def test_the_same_gesture_twice_gives_two_events():
    assert [e.label for e in play([0] * 5 + [1] * 9 + [0] * 6 + [1] * 9 + [0] * 5)] == ["wave"] * 2


def test_two_gestures_without_a_pause_give_two_events():
    assert [e.label for e in play([0] * 5 + [1] * 10 + [2] * 10)] == ["wave", "grab"]


def test_a_blip_and_rest_give_nothing():
    assert play([0] * 10 + [1] + [0] * 10) == []
    assert play([0] * 50) == []


def test_nothing_is_decided_while_warming_up():
    assert play([1] * 10 + [0] * 10, allowed_from=15) == []


def test_every_class_is_a_gesture_where_none_is_idle():
    assert [e.label for e in play([0] * 8, labels=("a", "b", "c"))] == ["a"]


@pytest.mark.parametrize(
    "bad", [{"on": 0.2, "off": 0.5}, {"on": float("nan")}, {"hold_s": -1}, {"speed": 1}]
)
def test_impossible_parameters_are_refused(bad):
    with pytest.raises(BundleError):
        DecisionParameters.from_json(bad)
