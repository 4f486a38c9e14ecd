"""Sources that misbehave in ways that no server on loopback can show."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import av
import pytest

from tests.ingest.conftest import QUICK, options, wait_for
from tests.ingest.videos import picture
from workers.ingest import capture, metrics
from workers.ingest.capture import Capture
from workers.ingest.config import IngestConfig
from workers.ingest.pacing import LiveClock
from workers.ingest.sources import Picture, SourceError


class Script:
    """Stands for `open_source`: the n-th opening does what the n-th step says."""

    def __init__(self, *steps: str) -> None:
        self.steps = list(steps)
        self.opened = 0
        self.hanging = 0
        self.timed = False
        self.hang = threading.Event()

    def __call__(self, *_: object) -> Script:
        self.opened += 1
        self.step = self.steps[min(self.opened, len(self.steps)) - 1]
        if self.step == "refuse":
            raise SourceError("refused")
        return self

    def pictures(self, _first: int = 0) -> Iterator[Picture]:
        step = self.step
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(picture(number), format="bgr24")
            now_s = self.opened * 3.0 + number / 10
            pts_s = number / 10 if self.timed else None
            yield Picture(frame, number, pts_s, 1000.0 + now_s, 50.0 + now_s)
        if step == "hang":
            self.hanging += 1
            self.hang.wait(30)
        raise SourceError("the source ended")

    def close(self) -> None:
        pass


@pytest.fixture
def begin(monkeypatch):
    made = []

    def start(script: Script, **config: float) -> Capture:
        monkeypatch.setattr(capture, "open_source", script)
        settings = IngestConfig.model_validate({**QUICK, "buffer_pictures": 100, **config})
        clock = LiveClock(1000.0, 50.0)
        made.append((script, Capture("cam", options("usb:0"), settings, 10, clock)))
        return made[-1][1]

    yield start
    for script, started in made:
        script.hang.set()
        started.close()
        started.join(5)


def numbers(started: Capture, count: int) -> list[int]:
    found: list[int] = []
    wait_for(
        lambda: len(found.__iadd__([p.number for p in started.buffer.take(99, 0.1)])) >= count, "pictures"
    )
    return found


def test_a_source_that_fails_is_opened_again_and_numbers_go_on(begin):
    reconnects = metrics.RECONNECTS.labels("cam")
    before = reconnects._value.get()
    script = Script("refuse", "end", "refuse", "end")
    assert numbers(begin(script), 6)[:6] == [10, 11, 12, 13, 14, 15]
    assert reconnects._value.get() - before >= 3


def test_a_source_whose_times_begin_anew_is_still_dated_by_its_arrival(begin):
    script = Script("end")
    script.timed = True
    started = begin(script)
    found: list[float] = []
    wait_for(lambda: len(found.__iadd__([p.at for p in started.buffer.take(99, 0.1)])) >= 9, "pictures")
    assert found[:9] == pytest.approx([1000 + 3 * opened + i / 10 for opened in (1, 2, 3) for i in range(3)])


def test_a_call_that_never_returns_is_left_behind(begin, monkeypatch, caplog):
    monkeypatch.setattr(capture, "_HUNG_AFTER_S", -2.4)
    script = Script("hang", "hang", "end")
    started = begin(script)

    def supervised() -> bool:
        started.supervise()
        return script.opened >= 3

    wait_for(supervised, "the third opening")
    assert len(numbers(started, 9)) >= 9
    assert "hangs" in caplog.text


def test_hung_calls_do_not_pile_up(begin, monkeypatch):
    monkeypatch.setattr(capture, "_HUNG_AFTER_S", -2.5)
    script = Script("hang")
    started = begin(script)
    for hanging in range(1, 5):
        wait_for(lambda hanging=hanging: script.hanging == hanging, "the hanging call")
        started.supervise()
    for _ in range(20):
        started.supervise()
    assert script.opened == 4
