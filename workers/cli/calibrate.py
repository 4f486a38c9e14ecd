"""`nexara calibrate`: recordings and what people said of incidents -> thresholds for a site."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from shared.config import ConfigError
from shared.messages import Message
from shared.recording import SUFFIX
from shared.stage import Stage
from workers.classify.config import ClassifyConfig
from workers.cli.calibration.outcome import Outcome, Scored
from workers.cli.calibration.proposal import PRIMARY, Grid, grid_of, outcome_of, proposed
from workers.cli.calibration.thresholds import Bar, Pair, own_thresholds
from workers.cli.calibration.told import Calibration, as_csv, as_numbers, as_text
from workers.cli.calibration.truths import Known, Spans, known, labels_in, spans_in
from workers.cli.options import SITE_PATH, SITE_VARIABLE, changes, set_option
from workers.cli.recorded.pipeline import Pipeline, RecordedRules
from workers.cli.recorded.settings import settings_of
from workers.cli.recorded.takes import Shelf, Take, shelf_of
from workers.cli.results import clean_stdout, counted
from workers.cli.site import Site, load

_DAY_S = 86_400.0


class Wishes(NamedTuple):
    """What the user asked for; see the options."""

    quiet: bool
    most_a_day: float | None
    scene_follows: bool
    holdout: bool


@click.command()
@click.argument("site_file", metavar="SITE.yaml", type=SITE_PATH, envvar=SITE_VARIABLE)
@click.argument("recordings", metavar="[RECORDING...]", nargs=-1, type=click.Path(path_type=Path))
@set_option
@click.option(
    "--truth", "truth_file", metavar="JSON", type=click.Path(path_type=Path), help="Fights in recordings."
)
@click.option("--quiet", is_flag=True, help="Nothing happened in these recordings but what is labelled true.")
@click.option(
    "--max-false-per-day",
    "most_a_day",
    type=click.FloatRange(min=0),
    help="False incidents a camera-day that may be; default: as few as any pair has.",
)
@click.option(
    "--scene-follows-primary", "scene_follows", is_flag=True, help="One threshold for people and scene."
)
@click.option("--holdout", is_flag=True, help="Choose by every other recording, measure on the rest.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Write CSV, JSON and a picture.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def calibrate(
    site_file: Path,
    recordings: tuple[Path, ...],
    overrides: tuple[str, ...],
    truth_file: Path | None,
    quiet: bool,
    most_a_day: float | None,
    scene_follows: bool,
    holdout: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Choose thresholds by a site's own incidents: what each pair would have found and falsely claimed.

    \b
    nexara calibrate site.yaml                          evidence of labelled incidents
    nexara calibrate site.yaml nights/ --quiet          nothing happened but what is labelled
    nexara calibrate site.yaml staged/ --truth fights.json --out calibration

    Label incidents on the site's page first. A RECORDING is what nexara record wrote, or a folder of such
    files. Nothing is changed: the last lines printed are for the site file.
    """  # noqa: D301
    with clean_stdout():
        site = load(site_file, changes(overrides))
        wishes = Wishes(quiet, most_a_day, scene_follows, holdout)
        spans = spans_in(truth_file) if truth_file is not None else {}
        shelf = shelf_of(_places(site, recordings))
        found = _calibrated(site, shelf, spans, wishes)
        if out is not None:
            _write(found, out)
    for remark in shelf.remarks:
        click.echo(remark, err=True)
    click.echo(json.dumps(as_numbers(found)) if as_json else as_text(found))


def _calibrated(site: Site, shelf: Shelf, spans: Spans, wishes: Wishes) -> Calibration:
    present, vetoes = _present(site.classify)
    classify, incidents = _stages(site, shelf, present)
    labels = labels_in(site.database_url)
    facts = known(shelf.takes, labels, spans, wishes.quiet, classify.history_s)
    # Of the takes that have a part in the choice.
    every = 2 if wishes.holdout else 1
    quiet_s = sum(
        take.seconds
        for take, truth in zip(shelf.takes[::every], facts.truths[::every], strict=True)
        if truth.complete
    )
    _check(facts, quiet_s, wishes.most_a_day)
    lowest = min(PRIMARY[0], present.pair.primary, present.scene_threshold)
    scored = [
        Scored(take, _records(take, classify), incidents, site.incidents, truth, lowest)
        for take, truth in zip(counted(shelf.takes, "takes"), facts.truths, strict=True)
    ]
    grid = grid_of(scored[::every], present, scene_follows=wishes.scene_follows, vetoes=vetoes)
    most = None if wishes.most_a_day is None else wishes.most_a_day * quiet_s / _DAY_S
    why_none = _why_none(grid, facts, quiet_s)
    proposal = None if why_none else proposed(grid, most)
    others = scored[1::2] if wishes.holdout else []
    return Calibration(
        grid=grid,
        proposal=proposal,
        why_none=why_none or ("" if proposal else "no pair that is allowed finds any of them"),
        present=present,
        scene_follows=wishes.scene_follows,
        held_out=_held_out(others, present, proposal, scene_follows=wishes.scene_follows),
        takes=len(shelf.takes),
        seconds=sum(take.seconds for take in shelf.takes),
        quiet_s=quiet_s,
        known=facts,
        special=_special(site),
    )


