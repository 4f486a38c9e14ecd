"""The classify worker: tracks in, verdicts out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from shared.config import ConfigError
from shared.messages import Message, Tracks, Verdict, Verdicts
from shared.stage import BadInput, Stage
from workers.classify import metrics
from workers.classify.config import ClassifyConfig
from workers.classify.decision import Scores, Thresholds, decide, scale_weight, scores
from workers.classify.features import body_heights, features
from workers.classify.runtime import Net, open_net
from workers.classify.windows import Due, People, Windows, WindowSettings

# Beyond these a message is nonsense, and arithmetic on it would overflow.
_LATEST_S = 1e11
_FURTHEST_PX = 1e5


@dataclass(frozen=True)
class Finding:
    """The windows that one step made due."""

    tracks: Tracks
    due: Due


def build_stage(config: ClassifyConfig) -> Stage[Tracks, None, Windows, Finding]:
    """The stage, with its nets loaded and warm.

    Raises:
        ConfigError: weights that are missing, damaged or do not fit together.
    """
    primary = open_net(config.primary_weights, config.runtime, config.max_batch)
    veto = None
    if config.veto != "never":
        veto = open_net(config.veto_weights, config.runtime, config.max_batch)
    settings = _window_settings(config, primary, veto)
    judge = Judge(primary, veto, config.pair(), always=config.veto == "always")
    return Stage(
        name="classify",
        reads="tracks",
        writes="verdicts",
        settings=_settings_text(config, settings, primary, veto),
        initial=lambda _camera, _generation: Windows(settings),
        prepare=_prepare,
        advance=_advance_with(config.keypoints),
        judge=judge,
        measure=metrics.measure,
        history_s=settings.history_s,
        max_batch=config.max_batch,
        max_wait_ms=config.max_wait_ms,
    )


class Judge:
    """Findings of any cameras -> one Verdicts or None each, in order. Has no memory of its own."""

    def __init__(self, primary: Net, veto: Net | None, thresholds: Thresholds, *, always: bool) -> None:
        self.primary = primary
        self.veto = veto
        self.thresholds = thresholds
        self.always = always

    def __call__(self, findings: Sequence[Finding]) -> list[Message | None]:
        """Judge a batch."""
        waiting = [finding for finding in findings if len(finding.due)]
        if not waiting:
            return [None] * len(findings)
        with metrics.JUDGE_SECONDS.time():
            inputs = np.concatenate([features(finding.due) for finding in waiting])
            heights = np.concatenate([body_heights(finding.due) for finding in waiting])
            weight = scale_weight(heights)
            first = _scores(self.primary, inputs, weight)
            asked = self._asked(first)
            second = np.full(len(first), np.nan)
            if self.veto is not None and asked.any():
                second[asked] = _scores(self.veto, inputs[asked], weight[asked])
        rows = np.column_stack([first, second, weight, heights])
        outputs: list[Message | None] = []
        start = 0
        for finding in findings:
            outputs.append(self._verdicts(finding, rows[start : start + len(finding.due)]))
            start += len(finding.due)
        return outputs

    def _asked(self, first: Scores) -> np.ndarray:
        if self.veto is None:
            return np.zeros(len(first), bool)
        return np.full(len(first), True) if self.always else first >= self.thresholds.primary

    def _verdicts(self, finding: Finding, rows: np.ndarray) -> Verdicts | None:
        if not len(rows):
            return None
        tracks = finding.tracks
        verdicts = tuple(self._verdict(finding.due, i, *row) for i, row in enumerate(rows.tolist()))
        return Verdicts(
            camera=tracks.camera,
            generation=tracks.generation,
            number=tracks.number,
            at=tracks.at,
            captured_at=tracks.captured_at,
            trail=tracks.trail,
            primary_model=self.primary.digest,
            veto_model=self.veto.digest if self.veto else "",
            verdicts=verdicts,
        )

    def _verdict(
        self, due: Due, i: int, first: float, second: float, weight: float, height: float
    ) -> Verdict:
        veto = None if np.isnan(second) else second
        reason: Literal["below_primary", "no_veto"] | None = None
        if veto is None:
            reason = "no_veto" if self.veto is None else "below_primary"
        return Verdict(
            track_id=int(due.ids[i]),
            result=decide(first, veto, self.thresholds),
            primary_score=first,
            veto_score=veto,
            veto_reason=reason,
            primary_threshold=self.thresholds.primary,
            veto_threshold=self.thresholds.veto,
            weight=weight,
            body_height_px=round(max(height, 0.0), 1),
            quality=round(float(due.quality[i]), 3),
            observed_frames=int(due.observed_frames[i]),
            padded_frames=int(due.padded_frames[i]),
            first_at=float(due.first_at[i]),
            last_at=float(due.last_at[i]),
        )


def _scores(net: Net, inputs: np.ndarray, weight: Scores) -> Scores:
    return scores(net.logits(inputs), net.card.violent_classes(), net.card.temperature, weight)


def _prepare(message: Message) -> Tracks:
    if not isinstance(message, Tracks):
        raise BadInput(f"expected tracks, found {type(message).__name__.lower()}")
    if abs(message.at) > _LATEST_S:
        raise BadInput(f"time {message.at:g} s is out of range")
    return message


def _advance_with(source: str) -> Callable[[Windows, Tracks, None], tuple[Windows, Finding]]:
    def advance(windows: Windows, tracks: Tracks, _seen: None) -> tuple[Windows, Finding]:
        if tracks.at < windows.at:
            raise BadInput(f"time goes back by {windows.at - tracks.at:.3f} s")
        return windows, Finding(tracks, windows.push(tracks.at, people_of(tracks, source)))

    return advance


def people_of(tracks: Tracks, source: str) -> People:
    """The people who are seen in a record, with raw or refined key points.

    Those who are only predicted are passed over: once they are seen again, a window bridges the gap by what
    is known from both of its ends, where a prediction would end in a jump.
    """
    seen = np.flatnonzero(np.asarray(tracks.detection) >= 0)
    keypoints = tracks.raw_keypoints() if source == "raw" else np.asarray(tracks.keypoints)
    return People(
        ids=np.asarray(tracks.track_ids, np.int64)[seen],
        keypoints=keypoints[seen].clip(-_FURTHEST_PX, _FURTHEST_PX),
        boxes=np.asarray(tracks.boxes)[seen].clip(-_FURTHEST_PX, _FURTHEST_PX),
        quality=np.asarray(tracks.quality)[seen].clip(0, 1),
    )


def _window_settings(config: ClassifyConfig, primary: Net, veto: Net | None) -> WindowSettings:
    window, stride = config.cut()
    card = primary.card
    if veto is not None and (veto.card.window, veto.card.window_fps) != (card.window, card.window_fps):
        raise ConfigError(
            f"classify.veto_weights: made for {veto.card.window} frames at {veto.card.window_fps:g} fps,"
            f" the primary for {card.window} at {card.window_fps:g}: use two nets of one window"
        )
    if window > card.window:
        raise ConfigError(f"classify.window: {window} frames are more than the nets' {card.window}: lower it")
    return WindowSettings(
        fps=card.window_fps,
        window=window,
        stride=stride,
        frames=card.window,
        min_frames=config.min_frames,
        max_gap_s=config.max_gap_s,
    )


def _settings_text(config: ClassifyConfig, settings: WindowSettings, primary: Net, veto: Net | None) -> str:
    facts: dict[str, Any] = {
        **asdict(settings),
        **asdict(config.pair()),
        "veto_mode": config.veto,
        "keypoints": config.keypoints,
        "weights": [net.digest for net in (primary, veto) if net],
    }
    return json.dumps(facts, sort_keys=True)
