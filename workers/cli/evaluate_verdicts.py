"""`nexara evaluate verdicts`: clips judged as the fleet would judge them, against their labels."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from shared.config import ConfigError
from shared.stage import BadInput
from workers.classify.card import Card, CardError, read_card
from workers.classify.config import ClassifyConfig
from workers.classify.evaluation.report import Report, report_of
from workers.classify.evaluation.sources import LABELS, SourcesError, checked, names_of, origins_of
from workers.classify.evaluation.told import as_numbers, as_text, warning
from workers.cli.films import Looker, films_in, name_of, open_looker
from workers.cli.judging import Judged, Settings, judged, open_classify, settings_from, tracks_of_film
from workers.cli.results import clean_stdout, counted
from workers.ingest.encode import EncodeError
from workers.ingest.sources import SourceError
from workers.pose.evaluation.clip_files import read_clips, tracks_of

log = logging.getLogger(__name__)

SOURCES = "source_groups.json"


@dataclass(frozen=True)
class Found:
    """What was said of all clips.

    Attributes:
        clips: of each that could be read.
        films: the films by the clips' names, and what looked at them; nothing where the clips are detections.
        skipped: names of films that could not be read.
    """

    clips: list[Judged]
    films: dict[str, Path] = field(default_factory=dict)
    looker: Looker | None = None
    skipped: list[str] = field(default_factory=list)


@click.command()
@click.argument("data", metavar="FILE.npz|FOLDER", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.option("--plot", metavar="DIR", type=click.Path(path_type=Path), help="Draw PNG pictures into DIR.")
@click.option(
    "--groups",
    metavar="JSON",
    type=click.Path(path_type=Path),
    help="A list of lists of clip names, one list for each source video; default: FOLDER/source_groups.json.",
)
@click.option(
    "--weights", metavar="FILE", help="Pose weights, for a FOLDER: short for --set pose.weights=FILE."
)
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a value, as classify.veto=always."
)
def verdicts(
    data: Path,
    as_json: bool,
    plot: Path | None,
    groups: Path | None,
    weights: str | None,
    overrides: tuple[str, ...],
) -> None:
    """How well verdicts tell fights from the rest, clip by clip.

    \b
    FILE.npz  detections of labelled clips (docs/verdicts.md), followed by our own tracker
    FOLDER    films in fight/ and noFight/, looked at by our own detector first

    \b
    nexara evaluate verdicts clips.npz --groups source_groups.json --plot plots
    nexara evaluate verdicts films --weights yolo26n-pose.pt --json

    A clip's score is the mean of the highest third of its scenes' scores. Intervals are by source video.
    """  # noqa: D301
    if weights is not None and not data.is_dir():
        raise ConfigError(f"--weights: {data} is no folder of films: only those need a detector")
    with clean_stdout():
        settings = settings_from(overrides, weights)
        sources = _sources(groups or (data / SOURCES if (data / SOURCES).is_file() else None))
        found = _films(data, settings) if data.is_dir() else _detections(data, settings)
        report = _report(found, sources, settings.classify)
        if plot is not None:
            _draw(found, report.threshold, plot)
    if not as_json:
        click.echo(as_text(report))
        return
    if report.seen:
        click.echo(warning(report), err=True)
    scores = [
        {"name": one.outcome.name, "label": one.outcome.label, "score": round(one.outcome.score, 4)}
        for one in found.clips
    ]
    click.echo(json.dumps({**as_numbers(report), "skipped": found.skipped, "scores": scores}))


def _films(folder: Path, settings: Settings) -> Found:
    """What is said of a folder's films; those that cannot be read are named and passed over."""
    films = films_in(folder)
    if not films:
        raise ConfigError(
            f"{folder}: holds no clips: put them into {' and '.join(f'{name}/' for name in LABELS)}"
        )
    stage, looker = open_classify(settings, explains=False), open_looker(settings.pose)
    found = Found([], looker=looker)
    for film in counted(films, "films"):
        name, label = name_of(film), LABELS[film.parent.name]
        try:
            found.clips.append(judged(name, label, tracks_of_film(film, looker), stage))
            found.films[name] = film
        except (SourceError, EncodeError, BadInput) as error:
            click.echo(f"{name}: skipped: {error}", err=True)
            found.skipped.append(name)
    if not found.clips:
        click.echo(f"nexara: {folder}: none of its {len(films)} films can be decoded", err=True)
        raise click.exceptions.Exit(1)
    return found


def _detections(path: Path, settings: Settings) -> Found:
    """What is said of the clips whose detections are in a file."""
    clips = read_clips(path)
    stage = open_classify(settings, explains=False)
    found = Found([])
    for clip in counted(clips, "clips"):
        try:
            found.clips.append(judged(clip.name, clip.label, tracks_of(clip, settings.pose), stage))
        except BadInput as error:
            raise ConfigError(f"{path}: {clip.name}: {error}") from error
    return found


def _sources(path: Path | None) -> list[list[str]]:
    if path is None:
        return []
    try:
        return checked(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"--groups: {path}: cannot be read: {error.strerror or error}") from error
    except SourcesError as error:
        raise ConfigError(f"--groups: {path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--groups: {path}: not JSON: {error}") from error


def _report(found: Found, sources: Sequence[Sequence[str]], config: ClassifyConfig) -> Report:
    outcomes = [one.outcome for one in found.clips]
    cards = [_card(expert.weights) for expert in config.asked()]
    origins = origins_of(
        [names_of(outcome.name, outcome.label) for outcome in outcomes],
        sources,
        {name for card in cards for name in card.trained_on},
    )
    return report_of(outcomes, origins, cards[0].clip_threshold)


def _card(weights: Path) -> Card:
    try:
        return read_card(weights)
    except CardError as error:
        raise ConfigError(f"classify: {error}") from error


def _draw(found: Found, threshold: float, folder: Path) -> None:
    from workers.cli.verdict_plots import draw_all  # loads matplotlib

    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = draw_all(found.clips, found.films, found.looker, threshold, folder)
    except OSError as error:
        raise ConfigError(f"--plot: {folder}: cannot be written: {error.strerror or error}") from error
    click.echo("\n".join(f"drew {path}" for path in paths), err=True)
