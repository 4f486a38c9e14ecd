from __future__ import annotations

import threading
import time

import av

from tests.ingest.videos import picture
from workers.ingest.buffer import Paced, PictureBuffer
from workers.ingest.sources import Picture


def paced(number: int, monotonic_s: float | None = None) -> Paced:
    frame = av.VideoFrame.from_ndarray(picture(number), format="bgr24")
    at = time.monotonic() if monotonic_s is None else monotonic_s
    return Paced(Picture(frame, number, None, 0.0, at), number, number / 10)


def numbers(taken: list[Paced]) -> list[int]:
    return [item.number for item in taken]


def test_a_live_buffer_drops_the_oldest_and_counts_it():
    buffer = PictureBuffer(3, 10**9, waits=False)
    for number in range(5):
        assert buffer.put(paced(number))
    assert numbers(buffer.take(9, 0)) == [2, 3, 4]
    assert buffer.dropped() == {"buffer": 2}
    assert not buffer.dropped()


def test_a_live_buffer_is_bounded_in_bytes():
    size = paced(0).picture.size_bytes
    buffer = PictureBuffer(100, 2 * size, waits=False)
    for number in range(5):
        buffer.put(paced(number))
    assert numbers(buffer.take(9, 0)) == [3, 4]


def test_a_picture_larger_than_the_bound_still_passes():
    buffer = PictureBuffer(10, 1, waits=False)
    buffer.put(paced(0))
    assert numbers(buffer.take(9, 0)) == [0]


def test_pictures_that_waited_too_long_are_dropped_for_their_age():
    buffer = PictureBuffer(10, 10**9, waits=False)
    buffer.put(paced(0, time.monotonic() - 3))
    buffer.put(paced(1))
    assert numbers(buffer.take(9, 0, max_age_s=2)) == [1]
    assert buffer.dropped() == {"late": 1}


def test_a_files_buffer_makes_the_source_wait_and_loses_nothing():
    buffer = PictureBuffer(2, 10**9, waits=True)
    thread = threading.Thread(target=lambda: [buffer.put(paced(i)) for i in range(20)] and buffer.finish())
    thread.start()
    seen: list[int] = []
    while not buffer.finished:
        taken = numbers(buffer.take(5, 1))
        assert len(taken) <= 2
        seen += taken
    thread.join(5)
    assert seen == list(range(20))


def test_closing_lets_a_waiting_source_go():
    buffer = PictureBuffer(1, 10**9, waits=True)
    buffer.put(paced(0))
    results: list[bool] = []
    thread = threading.Thread(target=lambda: results.append(buffer.put(paced(1))))
    thread.start()
    buffer.close()
    thread.join(5)
    assert results == [False]
