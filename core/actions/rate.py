"""How often something may happen: a token bucket, so that a burst cannot flood."""

from __future__ import annotations


class TokenBucket:
    """Holds up to `burst` tokens and gains `rate_per_s` of them a second; used under a lock.

    Times are of one clock in seconds; one that goes back (a recording was moved) gains nothing.
    """

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self._rate_per_s, self._burst = rate_per_s, burst
        self._tokens = float(burst)
        self._last_s: float | None = None

    def has_one(self, now_s: float) -> bool:
        """Whether a token could be taken now."""
        if self._last_s is not None:
            gained = max(0.0, now_s - self._last_s) * self._rate_per_s
            self._tokens = min(float(self._burst), self._tokens + gained)
        self._last_s = now_s
        return self._tokens >= 1.0 - 1e-9  # sums of fractions

    def take(self) -> None:
        """Take the token that `has_one` saw."""
        self._tokens -= 1.0
