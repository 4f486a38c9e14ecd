"""`nexara evaluate skeletons`: how far skeletons are from the truth."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click

from shared.config import ConfigError
from shared.skeleton import JOINTS

GAPS = (1, 5, 15, 30)


@click.command()
@click.argument("truth", type=click.Path(path_type=Path))
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--plot", metavar="DIR", type=click.Path(path_type=Path), help="Draw PNG pictures into DIR.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def skeletons(truth: Path, result: Path, plot: Path | None, as_json: bool) -> None:
    """Jitter, error, lag and gap error of skeletons.

    \b
    TRUTH, an NPZ file of T moments and N people:
      at          [T]            seconds, rising
      ids         [N]            whole numbers
      present     [T, N]         whether the person is in the image
      keypoints   [T, N, 17, 3]  x, y in pixels (COCO order); third above 0: visible
      heights_px  [T, N]         body heights, the unit of all lengths
    RESULT, an NPZ file of R rows, one for each person and moment:
      frame       [R]            index of the moment; or instead `at`, seconds
      id          [R]            whole numbers
      keypoints   [R, 17, 3]     x, y in pixels, confidence
      predicted   [R]            true while the person is not seen; may be absent

    \b
    jitter  RMS second difference of (result - truth), over three moments in a row
    error   RMS of (result - truth)
    lag     the delay of the truth that brings it nearest to the result
    gaps    mean distance of predicted skeletons, by how long the person is unseen,
            beside the distance had the last seen skeleton been held
    jump    step at the return, less the truth's step

    Lengths are in thousandths of the body height; the length of a difference is that of the point's way in
    x and y together. Other ids than the truth's go to the person whom they follow best, one each.
    """  # noqa: D301
    from workers.pose.evaluation.matching import align
    from workers.pose.evaluation.skeleton_files import load_result, load_truth
    from workers.pose.evaluation.skeletons import score

    there = load_truth(truth)
    aligned = align(there, load_result(result, there.at))
    scores = {
        joints: score(
            there.at,
            there.keypoints,
            there.present,
            there.heights_px,
            aligned.estimate,
            predicted=aligned.predicted,
            visible_only=joints == "visible",
        )
        for joints in ("all", "visible")
    }
    report: dict[str, Any] = {joints: _numbers(found) for joints, found in scores.items()}
    report["unmatched_ids"] = aligned.unmatched.tolist()
    click.echo(json.dumps(report, indent=2) if as_json else _table(report))
    if plot is not None:
        from workers.pose.evaluation.skeletons_plot import draw

        try:
            plot.mkdir(parents=True, exist_ok=True)
            paths = draw(there.at, scores["all"], plot)
        except OSError as error:
            raise ConfigError(f"{plot}: cannot be written: {error.strerror or error}") from error
        click.echo("\n".join(f"drew {path}" for path in paths), err=True)


def _numbers(found: Any) -> dict[str, Any]:
    """A score as JSON has it: lengths in body heights, null where nothing was measured."""
    gaps = found.gaps
    columns = zip(gaps.frames, gaps.seconds, gaps.error, gaps.held, gaps.count, strict=True)
    return {
        "jitter": _number(found.jitter),
        "error": _number(found.error),
        "lag_ms": _number(found.lag_ms),
        "found": _number(found.found),
        "error_by_joint": {
            name: _number(value) for name, value in zip(JOINTS, found.error_by_joint, strict=True)
        },
        "gaps": [
            {
                "frames": int(frames),
                "s": float(s),
                "error": float(error),
                "held": float(held),
                "count": int(n),
            }
            for frames, s, error, held, n in columns
        ],
        "returns": len(gaps.jumps),
        "jump": _number(gaps.jumps.mean()) if len(gaps.jumps) else None,
        "largest_jump": _number(gaps.jumps.max()) if len(gaps.jumps) else None,
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _table(report: dict[str, Any]) -> str:
    sides = [report["all"], report["visible"]]
    lines = [f"{'':<28}{'all joints':>12}{'visible':>12}"]
    for label, key, unit in (
        ("found, %", "found", 100),
        ("jitter, 1/1000 height", "jitter", 1000),
        ("error, 1/1000 height", "error", 1000),
        ("lag, ms", "lag_ms", 1),
        ("jump at return, 1/1000", "jump", 1000),
        ("largest jump, 1/1000", "largest_jump", 1000),
    ):
        lines.append(_line(label, [_scaled(side[key], unit) for side in sides]))
    gaps = [{gap["frames"]: gap for gap in side["gaps"]} for side in sides]
    for frames in GAPS:
        if frames in gaps[0]:
            for label, key in ((f"unseen for {frames} frames", "error"), ("  last one held", "held")):
                lines.append(_line(label, [_scaled(side.get(frames, {}).get(key), 1000) for side in gaps]))
    if report["unmatched_ids"]:
        lines.append(f"ids that follow nobody, or not best: {len(report['unmatched_ids'])}")
    return "\n".join(lines)


def _scaled(value: float | None, unit: float) -> str:
    return "-" if value is None else f"{value * unit:.1f}"


def _line(label: str, values: list[str]) -> str:
    return f"{label:<28}" + "".join(f"{value:>12}" for value in values)
