"""Against the filter of the textbooks, with a 4x4 covariance of x, y and their velocities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pose.refine.people import FRAME, box, standing
from workers.pose.refine import RefineConfig, Refiner, kalman

READ = np.eye(2, 4)


def transition(elapsed: float) -> np.ndarray:
    return np.eye(4) + elapsed * np.eye(4, k=2)


def process_noise(elapsed: float, power: float) -> np.ndarray:
    block = np.array([[elapsed**3 / 3, elapsed**2 / 2], [elapsed**2 / 2, elapsed]])
    return power * np.kron(block, np.eye(2))


class Textbook:
    """One joint."""

    def __init__(self, place: np.ndarray, covariance: np.ndarray) -> None:
        self.state = np.concatenate([place, [0, 0]])
        self.covariance = np.kron(covariance, np.eye(2))

    def step(self, measured: np.ndarray, variance: float, elapsed: float, power: float) -> None:
        forward = transition(elapsed)
        self.state = forward @ self.state
        self.covariance = forward @ self.covariance @ forward.T + process_noise(elapsed, power)
        if np.isfinite(variance):
            total = READ @ self.covariance @ READ.T + variance * np.eye(2)
            gain = self.covariance @ READ.T @ np.linalg.inv(total)
            self.state = self.state + gain @ (measured - READ @ self.state)
            self.covariance = (np.eye(4) - gain @ READ) @ self.covariance


def square(covariance: np.ndarray, joint: int) -> np.ndarray:
    """[2, 2] of one joint of the first person."""
    place, mixed, speed = covariance[0, :, joint]
    return np.array([[place, mixed], [mixed, speed]])


def runs(steps: int) -> tuple[list, list[Textbook]]:
    """The states of ours and of the textbook's after each of some random frames."""
    random = np.random.default_rng(0)
    position, velocity = random.uniform(0, 300, (1, 17, 2)), np.zeros((1, 17, 2))
    covariance = kalman.started(random.uniform(1, 9, (1, 17)), np.array([200.0]), np.ones((1, 17), bool))
    books = [Textbook(position[0, joint], square(covariance, joint)) for joint in range(17)]
    states = []
    for _ in range(steps):
        elapsed, power = random.uniform(0.01, 0.3, 1), random.uniform(1e2, 1e5, (1, 17))
        variance = np.where(random.random((1, 17)) < 0.2, np.inf, random.uniform(0.5, 50, (1, 17)))
        measured = random.uniform(0, 300, (1, 17, 2))
        before = position, velocity, covariance
        covariance = kalman.predicted(covariance, elapsed, power)
        expected = position + elapsed[:, None, None] * velocity, velocity
        innovation = np.where(np.isfinite(variance)[..., None], measured - expected[0], 0.0)
        position, velocity, covariance = kalman.corrected(*expected, covariance, innovation, variance)
        for joint, book in enumerate(books):
            book.step(measured[0, joint], variance[0, joint], float(elapsed[0]), power[0, joint])
        states.append((before, expected, (position, velocity, covariance), elapsed, power))
    return states, books


def test_it_is_the_textbooks_filter_with_one_covariance_for_x_and_y() -> None:
    states, books = runs(60)
    position, velocity, covariance = states[-1][2]
    for joint, book in enumerate(books):
        assert np.concatenate([position[0, joint], velocity[0, joint]]) == pytest.approx(book.state, rel=1e-9)
        assert np.kron(square(covariance, joint), np.eye(2)) == pytest.approx(
            book.covariance, rel=1e-9, abs=1e-9
        )


def test_smoothing_back_is_rauch_tung_and_striebels() -> None:
    states, _ = runs(25)
    after = states[-1][2][:2]
    smooth = np.concatenate(after, axis=-1)[0]
    for before, expected, _, elapsed, power in reversed(states):
        after = kalman.smoothed_back(before, expected, after, elapsed, power)
        forward = transition(float(elapsed[0]))
        for joint in range(17):
            state = np.concatenate([before[0][0, joint], before[1][0, joint]])
            covariance = np.kron(square(before[2], joint), np.eye(2))
            ahead = forward @ covariance @ forward.T + process_noise(float(elapsed[0]), power[0, joint])
            gain = covariance @ forward.T @ np.linalg.inv(ahead)
            smooth[joint] = state + gain @ (smooth[joint] - forward @ state)
        assert np.concatenate(after, axis=-1)[0] == pytest.approx(smooth, rel=1e-6, abs=1e-6)


@given(st.integers(0, 2**32), st.floats(0, 6), st.floats(1, 1e6))
def test_a_covariance_stays_one(seed: int, lively: float, scale: float) -> None:
    random = np.random.default_rng(seed)
    covariance = kalman.started(np.full((1, 17), 1.0), np.array([scale]), random.random((1, 17)) < 0.8)
    for _ in range(20):
        elapsed = 10 ** random.uniform(-6, 1.8, 1)
        covariance = kalman.predicted(covariance, elapsed, np.full((1, 17), 10**lively * scale**2))
        for _ in range(2):
            place, mixed, speed = covariance[0]
            assert (place >= 0).all()
            assert (speed >= 0).all()
            # Doubles tell a variance of 0.1 from 1e12 less it to a thousandth.
            assert (mixed**2 <= place * speed * 1.01).all()
            variance = np.where(random.random((1, 17)) < 0.3, np.inf, 10 ** random.uniform(-1, 6, (1, 17)))
            nothing = np.zeros((1, 17, 2))
            covariance = kalman.corrected(nothing, nothing, covariance, nothing, variance)[2]


def test_variance_grows_with_doubt_and_with_the_box() -> None:
    sure, unsure = np.full((1, 17), 0.95), np.full((1, 17), 0.3)
    small, large = box(height=1000.0), box(height=4000.0)
    assert (kalman.measurement_variance(unsure, small) > kalman.measurement_variance(sure, small)).all()
    ratio = kalman.measurement_variance(sure, large) / kalman.measurement_variance(sure, small)
    assert ratio == pytest.approx(16, rel=0.2)
    assert np.isfinite(kalman.measurement_variance(np.zeros((1, 17)), np.zeros((1, 4)))).all()


def test_the_refiner_is_that_filter() -> None:
    random, points = np.random.default_rng(1), standing()
    refiner = Refiner(RefineConfig(smoothing="kalman", process_noise=3.0))
    book, at = None, 0.0
    for _ in range(80):
        points[..., :2] += random.normal(0, 2, (1, 17, 2))
        points[..., 2] = random.uniform(0.2, 1, (1, 17))
        elapsed = random.uniform(0.02, 0.2)
        at += elapsed
        refined = refiner.update(at, [1], box(), points, FRAME)
        variance, unit = kalman.measurement_variance(points[..., 2], box()), refined.scale[0]
        if book is None:
            started = kalman.started(variance, refined.scale, np.ones((1, 17), bool))
            book = Textbook(points[0, 9, :2], square(started, 9))
        else:
            book.step(points[0, 9, :2], variance[0, 9], elapsed, 3.0 * unit**2)
        assert refined.keypoints[0, 9, :2] == pytest.approx(book.state[:2], abs=1e-4)
        assert unit * refined.velocity[0, 9] == pytest.approx(book.state[2:], abs=1e-4)
