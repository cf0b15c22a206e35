"""Bounded pipes lose what they say they lose, and end cleanly."""

import threading

import pytest

from motionrgbd.core.pipes import LatestSlot, Pipe, PipeClosedError


def test_a_live_pipe_drops_the_oldest_and_counts():
    pipe = Pipe[int](3, lossless=False)
    for i in range(10):
        pipe.put(i)
    assert [pipe.get() for _ in range(3)] == [7, 8, 9]
    assert pipe.dropped == 7


def test_a_lossless_pipe_makes_the_producer_wait():
    pipe = Pipe[int](2, lossless=True)
    producer = threading.Thread(target=lambda: [pipe.put(i) for i in range(100)])
    producer.start()
    assert [pipe.get() for _ in range(100)] == list(range(100))
    producer.join()
    assert pipe.dropped == 0


def test_close_gives_what_waits_then_the_reason():
    pipe = Pipe[int](4, lossless=True)
    pipe.put(1)
    pipe.close(RuntimeError("camera on fire"))
    assert pipe.get() == 1
    with pytest.raises(PipeClosedError) as closed:
        pipe.get()
    assert "fire" in str(closed.value.__cause__)
    with pytest.raises(PipeClosedError):
        pipe.put(2)


def test_close_wakes_both_sides():
    full, empty = Pipe[int](1, lossless=True), Pipe[int](1, lossless=True)
    full.put(0)
    woken = []

    def attempt(call):
        with pytest.raises(PipeClosedError):
            call()
        woken.append(1)

    threads = [
        threading.Thread(target=attempt, args=(lambda: full.put(1),)),
        threading.Thread(target=attempt, args=(empty.get,)),
    ]
    for thread in threads:
        thread.start()
    full.close(discard=True)
    empty.close()
    for thread in threads:
        thread.join(5)
    assert len(woken) == 2


def test_the_slot_holds_the_newest():
    slot = LatestSlot[int]()
    assert slot.get() is None
    slot.set(1)
    slot.set(2)
    assert slot.get() == 2
