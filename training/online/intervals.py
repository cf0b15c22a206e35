"""Figures with their 95 % intervals: counts over time, and whatever is drawn again and again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionrgbd.training.evaluation.metrics import wilson

Floats = NDArray[np.float64]
DRAWS = 2000  # of a bootstrap: its ends then move by a few hundredths of their width
SEED = 0
_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval; None is what cannot be said of so few cases."""

    value: float | None = None
    low: float | None = None
    high: float | None = None

    def times(self, factor: float) -> Estimate:
        """Return it in another unit."""
        ends = (self.value, self.low, self.high)
        return Estimate(*(None if end is None else factor * end for end in ends))


def share(right: int, count: int, repeats: int = 1) -> Estimate:
    """Return a share with Wilson's interval; of no cases nothing is said.

    repeats: how often the same material was measured: the interval is that of one time.
    """
    if not count:
        return Estimate()
    return Estimate(right / count, *wilson(right / repeats, count / repeats))


def rate(count: int, exposure: float, repeats: int = 1) -> Estimate:
    """Return events per unit of exposure with the exact Poisson interval (Garwood 1936).

    repeats: how often the same material was measured: the interval is that of one time, of the
    next whole numbers of events.
    """
    if not exposure > 0:
        return Estimate()
    low = poisson(math.floor(count / repeats))[0]
    high = poisson(math.ceil(count / repeats))[1]
    return Estimate(count / exposure, low * repeats / exposure, high * repeats / exposure)


def poisson(count: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a Poisson mean of which `count` events were seen.

    Its ends are the means under which so many events or more, or so few or less, come up with
    2.5 %: half the quantiles of chi-square with 2 count and 2 count + 2 degrees of freedom.
    """
    low = 0.0 if count == 0 else _root(lambda mean: 1 - _at_most(count - 1, mean) - _TAIL, count)
    return low, _root(lambda mean: _TAIL - _at_most(count, mean), count)


def _at_most(count: int, mean: float) -> float:
    """The probability of at most `count` events; math.fsum keeps small tails exact."""
    if mean == 0.0:
        return 1.0
    return math.fsum(
        math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1)
    )


def _root(rising: Callable[[float], float], count: int) -> float:
    low, high = 0.0, count + 10.0 * math.sqrt(count + 1) + 10.0
    for _ in range(100):  # until floats have nothing between
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def bootstrap(
    rows: Floats, figure: Callable[[Floats], Floats], *, repeats: int = 1, seed: int = SEED
) -> Estimate:
    """Return a figure of rows (n, k) drawn independently, with the percentile interval.

    figure: takes rows (draws, n, k), returns (draws,). repeats: how often the same material was
    measured: so many times fewer rows are drawn. Of a single row, or of equal ones, there is no
    interval: they cannot tell how far off they may be.
    """
    if not len(rows):
        return Estimate()
    value = float(figure(rows[None])[0])
    size = round(len(rows) / repeats)
    if not math.isfinite(value):
        return Estimate()
    if size < 2:
        return Estimate(value)
    places = np.random.default_rng(seed).integers(0, len(rows), (DRAWS, size))
    drawn = figure(rows[places])
    drawn = drawn[np.isfinite(drawn)]
    if drawn.min() == drawn.max():
        return Estimate(value)
    low, high = np.percentile(drawn, (100 * _TAIL, 100 - 100 * _TAIL))
    return Estimate(value, float(low), float(high))


def mean(values: Sequence[float], repeats: int = 1) -> Estimate:
    """Return the mean of independent values, with a bootstrap over them."""
    rows = np.array(values, np.float64)[:, None]
    return bootstrap(rows, lambda drawn: np.asarray(drawn[..., 0].mean(1)), repeats=repeats)
