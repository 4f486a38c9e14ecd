from __future__ import annotations

import types

import numpy as np
import pytest
import torch

from training.refine import loss_of, teach, written
from training.refine_data import Clips, make_clips
from training.refine_net import NoiseNet, filtered, tensors
from workers.pose.refine import adaptive, kalman, learned, occlusion

PX = 200.0


@pytest.fixture(scope="module")
def clips() -> Clips:
    return make_clips(2, 77)


@pytest.fixture
def net() -> NoiseNet:
    """A net that has learned nothing and says a lot."""
    torch.manual_seed(0)
    net = NoiseNet()
    with torch.no_grad():
        for part in (net.output.weight, net.output.bias, net.body.weight, net.joints):
            part.normal_(0, 0.2)
        net.log_limbs_last += 0.3 * torch.randn(9)
    return net


def module_of(text: str) -> types.ModuleType:
    module = types.ModuleType("written")
    exec(compile(text, "written", "exec"), module.__dict__)
    return module


def in_the_product(net: NoiseNet, monkeypatch: pytest.MonkeyPatch) -> NoiseNet:
    """Put a net's numbers into the product; returns the net with those very numbers, rounded as written."""
    told = module_of(written(net))
    for name in vars(told):
        if name.isupper():
            monkeypatch.setattr(learned, name, getattr(told, name))
    rounded = NoiseNet()
    rounded.load_state_dict(net.state_dict())
    with torch.no_grad():
        rounded.input.weight.copy_(torch.from_numpy(told.INPUT.T))
        rounded.joints.copy_(torch.from_numpy(told.JOINTS))
        rounded.output.weight.copy_(torch.from_numpy(told.OUTPUT.T / 5))
        rounded.output.bias.copy_(torch.from_numpy(told.OUTPUT_BIAS / 5))
        rounded.body.weight.copy_(torch.from_numpy(told.BODY[None] / 4))
        rounded.body.bias.copy_(torch.from_numpy(told.BODY_BIAS))
        rounded.log_limbs_last.copy_(torch.from_numpy(np.log(told.LIMBS_LAST_S)))
    return rounded


def by_the_product(batch: dict[str, np.ndarray]) -> np.ndarray:
    """[B, T, 17, 2] what the product's filter says of the same clips, in body heights."""
    places, seen, at = PX * batch["places"].astype(float), batch["seen"], batch["at"].astype(float)
    sides, confidence = PX * batch["side"].astype(float), batch["confidence"].astype(float)
    people, frames = at.shape
    scale = np.full(people, PX)
    variances = np.stack([variance_of(confidence[:, t], sides[:, t]) for t in range(frames)], axis=1)
    zero = np.zeros((people, 17))
    surprise = np.stack([zero + 1, zero + 1, zero], axis=1)
    started = kalman.started(variances[:, 0], scale, np.ones((people, 17), bool))
    nothing = np.zeros_like(places[:, 0])
    now = adaptive.Filtered(places[:, 0], nothing, started, nothing, surprise, zero, zero[:, 0])
    answers, last_seen = [now.position], at[:, 0].copy()
    for t in range(1, frames):
        elapsed = at[:, t] - at[:, t - 1]
        after = adaptive.filtered(now, places[:, t], variances[:, t], elapsed, scale, at[:, t] - last_seen)
        position, velocity = occlusion.coasted(now.position, now.velocity, elapsed, scale)
        process = np.exp(now.log_process) * PX**2
        coasting = adaptive.Filtered(
            **{
                **vars(now),
                "position": position,
                "velocity": velocity,
                "covariance": kalman.predicted(now.covariance, elapsed, process),
            }
        )
        here = seen[:, t]
        now = adaptive.Filtered(
            **{
                name: np.where(here.reshape(-1, *[1] * (value.ndim - 1)), value, getattr(coasting, name))
                for name, value in vars(after).items()
            }
        )
        last_seen[here] = at[here, t]
        answers.append(now.position)
    return np.stack(answers, axis=1) / PX


def variance_of(confidence: np.ndarray, side: np.ndarray) -> np.ndarray:
    boxes = np.stack([0 * side, 0 * side, side, side], axis=1)
    return kalman.measurement_variance(confidence, boxes) - kalman.LEAST_JITTER_PX**2


def test_training_filters_as_the_product_does(clips, net, monkeypatch) -> None:
    net = in_the_product(net, monkeypatch).double()
    batch = {
        name: value.double() if value.is_floating_point() else value for name, value in tensors(clips).items()
    }
    assert not clips.seen.all()
    with torch.no_grad():
        expected = filtered(net, batch).numpy()
    got = by_the_product(vars(clips))
    assert np.isfinite(expected).all()
    # Clips that have ended go on unseen, for ever longer; the last moment in which anybody is seen counts.
    for person in range(len(clips)):
        until = np.flatnonzero(clips.seen[person])[-1] + 1
        assert got[person, :until] == pytest.approx(expected[person, :until], abs=2e-5)


def test_what_is_written_is_what_was_learned(net: NoiseNet) -> None:
    told = module_of(written(net))
    assert set(vars(told)) >= {name for name in vars(learned) if name.isupper()}
    features = torch.randn(3, 17, 13)
    expected = [one.detach().numpy() for one in net(features)]
    with pytest.MonkeyPatch.context() as patch:
        for name in vars(learned):
            if name.isupper():
                assert (
                    np.shape(getattr(told, name)) == np.shape(getattr(learned, name)) or name == "BODY_BIAS"
                )
                patch.setattr(learned, name, getattr(told, name))
        got = adaptive.noises(features.numpy())
    for ours, theirs in zip(got, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-2, abs=1e-2)


def test_a_few_steps_of_training_lower_the_loss(clips: Clips) -> None:
    short = Clips(
        **{name: value[:4, :32] if value.ndim > 1 else value[:4] for name, value in vars(clips).items()}
    )
    batch, (untaught, taught) = tensors(short), (NoiseNet(), NoiseNet())
    optimizer = torch.optim.Adam(taught.parameters(), lr=2e-2)
    for _ in range(5):
        loss = loss_of(filtered(taught, batch), batch, 20)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        before, after = (loss_of(filtered(one, batch), batch, 20).item() for one in (untaught, taught))
    assert after < before - 0.05


def test_teaching_ends_the_same_each_time() -> None:
    assert written(teach(1, 2, 5)) == written(teach(1, 2, 5))
    assert written(teach(1, 2, 5)) != written(teach(1, 2, 6))


def test_clips_are_in_body_heights_and_begin_with_somebody_seen(clips: Clips) -> None:
    assert clips.seen[:, 0].all()
    assert (clips.at[:, 0] == 0).all()
    assert (np.diff(clips.at, axis=1) > 0).all()
    counted = clips.inside & clips.seen[..., None]
    error = np.linalg.norm(clips.places - clips.truth, axis=-1)[counted]
    assert 0.001 < np.median(error) < 0.05
    heights = np.ptp(clips.truth[..., 1], axis=2)[clips.seen]
    assert 0.5 < np.median(heights) < 1.2
