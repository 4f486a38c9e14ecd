"""What is counted of committed tracks."""

from dataclasses import dataclass

import numpy as np
import pytest
from prometheus_client import REGISTRY

from workers.pose.metrics import Audience

CAMERA = "counted"


@dataclass
class Tracks:
    """The part of a record that is counted."""

    at: float
    track_ids: np.ndarray
    detection: np.ndarray
    detection_scores: np.ndarray


def frame(at: float, *ids: int, predicted: int = 0) -> Tracks:
    """One with these people, of whom the last few are only predicted."""
    detection = np.arange(len(ids))
    detection[len(ids) - predicted :] = -1
    return Tracks(at, np.array(ids, np.int64), detection, np.zeros(len(ids) + 1))


def shown(name: str) -> float:
    return REGISTRY.get_sample_value(f"nexara_pose_{name}_total", {"camera": CAMERA}) or 0.0


@pytest.fixture
def counted():
    """Counts frames and says by how much the counters moved: tracks started, people, detections."""

    def count(*commits: list[Tracks]) -> tuple[float, float, float]:
        names = ("tracks_started", "people", "detections")
        before = [shown(name) for name in names]
        audience = Audience()
        for records in commits:
            audience.measure(CAMERA, records)
        started, people, detections = (shown(name) - b for name, b in zip(names, before, strict=True))
        return started, people, detections

    return count


def test_people_and_detections_are_summed_over_frames(counted):
    assert counted([frame(0, 1, 2), frame(0.1, 1)], [frame(0.2)]) == (0, 3, 6)


def test_who_is_only_predicted_does_not_count(counted):
    assert counted([frame(0, 1, 2)], [frame(0.1, 1, 2, predicted=1)]) == (0, 3, 6)


def test_who_is_there_when_we_come_did_not_begin_with_us(counted):
    assert counted([frame(0, 1, 2)], [frame(0.1, 1, 2, 3)])[0] == 1


def test_a_track_that_was_missed_for_a_while_is_the_same_track(counted):
    assert counted([frame(0)], [frame(0.1, 7), frame(0.2), frame(30, 7)])[0] == 1


def test_a_track_is_forgotten_after_a_minute(counted):
    assert counted([frame(0)], [frame(0.1, 7)], [frame(100)], [frame(101, 7)])[0] == 2
