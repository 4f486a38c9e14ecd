"""A report as a table for people and as numbers for machines. Pure."""

from __future__ import annotations

from typing import Any

from workers.classify.evaluation.report import Band, Figure, Figures, Report, columns

_DECIMALS = 4
_TITLES = {
    "accuracy": "accuracy",
    "auc": "AUC",
    "tpr_at_fpr1": "TPR at 1% FPR",
    "tpr_at_fpr5": "TPR at 5% FPR",
    "fpr_at_tpr90": "FPR at 90% TPR",
    "ece": "calibration error",
    "brier": "Brier score",
    "log_loss": "log loss",
}


def as_numbers(report: Report) -> dict[str, Any]:
    """What JSON says: null where there is nothing to measure a figure on."""
    new = report.figures_new
    return {
        "clips": report.clips,
        "fights": report.fights,
        "videos": report.videos,
        "clips_of_known_video": report.listed,
        "clips_seen_in_training": report.seen,
        "clips_of_videos_seen_in_training": report.siblings,
        "clip_threshold": report.threshold,
        **_figures(report.figures),
        "unseen": None if new is None else {"clips": report.new, **_figures(new)},
        "recall_by_height_px": [_band(band) for band in report.bands],
        "verdicts": report.verdicts,
        "unsure": report.unsure,
        "unsure_share": _rounded(report.unsure / report.verdicts) if report.verdicts else None,
        "unsure_by_reason": dict(sorted(report.doubts.items())),
        "clips_without_anybody": report.empty,
        "fights_with_alarm": report.alarms_fights,
        "others_with_alarm": report.alarms_rest,
        "clips_vetoed": report.vetoed,
    }


def as_text(report: Report) -> str:
    """The same as lines for people."""
    parts = [_head(report), *([warning(report)] if report.seen else []), _table(report), _tail(report)]
    return "\n\n".join(parts)


def warning(report: Report) -> str:
    """What figures on clips that were trained on are worth."""
    others = report.clips - report.seen - report.siblings
    text = (
        f"WARNING: the experts were trained on {report.seen} of these {report.clips} clips."
        " Figures on these say nothing about new video."
    )
    if report.siblings:
        text += f" {report.siblings} more come from the same videos."
    return f"{text} Unseen clips: {others}."


def _head(report: Report) -> str:
    text = f"{report.clips} clips, {report.fights} of them fights, from {report.videos} videos"
    if report.listed < report.clips:
        text += (
            f"\n{report.clips - report.listed} clips count as videos of their own; if some were cut from one"
            " video, say so with --groups: the intervals are too narrow"
        )
    return f"{text}\na clip counts as violent from a score of {report.threshold:g} on"


def _table(report: Report) -> str:
    new = report.figures_new
    lines = [f"{'':<20}{'all clips':>10}{'95% interval':>18}"]
    if new is not None:
        lines[0] += f"{f'{report.new} unseen':>14}{'95% interval':>18}"
    others = columns(new) if new is not None else {}
    for name, figure in columns(report.figures).items():
        line = f"{_TITLES[name]:<20}{_cell(figure.value):>10}{_range(figure):>18}"
        if name in others:
            line += f"{_cell(others[name].value):>14}{_range(others[name]):>18}"
        lines.append(line)
    return "\n".join(lines)


def _tail(report: Report) -> str:
    lines = ["fights found, by body height"]
    for band in report.bands:
        recall = "" if band.recall is None else f"{band.recall:.2f}"
        lines.append(f"  {_span(band):<18}{band.found:>5} of {band.fights:<5}{recall:>6}".rstrip())
    share = report.unsure / report.verdicts if report.verdicts else 0.0
    why = ", ".join(f"{reason} {times}" for reason, times in report.doubts.most_common())
    lines += [
        f"UNSURE: {report.unsure} of {report.verdicts} verdicts ({share:.1%}){f': {why}' if why else ''}",
        f"clips without anybody to judge: {report.empty}",
        f"alarms (a scene called VIOLENCE): in {report.alarms_fights} of {report.fights} fights and in"
        f" {report.alarms_rest} of {report.clips - report.fights} other clips; {report.vetoed} vetoed",
    ]
    return "\n".join(lines)


def _figures(figures: Figures) -> dict[str, Any]:
    found = columns(figures)
    return {
        **{name: _rounded(figure.value) for name, figure in found.items()},
        "intervals": {name: _between(figure) for name, figure in found.items()},
    }


def _between(figure: Figure) -> list[float | None] | None:
    return None if figure.low is None else [_rounded(figure.low), _rounded(figure.high)]


def _band(band: Band) -> dict[str, Any]:
    return {
        "from": band.from_px,
        "to": band.to_px,
        "fights": band.fights,
        "found": band.found,
        "recall": _rounded(band.recall),
    }


def _span(band: Band) -> str:
    if band.to_px is None:
        return f"{band.from_px:g} px and more"
    return f"{band.from_px:g} to {band.to_px:g} px" if band.from_px else f"under {band.to_px:g} px"


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _range(figure: Figure) -> str:
    return "-" if figure.low is None else f"{figure.low:.3f} to {figure.high:.3f}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)
