"""What keeps actions back: the allow-list of the state, and how often each may happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from motionrgbd.core.actions.mapping import ActionMap, ActionRule
from motionrgbd.core.actions.rate import TokenBucket


@dataclass(frozen=True)
class AllowList:
    """The names of what may be done in each state; without states everything may."""

    states: Mapping[str, tuple[str, ...]]

    def allows(self, name: str, state: str | None) -> bool:
        """Whether it may be done. state: one of `states`, or None where there are none."""
        return state is None or name in self.states[state]


class Rates:
    """A bucket for each action and one for each sink; used under a lock."""

    def __init__(self, mapping: ActionMap) -> None:
        self._rules = {id(r): TokenBucket(r.rate_per_s, r.burst) for r in mapping.rules}
        self._sinks = {n: TokenBucket(s.rate_per_s, s.burst) for n, s in mapping.sinks.items()}

    def take(self, rule: ActionRule, sink: str | None, now_s: float) -> bool:
        """Take a token of the action and one of the sink, if both have one."""
        buckets = [self._rules[id(rule)]]
        if sink is not None:
            buckets.append(self._sinks[sink])
        if not all(bucket.has_one(now_s) for bucket in buckets):
            return False
        for bucket in buckets:
            bucket.take()
        return True