def _present(config: ClassifyConfig) -> tuple[Bar, bool]:
    """What holds now, and whether there is a veto whose threshold it says.

    Raises:
        ConfigError: the primary has a threshold of its own.
    """
    own = own_thresholds(config)
    if own[0] is not None:
        raise ConfigError(
            "classify.experts.0.threshold: the primary has one of its own, which no other threshold changes:"
            " take it out"
        )
    vetoes = [mine for expert, mine in zip(config.asked(), own, strict=True) if expert.role == "veto"]
    pair = config.pair()
    return Bar(Pair(pair.primary, pair.veto), own, config.scene_threshold), None in vetoes


def _places(site: Site, recordings: Sequence[Path]) -> Sequence[Path]:
    if recordings:
        return recordings
    folder = site.evidence_directory
    if not folder.is_dir() or next(folder.rglob(f"[!.]*{SUFFIX}"), None) is None:
        raise ConfigError(f"{folder}: holds no recordings of incidents: give some, made with nexara record")
    return [folder]


def _stages(
    site: Site, shelf: Shelf, present: Bar
) -> tuple[Stage[Any, Any, Any, Any], Stage[Any, Any, Any, Any]]:
    """Classify with every veto asked of everybody, and incidents; zones are those that were recorded."""
    thresholds = {
        "primary_threshold": present.pair.primary,
        "veto_threshold": present.pair.veto,
        "scene_threshold": present.scene_threshold,
    }
    rules_of = RecordedRules(shelf.rules, site.rules(), thresholds)
    veto = "never" if site.classify.veto == "never" else "always"
    asked = site.classify.model_copy(update={"veto": veto, "explain": "never"})
    settings = settings_of(site, {}).model_copy(update={"classify": asked})
    return settings.stages(rules_of)


def _records(take: Take, classify: Stage[Any, Any, Any, Any]) -> Iterator[Message]:
    """A take's verdicts and marks, anew."""
    for step in Pipeline(take.camera, classify).judge(take.entries()):
        if step.verdicts is not None:
            yield step.verdicts


def _check(facts: Known, quiet_s: float, most_a_day: float | None) -> None:
    """Raises ConfigError where there is nothing to calibrate by."""
    usable = any(truth.fights or truth.alarms or truth.complete for truth in facts.truths)
    if not usable:
        why = "no incident is labelled"
        if facts.unused:
            why = f"of {len(facts.unused)} labelled incidents none was recorded, with the seconds before it"
        raise ConfigError(
            f"nothing to calibrate by: {why}: label incidents on the site's page, or give --truth or --quiet"
        )
    if most_a_day is not None and not quiet_s:
        raise ConfigError(
            "--max-false-per-day: of no recording everything is known: give --quiet or --truth with it"
        )


def _why_none(grid: Grid, facts: Known, quiet_s: float) -> str:
    """What there is too little of for a proposal; "" for nothing."""
    if not grid.fights:
        return "there is no true incident by which to see what is found"
    if not quiet_s and not any(truth.alarms for truth in facts.truths):
        return "there is nothing by which to see what is false: label false incidents, or give --quiet"
    return ""


def _held_out(
    takes: Sequence[Scored], present: Bar, proposal: Pair | None, *, scene_follows: bool
) -> tuple[Outcome, Outcome] | None:
    """The takes that had no part in the choice, at what holds now and at what is proposed."""
    if not takes or proposal is None:
        return None
    bar = Bar(proposal, present.own, None if scene_follows else present.scene)
    return outcome_of(takes, present), outcome_of(takes, bar)


def _special(site: Site) -> tuple[str, ...]:
    """Cameras with thresholds of their own."""
    return tuple(
        name
        for name, camera in site.cameras.items()
        if (camera.primary_threshold, camera.veto_threshold, camera.scene_threshold) != (None, None, None)
    )


def _write(found: Calibration, folder: Path) -> None:
    from workers.cli.calibration.plot import draw  # loads matplotlib

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "calibration.csv").write_text(as_csv(found), encoding="utf-8")
        (folder / "calibration.json").write_text(json.dumps(as_numbers(found), indent=2) + "\n")
        draw(found, folder / "calibration.png")
    except OSError as error:
        raise ConfigError(f"--out: {folder}: cannot be written: {error.strerror or error}") from error
    click.echo(f"wrote calibration.csv, .json and .png into {folder}", err=True)
