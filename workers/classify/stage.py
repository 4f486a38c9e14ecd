"""The classify worker: tracks in, verdicts out."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from shared.config import ConfigError
from shared.messages import Expert, Message, Tracks
from shared.rules import Rules, RulesOf, as_started
from shared.stage import BadInput, Stage
from workers.classify import metrics
from workers.classify.config import ClassifyConfig
from workers.classify.doubts import DoubtSettings
from workers.classify.judge import Finding, Judge, JudgeSettings
from workers.classify.panel import Member, Panel
from workers.classify.runtime import open_net
from workers.classify.windows import People, Windows, WindowSettings

# Beyond these a message is nonsense, and arithmetic on it would overflow.
_LATEST_S = 1e11
_FURTHEST_PX = 1e5
# How often it is said that there is nobody.
_QUIET_S = 1.0


class Ruled(NamedTuple):
    """A record, and the rules that its people are judged by."""

    tracks: Tracks
    rules: Rules


def build_stage(
    config: ClassifyConfig, rules_of: RulesOf = as_started
) -> Stage[Ruled, None, Windows, Finding]:
    """The stage, with its experts loaded and warm.

    Args:
        config: the section `classify`.
        rules_of: finds a record's rules; their thresholds stand in for those of `config`.

    Raises:
        ConfigError: weights that are missing, damaged or do not fit together.
    """
    members = open_members(config)
    settings = window_settings(config, members)
    return Stage(
        name="classify",
        reads="tracks",
        writes="verdicts",
        settings=_settings_text(config, settings, members),
        initial=lambda _camera, _generation: Windows(settings),
        prepare=lambda message: _prepare(message, rules_of),
        advance=advance,
        judge=Judge(Panel(members, config.sharpness), judge_settings(config)),
        measure=metrics.measure,
        history_s=settings.history_s,
        max_batch=config.max_batch,
        max_wait_ms=config.max_wait_ms,
    )


def open_members(config: ClassifyConfig) -> list[Member]:
    """The experts in their order, loaded.

    Raises:
        ConfigError: weights that are missing, damaged or do not fit together.
    """
    members: list[Member] = []
    for number, chosen in enumerate(config.asked()):
        net = open_net(chosen.weights, config.runtime, config.max_batch)
        first = members[0].net.card if members else net.card
        if (net.card.window, net.card.window_fps) != (first.window, first.window_fps):
            raise ConfigError(
                f"classify.experts.{number}.weights: made for {net.card.window} frames at"
                f" {net.card.window_fps:g} fps, the primary for {first.window} at {first.window_fps:g}: use"
                " experts of one window"
            )
        expert = Expert(
            name=net.card.net,
            role=chosen.role,
            threshold=chosen.threshold,
            share=0.0 if chosen.role == "veto" else chosen.share,
            weights=net.digest,
        )
        members.append(Member(net, expert))
    return members


def judge_settings(config: ClassifyConfig) -> JudgeSettings:
    """How opinions become results, as configured."""
    return JudgeSettings(
        thresholds=config.pair(),
        scene_threshold=config.scene_threshold,
        doubts=DoubtSettings(
            joints=config.min_joints,
            frames=config.min_seen_frames,
            height_px=config.min_height_px,
            changes=config.max_changes,
        ),
        always=config.veto == "always",
        explains=config.explain == "violence",
    )


def window_settings(config: ClassifyConfig, members: list[Member]) -> WindowSettings:
    """How windows are cut for these experts.

    Raises:
        ConfigError: the configured window is longer than the experts'.
    """
    window, stride = config.cut()
    card = members[0].net.card
    if window > card.window:
        raise ConfigError(
            f"classify.window: {window} frames are more than the experts' {card.window}: lower it"
        )
    return WindowSettings(
        fps=card.window_fps,
        window=window,
        stride=stride,
        frames=card.window,
        min_frames=config.min_frames,
        max_gap_s=config.max_gap_s,
    )


def _prepare(message: Message, rules_of: RulesOf) -> Ruled:
    if not isinstance(message, Tracks):
        raise BadInput(f"expected tracks, found {type(message).__name__.lower()}")
    if abs(message.at) > _LATEST_S:
        raise BadInput(f"time {message.at:g} s is out of range")
    return Ruled(message, rules_of(message))


def advance(windows: Windows, item: Ruled, _seen: None) -> tuple[Windows, Finding]:
    """Take one record."""
    tracks, before = item.tracks, windows.at
    if tracks.at < before:
        raise BadInput(f"time goes back by {before - tracks.at:.3f} s")
    due = windows.push(tracks.at, people_of(tracks))
    # Whole seconds, not seconds since the last time, so that a takeover says it at the same records.
    passed = math.isfinite(before) and math.floor(tracks.at / _QUIET_S) > math.floor(before / _QUIET_S)
    return windows, Finding(tracks, item.rules, due, quiet=passed and not windows.anybody())


def people_of(tracks: Tracks) -> People:
    """Everybody who is seen in a record and followed, with key points as detected.

    Also those who are not told of yet: fighters are often found too weakly. Who is only predicted is passed
    over: once they are seen again, a window bridges the gap by what is known from both of its ends, where a
    prediction would end in a jump.
    """
    owners = np.asarray(tracks.detection_tracks, np.int64)
    _, first = np.unique(owners, return_index=True)
    rows = first[owners[first] > 0]
    keypoints = np.asarray(tracks.detection_keypoints)[rows].clip(-_FURTHEST_PX, _FURTHEST_PX)
    return People(
        ids=owners[rows],
        keypoints=keypoints,
        boxes=np.asarray(tracks.detection_boxes)[rows].clip(-_FURTHEST_PX, _FURTHEST_PX),
        quality=keypoints[..., 2].clip(0, 1).mean(axis=1),
        image_size=(tracks.width, tracks.height),
    )


def _settings_text(config: ClassifyConfig, settings: WindowSettings, members: list[Member]) -> str:
    """Not the thresholds: they come with each record's rules."""
    habits = judge_settings(config)
    facts: dict[str, Any] = {
        **asdict(settings),
        **asdict(habits.doubts),
        "always": habits.always,
        "explains": habits.explains,
        "experts": [member.expert.model_dump(exclude={"threshold"}) for member in members],
        "sharpness": config.sharpness,
    }
    return json.dumps(facts, sort_keys=True)
