"""By what recordings are judged: the sections of a site file that verdicts and incidents depend on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from shared import config
from shared.config import ConfigError, Section
from shared.rules import Rules, RulesOf
from shared.stage import Stage
from workers.classify.config import ClassifyConfig, ExpertConfig
from workers.classify.stage import build_stage as build_classify
from workers.cli.site import Site, compose, load
from workers.incidents.config import IncidentsConfig
from workers.incidents.stage import build_stage as build_incidents

_SECTIONS = ("classify", "incidents")
# Which keys change which of a camera's rules.
_CHANGES = {
    "primary_threshold": {"classify", "classify.thresholds", "classify.primary_threshold"},
    "veto_threshold": {"classify", "classify.thresholds", "classify.veto_threshold"},
    "scene_threshold": {"classify", "classify.scene_threshold"},
}


class ReplaySettings(Section):
    """What judges recordings.

    Attributes:
        classify, incidents: the sections.
        rules: each camera's as the site file says, where recorded ones are missing or not wanted.
        changed_thresholds: those that were asked for by name; they win over all rules.
    """

    classify: ClassifyConfig = ClassifyConfig()
    incidents: IncidentsConfig = IncidentsConfig()
    rules: dict[str, Rules] = Field(default_factory=dict)
    changed_thresholds: dict[str, float] = Field(default_factory=dict)

    def stages(self, rules_of: RulesOf) -> tuple[Stage[Any, Any, Any, Any], Stage[Any, Any, Any, Any]]:
        """Classify and incidents, loaded.

        Raises:
            ConfigError: weights are missing, damaged or do not fit together.
        """
        return build_classify(self.classify, rules_of), build_incidents(self.incidents, rules_of)


def settings_from(site_file: Path | None, changed: Mapping[str, str], weights: str | None) -> ReplaySettings:
    """The settings of a site, or the usual ones, with some changed.

    Args:
        site_file: None: the usual settings.
        changed: key -> value, as `--set` has them.
        weights: another primary expert: a file, or the name of one that comes along.

    Raises:
        ConfigError: the file cannot be used, a key leads nowhere or a value is out of bounds.
    """
    if site_file is not None:
        return settings_of(load(site_file, changed), changed, weights)
    for key in changed:
        if key.partition(".")[0] not in _SECTIONS:
            raise ConfigError(f"--set {key}: without --site only keys of classify and incidents count here")
    data = compose(None, (), changed)
    sections = {name: data[name] for name in _SECTIONS if name in data}
    return _with(config.build(sections, ReplaySettings, "--set"), changed, weights)


def settings_of(site: Site, changed: Mapping[str, str], weights: str | None = None) -> ReplaySettings:
    """The settings of a site that was loaded with these changes."""
    settings = ReplaySettings(classify=site.classify, incidents=site.incidents, rules=site.rules())
    return _with(settings, changed, weights)


def _with(settings: ReplaySettings, changed: Mapping[str, str], weights: str | None) -> ReplaySettings:
    classify = settings.classify
    if weights is not None:
        first, *others = classify.experts
        primary = ExpertConfig(
            weights=weights,
            role="primary",
            share=first.share,
            threshold=first.threshold,
        )
        classify = classify.model_copy(update={"experts": (primary, *others)})
    pair = classify.pair()
    held = {
        "primary_threshold": pair.primary,
        "veto_threshold": pair.veto,
        "scene_threshold": classify.scene_threshold,
    }
    thresholds = {name: held[name] for name, keys in _CHANGES.items() if keys & changed.keys()}
    return settings.model_copy(update={"classify": classify, "changed_thresholds": thresholds})
