from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from workers.ingest.config import CameraOptions, IngestConfig
from workers.ingest.opening import open_source
from workers.ingest.rendered import RenderedSource
from workers.ingest.simulated.address import parse


class Plain:
    """Stands for the site's camera: painting a place takes seconds, and is tested elsewhere."""

    def __init__(self, address: object) -> None:
        self.drawn: list[int] = []
        self.prepared: list[int] = []

    def picture(self, number: int) -> np.ndarray:
        self.drawn.append(number)
        return np.full((36, 64, 3), number % 256, np.uint8)

    def prepare(self, number: int) -> None:
        self.prepared.append(number)


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.ingest.rendered.SiteCamera", Plain)


def test_a_recording_has_its_pictures_by_number_and_goes_on_where_it_is_wanted() -> None:
    source = RenderedSource(parse("sim://yard?fps=5&seconds=2"))
    assert [(p.number, p.pts_s) for p in source.pictures()] == [(n, n / 5) for n in range(10)]
    assert [p.number for p in source.pictures(7)] == [7, 8, 9]
    assert source._camera.drawn == [*range(10), 7, 8, 9], "what is not wanted is not drawn"
    assert 50 in source._camera.prepared, "the next acts are laid out ahead"


def test_a_live_camera_shows_the_frame_whose_time_it_is() -> None:
    start = time.time() - 100
    source = RenderedSource(parse(f"sim://yard?fps=20&start={start}"))
    pictures = list(itertools.islice(source.pictures(), 4))
    assert [p.number for p in pictures] == [0, 1, 2, 3]
    numbers = [round((p.captured_at - start) * 20) for p in pictures]
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert 2000 <= numbers[0] < 2100
    for picture in pictures:
        assert picture.captured_at == pytest.approx(start + picture.pts_s)
    again = next(iter(RenderedSource(parse(f"sim://yard?fps=20&start={start}")).pictures()))
    assert again.captured_at >= pictures[-1].captured_at, "a camera that is opened again goes on"


def test_a_live_camera_that_is_too_slow_leaves_pictures_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.ingest.rendered._LATE_S", 0.02)
    source = RenderedSource(parse(f"sim://yard?fps=30&start={time.time()}"))
    slow = source._camera.picture

    def picture(number: int) -> np.ndarray:
        time.sleep(0.12)
        return slow(number)

    source._camera.picture = picture
    drawn = [round(p.pts_s * 30) for p in itertools.islice(source.pictures(), 3)]
    assert drawn[0] < drawn[1] < drawn[2]
    assert drawn[2] - drawn[0] > 3


def test_a_simulated_camera_is_opened_like_any_other() -> None:
    options = CameraOptions(source="sim://yard?fps=5&seconds=1")
    source = open_source("cam", options, IngestConfig())
    assert isinstance(source, RenderedSource)
    assert source.rate == 5
    source.close()
