"""The grid of a stream and the bins of a clip choose the same frames."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionrgbd.core.sampling import GridSampler, bin_indices


def sampled(stamps, grid_hz, source_hz):
    sampler = GridSampler(grid_hz, source_hz)
    taken = []
    for i, t in enumerate(stamps):
        taken += [i - 1] * sampler.late_points(t)
        taken += [i] * sampler.points(t)
    return taken


@given(st.integers(1, 400), st.integers(1, 100))
def test_bins_as_the_released_rule_says(count, window):
    expected = []
    for i in range(window):
        begin = int(count * i / window)
        stop = max(begin + 1, int(count * (i + 1) / window))
        expected.append(int(np.mean(range(begin, stop))))
    assert bin_indices(count, window).tolist() == expected


def test_a_cut_clip_on_the_grid_is_the_bin_rule():
    assert sampled(np.arange(80) / 30, 24, 30) == bin_indices(80, 64).tolist()


def test_jitter_below_the_guard_changes_nothing():
    jitter = np.random.default_rng(0).uniform(-0.12, 0.12, 80) / 30
    jitter[0] = 0
    assert sampled(np.arange(80) / 30 + jitter, 24, 30) == bin_indices(80, 64).tolist()


@pytest.mark.parametrize(("grid_hz", "step"), [(30, 1), (15, 2)])
def test_arrival_stamps_of_a_webcam_keep_their_frames(grid_hz, step):
    """Up to 0.4 of a period early or late: every grid point still has its own frame."""
    jitter = np.random.default_rng(1).uniform(-0.4, 0.4, 90) / 30
    jitter[0] = 0
    taken = sampled(np.arange(90) / 30 + jitter, grid_hz, 30)
    assert taken[:40] == list(range(0, 40 * step, step))


def test_a_slow_source_repeats_frames():
    taken = sampled(np.arange(10) / 10, 24, 10)
    assert len(taken) == 24
    assert set(taken) == set(range(10))


def test_a_gap_is_filled_with_the_frame_before_it():
    stamps = np.delete(np.arange(30) / 30, slice(10, 16))
    taken = sampled(stamps, 30, 30)
    assert len(taken) == 30
    assert taken[9:16] == [9] * 7


@given(st.floats(0.5, 120), st.floats(5, 120), st.integers(2, 200))
def test_the_grid_keeps_its_rate(grid_hz, source_hz, count):
    taken = sampled(np.arange(count) / source_hz, grid_hz, source_hz)
    assert abs(len(taken) - count / source_hz * grid_hz) <= 1.0 + grid_hz / source_hz
    assert taken == sorted(taken)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_refuses_impossible_rates(bad):
    with pytest.raises(ValueError, match="rate"):
        GridSampler(bad, 30)
    with pytest.raises(ValueError, match="rate"):
        GridSampler(30, bad)
