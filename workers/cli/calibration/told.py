"""What is told of a calibration: a table for people, CSV and JSON for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workers.cli.calibration.outcome import Outcome
from workers.cli.calibration.proposal import Grid, frontier, most_expected, wilson
from workers.cli.calibration.thresholds import Bar, Pair
from workers.cli.calibration.truths import Known

# Of 25 by 25 pairs a terminal shows so many rows and columns.
_EVERY = 3
_UNUSED_NAMED = 5
# Below these a figure is an anecdote.
_FEW_FIGHTS, _FEW_HOURS = 20, 24.0


@dataclass(frozen=True)
class Calibration:
    """All that is told.

    Attributes:
        grid: every pair, over all takes or over those that the proposal was chosen by.
        proposal: the pair to take; None: `why_none` says why there is none.
        present: what holds now.
        scene_follows: the scene's threshold is that of the primary.
        held_out: what the present pair and the proposal make of the other takes; None: none were held out.
        takes, seconds: how many, and how long they are together.
        quiet_s: how long those are of which everything is known, of the takes that were chosen by.
        special: cameras with thresholds of their own.
    """

    grid: Grid
    proposal: Pair | None
    why_none: str
    present: Bar
    scene_follows: bool
    held_out: tuple[Outcome, Outcome] | None
    takes: int
    seconds: float
    quiet_s: float
    known: Known
    special: tuple[str, ...] = ()

    @property
    def days(self) -> float:
        """Camera-days of which everything is known."""
        return self.quiet_s / 86_400

    def outcome(self) -> Outcome | None:
        """That of the proposal."""
        return None if self.proposal is None else self.grid.at(self.proposal)


def as_text(found: Calibration) -> str:
    """For a terminal."""
    return "\n".join([*_given(found), "", *_matrix(found), "", *_worth_a_look(found), "", *_end(found)])


def as_csv(found: Calibration) -> str:
    """A line for each pair."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_FIELDS)
    for pair, outcome in _pairs(found.grid):
        figures = _figures(found, pair, outcome)
        writer.writerow(["" if figures[name] is None else figures[name] for name in _FIELDS])
    return text.getvalue()


def as_numbers(found: Calibration) -> dict[str, Any]:
    """For a program."""
    outcome = found.outcome()
    return {
        "recordings": found.takes,
        "hours": round(found.seconds / 3600, 4),
        "hours_known": round(found.quiet_s / 3600, 4),
        "fights": found.grid.fights,
        "labelled_false": sum(len(truth.alarms) for truth in found.known.truths),
        "labelled_not_recorded": [label.incident_id for label in found.known.unused],
        "scene_threshold": "primary" if found.scene_follows else found.present.scene,
        "present": _figures(found, found.grid.now, found.grid.present),
        "proposal": None if outcome is None or found.proposal is None
        else _figures(found, found.proposal, outcome),
        "why_none": found.why_none,
        "held_out": found.held_out and [
            {"fights": len(one.delays), "found": one.found, "false": one.false} for one in found.held_out
        ],
        "pairs": [_figures(found, pair, one) for pair, one in _pairs(found.grid)],
    }  # fmt: skip


_FIELDS = ("primary", "veto", "fights", "found", "recall", "false", "false_per_day", "unlabelled", "delay_s")


def _figures(found: Calibration, pair: Pair, outcome: Outcome) -> dict[str, Any]:
    fights = len(outcome.delays)
    counted = outcome.false - outcome.false_labelled
    return {
        "primary": pair.primary,
        "veto": pair.veto,
        "fights": fights,
        "found": outcome.found,
        "recall": round(outcome.found / fights, 4) if fights else None,
        "false": outcome.false,
        "false_per_day": round(counted / found.days, 3) if found.days else None,
        "unlabelled": outcome.unknown,
        "delay_s": None if outcome.delay is None else round(outcome.delay, 2),
    }


def _pairs(grid: Grid) -> Iterator[tuple[Pair, Outcome]]:
    for primary, row in zip(grid.primary, grid.outcomes, strict=True):
        for veto, outcome in zip(grid.veto, row, strict=True):
            yield Pair(primary, veto), outcome


