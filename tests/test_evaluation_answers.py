"""Which of a model's classes answer for which class of a set."""

import numpy as np
import pytest

from motionrgbd.core.errors import UsageError
from motionrgbd.training.evaluation.answers import match_answers

P = np.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]], np.float32)


def test_names_are_matched_whatever_the_order_and_idle_stays_an_answer():
    answers = match_answers(("idle", "Tap", "grab", "Shake"), ("Grab", "Tap"))
    assert answers.names == ("Grab", "Tap", "idle", "Shake")
    assert answers.classes == 2
    assert "idle is a possible answer" in answers.note
    assert "1 classes that the set lacks" in answers.note
    np.testing.assert_allclose(answers.of(P)[0], [0.3, 0.2, 0.1, 0.4], rtol=1e-6)


def test_without_idle_its_probability_is_shared_out():
    answers = match_answers(("idle", "a", "b", "c"), ("a", "b", "c"), without_idle=True)
    assert answers.names == ("a", "b", "c")
    np.testing.assert_allclose(answers.of(P)[1], [1 / 3] * 3, rtol=1e-6)
    only_idle = np.array([[1.0, 0.0, 0.0, 0.0]])
    assert answers.of(only_idle).tolist() == [[0.0, 0.0, 0.0]]


def test_idle_as_a_class_of_the_set_is_a_class_like_others():
    answers = match_answers(("idle", "a"), ("a", "idle"))
    assert answers.names == ("a", "idle")
    assert answers.note == ""
    with pytest.raises(UsageError, match="idle is a class of the set"):
        match_answers(("idle", "a"), ("a", "idle"), without_idle=True)


def test_numbers_are_matched_by_order():
    answers = match_answers(("1", "2", "idle"), ("Hand Left", "Hand Right"))
    assert answers.members == ((0,), (1,), (2,))
    assert "by their order" in answers.note
    by_action = match_answers(("A001", "A002"), ("drink", "eat"))
    assert by_action.members == ((0,), (1,))


def test_neighbours_are_summed_where_a_model_is_finer_than_the_set():
    labels = ("idle", "Tap, finger", "Tap, hand", "Grab, finger", "Grab, hand")
    answers = match_answers(labels, ("Tap", "Grab"), merge=2)
    assert answers.names == ("Tap", "Grab", "idle")
    fine = np.array([[0.1, 0.3, 0.2, 0.35, 0.05]])
    np.testing.assert_allclose(answers.of(fine), [[0.5, 0.4, 0.1]])


@pytest.mark.parametrize(
    ("labels", "classes", "options", "words"),
    [
        (("a", "b"), ("a", "c"), {}, "does not know 'c'"),
        (("1", "2", "3"), ("a", "b"), {}, "3 classes and the set 2"),
        (("1", "2"), ("a", "b", "c"), {}, "2 classes and the set 3"),
        (("a", "b", "c"), ("a", "b"), {"merge": 2}, "must be 2 of the model's"),
        (("b 1", "b 2", "a 1", "a 2"), ("a", "b"), {"merge": 2}, "in the set's order"),
        (("a", "b"), ("a", "b"), {"without_idle": True}, "no class of the model"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(labels, classes, options, words):
    with pytest.raises(UsageError, match=words):
        match_answers(labels, classes, **options)
