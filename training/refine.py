"""`python -m training.refine`: teaches the adaptive filter's net and writes its numbers into the product.

Takes about 10 minutes on one core, needs no data but the simulated people, and ends the same each time.
"""

from __future__ import annotations

import logging
import textwrap
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor

from training.refine_data import FRAMES, make_clips
from training.refine_net import KINDS, NoiseNet, filtered, tensors

log = logging.getLogger(__name__)

OUTPUT = Path(__file__).resolve().parents[1] / "workers" / "pose" / "refine" / "learned.py"
# Frames of a clip that a step sees, clips of a step, and how much jitter and gaps count beside the error.
SPAN, BATCH = 64, 128
JITTER_SHARE, GAP_SHARE = 0.4, 0.2
_OF_EACH = 0.3
_LOST = 1.0


def loss_of(answer: Tensor, batch: dict[str, Tensor], kinds: int) -> Tensor:
    """Logarithms of error and jitter, as parts of the detector's own: of each person and of each kind."""
    truth, seen = batch["truth"], batch["seen"]
    counted = (batch["inside"] & seen[..., None]).float()
    error, raw = answer - truth, batch["places"] - truth
    parts = []
    for share, (ours, theirs), weight in (
        (1.0, (error, raw), counted),
        (JITTER_SHARE, (_bend(error), _bend(raw)), counted[:, 2:] * counted[:, 1:-1] * counted[:, :-2]),
    ):
        sums = [((way**2).sum(dim=-1) * weight).sum(dim=(1, 2)) for way in (ours, theirs)]
        sound = (sums[1] > 0) & (sums[0] < _LOST * weight.sum(dim=(1, 2)))
        each = torch.log(sums[0][sound] / sums[1][sound]).mean()
        of_kind = [torch.zeros(kinds).index_add(0, batch["kind"][sound], one[sound]) for one in sums]
        some = of_kind[1] > 0
        parts.append(share * (_OF_EACH * each + torch.log(of_kind[0][some] / of_kind[1][some]).mean()))
    gap = (batch["inside"] & ~seen[..., None]).float()
    held = _held(batch["places"], seen)
    missed = [(((way - truth) ** 2).sum(dim=-1) * gap).sum() for way in (answer, held)]
    return parts[0] + parts[1] + GAP_SHARE * torch.log(missed[0] / missed[1])


def _bend(ways: Tensor) -> Tensor:
    return ways[:, 2:] - 2 * ways[:, 1:-1] + ways[:, :-2]


def _held(places: Tensor, seen: Tensor) -> Tensor:
    held = [places[:, 0]]
    for frame in range(1, places.shape[1]):
        held.append(torch.where(seen[:, frame, None, None], places[:, frame], held[-1]))
    return torch.stack(held, dim=1)


def teach(scenes: int, steps: int, seed: int) -> NoiseNet:
    """A net that has seen so many scenes, after so many steps of Adam."""
    torch.manual_seed(seed)
    clips = make_clips(scenes, seed)
    random = np.random.default_rng(seed)
    data = tensors(clips)
    kinds = int(data["kind"].max()) + 1
    net = NoiseNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    for step in range(steps):
        rows = torch.from_numpy(random.choice(len(clips), min(BATCH, len(clips)), replace=False))
        batch = {name: values[rows] for name, values in data.items()}
        batch = {name: v[:, :SPAN] if v.dim() > 1 else v for name, v in batch.items()}
        loss = loss_of(filtered(net, batch), batch, kinds)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            log.info("step=%d clips=%d loss=%.3f", step, len(clips), loss.item())
    return net


def written(net: NoiseNet) -> str:
    """The numbers as a Python module."""
    state = {name: value.detach().double().numpy() for name, value in net.state_dict().items()}
    arrays = {
        "INPUT": (state["input.weight"].T, "From features to hidden."),
        "JOINTS": (state["joints"], "Added for each kind of joint."),
        "OUTPUT": (
            5 * state["output.weight"].T,
            "Logarithms of the process noise and of a factor on the measurement variance.",
        ),
        "OUTPUT_BIAS": (5 * state["output.bias"], "Of these two."),
        "BODY": (4 * state["body.weight"][0], "Logarithm of the body's process noise."),
        "BODY_BIAS": (state["body.bias"], "Of that."),
        "LIMBS_LAST_S": (
            np.exp(state["log_limbs_last"]),
            "Seconds after which what limbs of somebody unseen move against the body has fallen by e.",
        ),
    }
    kinds = ", ".join(map(str, KINDS.tolist()))
    text = f'''"""The numbers of the adaptive filter, written by `python -m training.refine`; do not edit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def _numbers(shape: tuple[int, ...], text: str) -> NDArray[np.float64]:
    return np.array(text.split(), np.float64).reshape(shape)


# Which of the nine kinds each joint is: left and right are alike.
KINDS = np.array([{kinds}])
'''
    for name, (array, meaning) in arrays.items():
        numbers = " ".join(f"{value:.4g}" for value in array.ravel())
        lines = textwrap.fill(numbers, 108, initial_indent="    ", subsequent_indent="    ")
        text += f'# {meaning}\n{name} = _numbers(\n    {array.shape},\n    """\n{lines}\n    """,\n)\n'
    return text


@click.command()
@click.option("--scenes", default=300, show_default=True, help="Simulated scenes to learn from.")
@click.option("--steps", default=1200, show_default=True, help="Steps of the optimiser.")
@click.option("--seed", default=11, show_default=True, help="Of the scenes, the detectors and the net.")
@click.option("--out", type=click.Path(path_type=Path), default=OUTPUT, help="Where to write the numbers.")
def main(scenes: int, steps: int, seed: int, out: Path) -> None:
    """Teach the adaptive filter's net on simulated people."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    net = teach(scenes, steps, seed)
    out.write_text(written(net), encoding="utf-8")
    log.info("%s: written, from clips of %d frames", out, FRAMES)


if __name__ == "__main__":
    main()