def _given(found: Calibration) -> list[str]:
    alarms = sum(len(truth.alarms) for truth in found.known.truths)
    lines = [
        f"recorded: {found.seconds / 3600:.2f} camera-hours in {_many(found.takes, 'take')}, everything known"
        f" of {found.quiet_s / 3600:.2f}; {_many(found.grid.fights, 'fight')},"
        f" {_many(alarms, 'incident')} labelled false"
    ]
    if found.held_out is not None:
        lines.append(
            "by every other take the thresholds are chosen; hours known, fights and false are theirs"
        )
    unused = found.known.unused
    if unused:
        some = ", ".join(f"{label.camera} {label.incident_id}" for label in unused[:_UNUSED_NAMED])
        lines.append(
            "not counted, since they were not recorded with the seconds before them:"
            f" {_many(len(unused), 'labelled incident')}: {some}{', ...' * (len(unused) > _UNUSED_NAMED)}"
        )
    if found.special:
        lines.append(
            f"{', '.join(found.special)}: thresholds of their own, which those of classify do not change"
        )
    return lines


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _matrix(found: Calibration) -> list[str]:
    """Found and false of every third pair, as 17/2."""
    grid = found.grid
    rows = range(len(grid.primary) - 1, -1, -_EVERY)
    columns = range(len(grid.veto) - 1, -1, -_EVERY)[::-1]
    lines = [
        f"fights found / false incidents at each pair of thresholds, of {_many(grid.fights, 'fight')}",
        "primary    veto " + "".join(f"{grid.veto[column]:>8.2f}" for column in columns),
    ]
    for row in rows:
        cells = [
            f"{grid.outcomes[row][column].found}/{grid.outcomes[row][column].false}" for column in columns
        ]
        lines.append(f"   {grid.primary[row]:.2f}         " + "".join(f"{cell:>8}" for cell in cells))
    return lines


def _worth_a_look(found: Calibration) -> list[str]:
    lines = [f"{'':<10}{'primary':>8}{'veto':>6}  {'found':<24}{'false':>6}  {'a camera-day':<22}after"]
    lines.append(_row("now", found, found.grid.now, found.grid.present))
    outcome = found.outcome()
    if found.proposal is not None and outcome is not None:
        lines.append(_row("proposal", found, found.proposal, outcome))
    others = [pair for pair in frontier(found.grid) if pair != found.proposal]
    return lines + [_row("or", found, pair, found.grid.at(pair)) for pair in others]


def _row(what: str, found: Calibration, pair: Pair, outcome: Outcome) -> str:
    fights, delay = len(outcome.delays), outcome.delay
    low, high = wilson(outcome.found, fights)
    share = f"{outcome.found} of {fights} ({low:.0%} to {high:.0%})" if fights else "-"
    counted = outcome.false - outcome.false_labelled
    daily = "-"
    if found.days:
        daily = f"{counted / found.days:.1f} (below {most_expected(counted) / found.days:.1f})"
    after = "-" if delay is None else f"{delay:.1f} s"
    return (
        f"{what:<10}{pair.primary:>8.2f}{pair.veto:>6.2f}  {share:<24}{outcome.false:>6}  {daily:<22}{after}"
    )


def _end(found: Calibration) -> list[str]:
    if found.proposal is None:
        return [f"no proposal: {found.why_none}"]
    lines = _doubts(found)
    if found.held_out is not None:
        lines += [
            f"on the recordings held out, {what}: {one.found} of {len(one.delays)} fights, {one.false} false"
            for what, one in zip(("now", "proposal"), found.held_out, strict=True)
        ]
    lines += ["", "classify:", f"  primary_threshold: {found.proposal.primary:g}"]
    if len(found.grid.veto) > 1:
        lines.append(f"  veto_threshold: {found.proposal.veto:g}")
    if found.scene_follows:
        lines.append(f"  scene_threshold: {found.proposal.primary:g}")
    return lines


def _doubts(found: Calibration) -> list[str]:
    """How far the figures can be trusted."""
    lines = ["Ranges are 95%. The thresholds were chosen by these very recordings: on others they do worse."]
    if found.held_out is not None:
        lines = ["Ranges are 95%, of the recordings that the thresholds were chosen by."]
    if found.grid.fights < _FEW_FIGHTS:
        lines.append(f"Few fights ({found.grid.fights}): one more or less, and another pair may be proposed.")
    if not found.quiet_s:
        lines.append(
            "Only incidents were recorded: how many false ones lower thresholds would add is not known."
            " Record a day and give --quiet."
        )
    elif found.quiet_s < 3600 * _FEW_HOURS:
        lines.append(f"{found.quiet_s / 3600:.1f} hours say little of false incidents a day: record days.")
    outcome, present = found.outcome(), found.grid.present
    if outcome is not None and (outcome.found, outcome.false) == (present.found, present.false):
        lines.append("What holds now does as well here; the proposal lies further from where that changes.")
    scene = found.present.scene
    if not found.scene_follows and scene is not None and found.proposal and found.proposal.primary > scene:
        lines.append(
            f"Above scene_threshold {scene:g} the primary's hardly matters: the scene speaks for its most"
            " violent person (--scene-follows-primary)."
        )
    return lines
