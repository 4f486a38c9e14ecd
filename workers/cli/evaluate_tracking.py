"""`nexara evaluate tracking`: identities in MOTChallenge text against a truth."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from shared.config import ConfigError
from workers.pose.evaluation.mot_text import MotTextError, read_tracklets
from workers.pose.evaluation.tracking import TrackingScores, Tracklets, score_tracking


@click.command()
@click.argument("truth", type=click.Path(path_type=Path))
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw who was followed as whom, as PNG."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def tracking(truth: Path, result: Path, plot: Path | None, as_json: bool) -> None:
    """How well identities are kept: HOTA, IDF1, MOTA, switches.

    TRUTH and RESULT are MOTChallenge text: frame,id,left,top,width,height,confidence on each line; lines with
    confidence 0 are left out. The figures are those of trackeval.

    \b
    nexara evaluate tracking gt.txt result.txt --plot tracking.png
    """  # noqa: D301
    known, found = _read(truth), _read(result)
    if not len(known):
        raise ConfigError(f"{truth}: no boxes: there is nothing to compare with")
    scores = score_tracking(known, found)
    click.echo(json.dumps(asdict(scores)) if as_json else _table(scores))
    if plot is not None:
        _draw(known, found, plot)


def _read(path: Path) -> Tracklets:
    try:
        with path.open(encoding="utf-8") as lines:
            return read_tracklets(lines, str(path))
    except MotTextError as error:
        raise ConfigError(str(error)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: cannot be read as text: {getattr(error, 'strerror', None) or error}"
        ) from error


def _draw(truth: Tracklets, result: Tracklets, path: Path) -> None:
    from workers.pose.evaluation.tracking_plot import draw_tracking  # loads matplotlib

    try:
        with path.open("wb") as target:
            draw_tracking(truth, result, target)
    except OSError as error:
        raise ConfigError(f"--plot: {path}: cannot be written: {error.strerror}") from error


def _table(scores: TrackingScores) -> str:
    lines = [
        ("HOTA", scores.hota, f"detection {scores.det_a:.4f}, association {scores.ass_a:.4f}"),
        ("IDF1", scores.idf1, f"precision {scores.idp:.4f}, recall {scores.idr:.4f}"),
        (
            "MOTA",
            scores.mota,
            f"hits {scores.hits}, misses {scores.misses}, false boxes {scores.false_boxes}",
        ),
        ("switches", scores.switches, f"identities: {scores.truth_ids} true, {scores.result_ids} given"),
        ("fragmentations", scores.fragmentations, ""),
    ]
    return "\n".join(
        f"{name:<15}{figure if isinstance(figure, int) else format(figure, '.4f'):>8}  {more}".rstrip()
        for name, figure, more in lines
    )
