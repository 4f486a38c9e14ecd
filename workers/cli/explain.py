"""`nexara explain`: a picture of what carried a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from shared.config import ConfigError
from shared.messages import Tracks, Verdict, Verdicts
from shared.skeleton import JOINTS
from shared.stage import BadInput
from workers.classify.evaluation.clips import leader_of
from workers.classify.judge import Finding
from workers.cli.films import name_of, open_looker
from workers.cli.judging import Classify, Settings, open_classify, settings_from, steps, tracks_of_film
from workers.cli.results import clean_stdout
from workers.cli.tail import judgement
from workers.ingest.encode import EncodeError
from workers.ingest.sources import SourceError
from workers.pose.evaluation.clip_files import Clip, read_clips, tracks_of

_NAMES_SHOWN = 3
_JOINTS_SAID = 3


@dataclass(frozen=True)
class Choice:
    """The verdict to explain: its step, and the time of the clip's first record."""

    finding: Finding
    said: Verdicts
    verdict: Verdict
    began_at: float


@click.command()
@click.argument("file", metavar="VIDEO|FILE.npz", type=click.Path(path_type=Path))
@click.option("--out", required=True, metavar="FILE", type=click.Path(path_type=Path), help="The PNG.")
@click.option("--clip", metavar="NAME", help="Which clip of an NPZ file.")
@click.option(
    "--at", type=float, metavar="SECONDS", help="The verdict nearest to this time, not the most violent."
)
@click.option("--weights", metavar="FILE", help="Pose weights: short for --set pose.weights=FILE.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a value, as classify.veto=always."
)
def explain(
    file: Path,
    out: Path,
    clip: str | None,
    at: float | None,
    weights: str | None,
    overrides: tuple[str, ...],
) -> None:
    """Draw what carried a verdict.

    Both people at four moments, and the share of each joint and moment in the score.

    \b
    nexara explain lobby.mp4 --weights yolo26n-pose.pt --out lobby.png
    nexara explain clips.npz --clip fight/fi001.mp4 --at 1.5 --out fi001.png

    A share says how far the evidence falls where a joint or a moment is left out. FILE.npz holds detections
    (docs/verdicts.md).
    """  # noqa: D301
    if weights is not None and file.suffix == ".npz":
        raise ConfigError(f"--weights: {file} holds detections: only a video needs a detector")
    with clean_stdout():
        settings = settings_from(overrides, weights)
        name, choice = _chosen(file, clip, at, settings)
        when = choice.said.at - choice.began_at
        title = f"{name} at {when:.2f} s: {choice.verdict.result} {choice.verdict.score:.3f}"
        _draw(out, title, choice)
    click.echo(f"{out}: {name} at {when:.2f} s: {judgement(choice.verdict)}")
    click.echo(_carried(choice.verdict))


def _chosen(file: Path, clip: str | None, at: float | None, settings: Settings) -> tuple[str, Choice]:
    stage = open_classify(settings, explains=False)
    if file.suffix == ".npz":
        one = _clip(file, clip)
        name, tracks = one.name, tracks_of(one, settings.pose)
    elif clip is not None:
        raise ConfigError(f"--clip: {file} is no .npz: a video is one clip")
    else:
        name, tracks = name_of(file.absolute()), tracks_of_film(file, open_looker(settings.pose))
    try:
        choice = _choice(tracks, stage, at)
    except (SourceError, EncodeError, BadInput) as error:
        raise ConfigError(f"{file}: {error}") from error
    if choice is None:
        raise ConfigError(f"{file}: {name}: nobody was judged in it: there is nothing to explain")
    return name, _explained(choice, settings)


def _clip(path: Path, name: str | None) -> Clip:
    clips = {clip.name: clip for clip in read_clips(path)}
    if name is None and len(clips) == 1:
        return next(iter(clips.values()))
    if name not in clips:
        some = ", ".join(list(clips)[:_NAMES_SHOWN])
        what = "has several clips" if name is None else f"has no clip '{name}'"
        raise ConfigError(f"{path}: {what}: give --clip NAME, as {some}")
    return clips[name]


def _choice(tracks: Iterable[Tracks], stage: Classify, at: float | None) -> Choice | None:
    """The most violent verdict of all, or of the step nearest to a time since the first record."""
    best: Choice | None = None
    began_at: float | None = None
    for finding, said in steps(tracks, stage):
        began_at = finding.tracks.at if began_at is None else began_at
        if said is None or not said.verdicts:
            continue
        verdict = leader_of(said) or max(said.verdicts, key=lambda verdict: verdict.score)
        new = Choice(finding, said, verdict, began_at)
        if best is None or _rank(new, at) > _rank(best, at):
            best = new
    return best


def _rank(choice: Choice, at: float | None) -> tuple[float, ...]:
    if at is not None:
        return (-abs(choice.said.at - choice.began_at - at),)
    verdict = choice.verdict
    return verdict.result == "VIOLENCE", verdict.result != "UNSURE", verdict.score


def _explained(choice: Choice, settings: Settings) -> Choice:
    """The same with its explanation: asked for once, since it takes as much as judging 25 steps."""
    (said,) = open_classify(settings, explains=True).judge([choice.finding])
    if not isinstance(said, Verdicts):
        return choice
    verdict = next(one for one in said.verdicts if one.track_id == choice.verdict.track_id)
    return Choice(choice.finding, said, verdict, choice.began_at)


def _carried(verdict: Verdict) -> str:
    """The joints that carried most, in words."""
    if verdict.explanation is None:
        return "no explanation: only the most violent person of a scene has one, where the result is VIOLENCE"
    shares = sorted(zip(verdict.explanation.joints, JOINTS, strict=True), reverse=True)[:_JOINTS_SAID]
    return "carried by " + ", ".join(f"{name.replace('_', ' ')} {share:.0%}" for share, name in shares)


def _draw(path: Path, title: str, choice: Choice) -> None:
    from workers.classify.evaluation.explanation_plot import draw_explanation  # loads matplotlib

    try:
        draw_explanation(
            path, title, choice.finding.due, choice.verdict, choice.said.experts, choice.began_at
        )
    except OSError as error:
        raise ConfigError(f"--out: {path}: cannot be written: {error.strerror or error}") from error
