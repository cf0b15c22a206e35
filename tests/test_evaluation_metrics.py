"""Metrics against numbers worked out by hand, and what must hold for any probabilities."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionrgbd.training.evaluation.metrics import (
    Share,
    measure,
    negative_log_likelihood,
    reliability,
    top_k,
    truth_ranks,
    wilson,
)

ANSWERS = ("a", "b", "c", "idle")
# four clips of a, a, b, c; the second is taken for b, the fourth for idle
P = np.array(
    [
        [0.7, 0.1, 0.1, 0.1],
        [0.3, 0.6, 0.1, 0.0],
        [0.2, 0.8, 0.0, 0.0],
        [0.0, 0.0, 0.4, 0.6],
    ]
)
LABELS = np.array([0, 0, 1, 2])


@st.composite
def scored(draw):
    """Probabilities (n, A) and labels below C <= A."""
    n, a = draw(st.integers(1, 30)), draw(st.integers(1, 9))
    c = draw(st.integers(1, a))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    p = rng.dirichlet(np.full(a, 0.3), n)
    return p, rng.integers(0, c, n), c


def test_a_small_set_is_measured_as_by_hand():
    metrics = measure(P, LABELS, 3, ANSWERS)
    assert metrics.top1 == Share(2, 4)
    assert metrics.top5 is None  # of four answers every clip's is among the best five
    np.testing.assert_array_equal(metrics.confusion, [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    assert metrics.mean_recall == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert metrics.nll == pytest.approx(-np.log([0.7, 0.3, 0.8, 0.4]).mean())
    a, b, c = metrics.classes
    assert (a.recall, a.precision, a.most_mistaken) == (Share(1, 2), Share(1, 1), "b")
    assert (b.recall, b.precision, b.most_mistaken) == (Share(1, 1), Share(1, 2), None)
    assert (c.recall, c.precision, c.most_mistaken) == (Share(0, 1), Share(0, 0), "idle")
    assert c.precision.value is None
    # confidences 0.7 (right), 0.6 (wrong), 0.8 (right), 0.6 (wrong): 0.6 ends the ninth bin of 15
    ninth = metrics.reliability.bins[8]
    assert (ninth.count, ninth.accuracy) == (2, 0.0)
    assert metrics.reliability.ece == pytest.approx((0.3 + 2 * 0.6 + 0.2) / 4)


def test_wilson_gives_the_published_interval():
    # Newcombe (1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_mirrors(counts):
    right, count = counts
    low, high = wilson(right, count)
    assert 0 <= low <= right / count <= high <= 1
    mirrored = wilson(count - right, count)
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high), abs=1e-12)
    wider = wilson(right, count, z=2.5)
    assert wider[0] <= low
    assert high <= wider[1]


def test_top_k_counts_the_rank_of_the_truth():
    assert truth_ranks(P, LABELS).tolist() == [0, 1, 0, 1]
    assert top_k(P, LABELS, 1) == Share(2, 4)
    assert top_k(P, LABELS, 2) == Share(4, 4)
    equal = np.full((3, 3), 1 / 3)  # ties go to the first answer, as argmax has it
    assert truth_ranks(equal, np.array([0, 1, 2])).tolist() == [0, 1, 2]


@given(scored())
def test_every_figure_follows_from_the_probabilities(case):
    p, labels, classes = case
    answers = [str(a) for a in range(p.shape[1])]
    metrics = measure(p, labels, classes, answers)
    predicted = p.argmax(1)
    assert metrics.top1.right == (predicted == labels).sum()
    assert metrics.confusion.sum() == len(labels)
    assert np.trace(metrics.confusion) == metrics.top1.right
    ks = [top_k(p, labels, k).right for k in range(1, p.shape[1] + 1)]
    assert ks == sorted(ks)
    assert ks[-1] == len(labels)
    assert sum(score.recall.right for score in metrics.classes) == metrics.top1.right
    assert sum(b.count for b in metrics.reliability.bins) == len(labels)
    gap = abs(p.max(1).mean() - metrics.top1.right / len(labels))
    assert gap - 1e-12 <= metrics.reliability.ece <= 1  # one bin of all clips is the smallest ECE
    for b in metrics.reliability.bins:
        if b.confidence is not None:
            assert b.low - 1e-12 <= b.confidence <= b.high + 1e-12
    order = np.random.default_rng(0).permutation(len(labels))
    again = measure(p[order], labels[order], classes, answers)
    assert again.nll == pytest.approx(metrics.nll)
    np.testing.assert_array_equal(again.confusion, metrics.confusion)


def test_confidence_on_the_edges_falls_into_a_bin():
    diagram = reliability(np.array([0.0, 1.0, 1.0]), np.array([False, True, False]))
    assert [b.count for b in diagram.bins] == [1, *[0] * 13, 2]
    assert diagram.ece == pytest.approx((0.0 + 2 * 0.5) / 3)


def test_an_impossible_truth_costs_much_but_not_everything():
    worst = negative_log_likelihood(np.array([[1.0, 0.0]]), np.array([1]))
    assert worst == pytest.approx(-math.log(1e-12))


@pytest.mark.parametrize(
    ("p", "labels", "classes"),
    [
        (np.ones((0, 2)), np.zeros(0, np.int64), 2),
        (np.ones((2, 2)) / 2, np.array([0, 2]), 2),
        (np.ones((1, 2)) / 2, np.array([-1]), 2),
        (np.ones((1, 2)) / 2, np.array([0]), 3),
        (np.ones((1, 3)) / 3, np.array([0]), 2),
    ],
)
def test_what_does_not_fit_is_refused(p, labels, classes):
    with pytest.raises(ValueError, match=r"labels must|cannot be the first|at least one clip"):
        measure(p, labels, classes, ("a", "b"))
