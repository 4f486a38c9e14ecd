"""`nexara simulate`: a film of a simulated camera, with the truth about every frame."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import click
import numpy as np

from shared.config import ConfigError
from workers.cli.results import counted
from workers.ingest.simulated.address import Address, parse
from workers.ingest.simulated.site_camera import SiteCamera
from workers.ingest.simulated.truth import Truth

_LEAST_SHARE = 0.1


@click.command()
@click.argument("address")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A folder.")
def simulate(address: str, out: Path) -> None:
    """Write a film of a simulated camera and the truth about it.

    \b
    nexara simulate "sim://plaza?people=3&fights=1&seed=7&seconds=30" --out plaza

    \b
    film.mp4     what `nexara up --video` takes
    truth.npz    TRUTH of `nexara evaluate skeletons`
    gt.txt       TRUTH of `nexara evaluate tracking`: boxes of whom a tenth is to be seen
    fights.json  from when until when people fight, seconds
    """  # noqa: D301
    try:
        wanted = parse(address)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if wanted.frames is None:
        raise ConfigError("simulate: the address needs an end: add seconds=30")
    camera = SiteCamera(wanted)
    try:
        out.mkdir(parents=True, exist_ok=True)
        truths = _film(camera, wanted, out / "film.mp4")
        np.savez_compressed(out / "truth.npz", **_skeletons(truths))
        (out / "gt.txt").write_text("".join(_boxes(truths)), encoding="ascii")
        spans = camera.fights(wanted.frames / wanted.fps)
        fights = [[round(first, 3), round(last, 3)] for first, last in spans]
        (out / "fights.json").write_text(json.dumps(fights) + "\n", encoding="ascii")
    except OSError as error:
        raise ConfigError(f"--out: {out}: cannot be written: {error.strerror or error}") from error
    click.echo(f"{out}: {len(truths)} frames, {len(fights)} fights")


def _film(camera: SiteCamera, address: Address, path: Path) -> list[Truth]:
    """Writes the pictures as H.264, and gives the truth of each."""
    truths = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(address.fps).limit_denominator(1000), options={"crf": "20"}
        )
        stream.width, stream.height = camera.size
        stream.pix_fmt = "yuv420p"
        for number in counted(range(address.frames or 0), "frames"):
            frame = av.VideoFrame.from_ndarray(camera.picture(number), "bgr24")
            container.mux(stream.encode(frame))
            truths.append(camera.truth(number))
        container.mux(stream.encode())
    return truths


def _skeletons(truths: list[Truth]) -> dict[str, Any]:
    """The arrays of a truth file (`workers/pose/evaluation/skeleton_files.py`)."""
    ids = np.unique(np.concatenate([truth.ids for truth in truths]))
    present = np.zeros((len(truths), len(ids)), bool)
    keypoints = np.zeros((*present.shape, 17, 3), np.float32)
    heights = np.zeros(present.shape, np.float32)
    for row, truth in enumerate(truths):
        columns = np.searchsorted(ids, truth.ids)
        present[row, columns] = truth.present[0]
        keypoints[row, columns] = truth.keypoints[0]
        heights[row, columns] = truth.heights_px[0]
    at = np.array([truth.at[0] for truth in truths])
    return {"at": at, "ids": ids, "present": present, "keypoints": keypoints, "heights_px": heights}


def _boxes(truths: list[Truth]) -> list[str]:
    """Lines of MOTChallenge text; frames count from 1."""
    lines = []
    for number, truth in enumerate(truths, 1):
        for person in np.flatnonzero(truth.present[0] & (truth.visible_share[0] >= _LEAST_SHARE)):
            left, top, right, bottom = truth.boxes[0, person]
            box = f"{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f}"
            lines.append(f"{number},{truth.ids[person]},{box},1,-1,-1,-1\n")
    return lines
