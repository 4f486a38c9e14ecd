"""The pictures of `nexara evaluate verdicts`: figures, and the worst mistakes to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.classify.evaluation.sheet import OTHER, PARTNER, PERSON, Cell, Strip, draw_sheet
from workers.classify.evaluation.verdicts_plot import draw
from workers.cli.films import Looker, frames_of, opened
from workers.cli.judging import Judged, Moment
from workers.pose.images import decode

MISTAKES = 8

Picture = NDArray[np.uint8]


def draw_all(
    clips: Sequence[Judged],
    films: Mapping[str, Path],
    looker: Looker | None,
    threshold: float,
    folder: Path,
) -> list[Path]:
    """Draw everything into a folder that is there.

    Args:
        clips: what was said of each.
        films: by the clip's name; a clip without one is drawn as skeletons alone.
        looker: in whose pixels the films' skeletons are.
        threshold: score from which a clip counts as violent.
        folder: for the pictures.

    Returns:
        The files.

    Raises:
        OSError: a file cannot be written.
        SourceError, EncodeError: a film that could be read before cannot be read any more.
    """
    scores = np.array([one.outcome.score for one in clips])
    labels = np.array([one.outcome.label for one in clips])
    paths = draw(scores, labels, threshold, folder)
    for name, title, label in (("false-alarms", "False alarms", 0), ("missed-fights", "Missed fights", 1)):
        wrong = [k for k in range(len(clips)) if labels[k] == label and (scores[k] >= threshold) != label]
        worst = sorted(wrong, key=lambda k: (-abs(scores[k] - threshold), k))[:MISTAKES]
        strips = [_strip(clips[k], films, looker) for k in worst]
        strips = [strip for strip in strips if strip.cells]
        if strips:
            head = (
                f"{title}: the worst {len(strips)} of {len(wrong)}, violent from {threshold:g} on."
                " Orange: whom the score is about, blue: the partner"
            )
            paths.append(draw_sheet(head, strips, folder / f"verdicts-{name}.png"))
    return paths


def _strip(one: Judged, films: Mapping[str, Path], looker: Looker | None) -> Strip:
    outcome = one.outcome
    film = films.get(outcome.name)
    pictures = _pictures(film, looker, one.moments) if film is not None and looker is not None else {}
    kind = "fight" if outcome.label else "no fight"
    who = f"people {outcome.height_px:.0f} px tall" if outcome.verdicts else "nobody was judged"
    return Strip(
        f"{outcome.name}    {kind}, score {outcome.score:.3f}, {who}",
        tuple(_cell(moment, one.about, pictures.get(moment.number)) for moment in one.moments),
    )


def _cell(moment: Moment, about: tuple[int, ...], picture: Picture | None) -> Cell:
    colour_of = dict(zip(about, (PERSON, PARTNER), strict=False))
    return Cell(
        size=moment.size,
        picture=picture,
        keypoints=moment.keypoints,
        colours=tuple(colour_of.get(track, OTHER) for track in moment.ids.tolist()),
    )


def _pictures(film: Path, looker: Looker, moments: Sequence[Moment]) -> dict[int, Picture]:
    """The film's pictures at some moments, RGB, as they were published."""
    wanted = {moment.number for moment in moments}
    options = looker.options(film)
    found = {}
    with opened(options) as source:
        for frame in frames_of(source, options):
            if frame.number in wanted:
                found[frame.number] = np.ascontiguousarray(
                    decode(frame, frame.width, frame.height)[..., ::-1]
                )
            if len(found) == len(wanted):
                break
    return found
