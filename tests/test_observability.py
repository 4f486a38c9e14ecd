"""Metrics, alerts, their tests and their pages belong together: nothing is named that is not there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pynvml
import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry

import shared.metrics  # noqa: F401 - each of these registers what it counts
import workers.alert.metrics
import workers.archive.metrics
import workers.classify.metrics
import workers.incidents.metrics
import workers.ingest.metrics
import workers.pose.metrics
import workers.serve.metrics  # noqa: F401
from shared.machine import watch
from workers.cli.up import TARGETS

ROOT = Path(__file__).resolve().parents[1]
PROMETHEUS = ROOT / "configs" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
METRICS_PAGE = ROOT / "docs" / "metrics.md"
DASHBOARDS = sorted((ROOT / "configs" / "grafana" / "dashboards").glob("*.json"))
PAGES = [METRICS_PAGE, *sorted(RUNBOOKS.glob("*.md"))]

# A family's name -> its series' names, by type.
SERIES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "info": ("_info",),
}
# Neither part of a recording rule's name nor the start of several (`nexara_stage_*`).
METRIC = re.compile(r"(?<![\w:])nexara_\w*[a-z0-9](?![\w:*])")
RECORDED = re.compile(r"\b[a-z_]+:(?:nexara|process|up)[a-z0-9_]*:[a-z0-9_]+")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yaml"))
RULES = [rule for path in RULE_FILES for group in read(path)["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDINGS = [rule["record"] for rule in RULES if "record" in rule]
# Of promtool.
UNIT_TESTS = [
    test
    for path in sorted((ROOT / "tests" / "services" / "promtool").glob("*.yaml"))
    for test in read(path)["tests"]
]
each_alert = pytest.mark.parametrize("name", ALERTS)


@pytest.fixture
def families(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The metrics of all workers on a machine with a GPU, name -> type."""
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 0)
    machine = CollectorRegistry()
    watch(machine)
    found = [family for registry in (REGISTRY, machine) for family in registry.collect()]
    ours = ("nexara_", "process_", "python_")
    return {family.name: family.type for family in found if family.name.startswith(ours)}


def series_of(families: dict[str, str]) -> set[str]:
    return {name + suffix for name, kind in families.items() for suffix in SERIES[kind]}


def shown_name(name: str, kind: str) -> str:
    """As people and pages write it: a histogram without the suffixes of its series."""
    return name if kind == "histogram" else name + SERIES[kind][0]


# --- names --------------------------------------------------------------------------------------------------


def test_the_names_in_a_text_are_told_apart() -> None:
    text = 'rate(nexara_a_total{job="nexara"}[1m]) / camera:nexara_b:rate1m `nexara_stage_*` nexara_c, up:x'
    assert METRIC.findall(text) == ["nexara_a_total", "nexara_c"]
    assert RECORDED.findall(text) == ["camera:nexara_b:rate1m"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_metrics_that_exist(rule: dict[str, Any], families: dict[str, str]) -> None:
    assert set(METRIC.findall(rule["expr"])) <= series_of(families)
    assert set(RECORDED.findall(rule["expr"])) <= set(RECORDINGS)


@pytest.mark.parametrize("path", [*PAGES, *DASHBOARDS], ids=lambda path: path.stem)
def test_a_page_names_metrics_that_exist(path: Path, families: dict[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    known = series_of(families) | {name for name, kind in families.items() if kind == "histogram"}
    assert set(METRIC.findall(text)) <= known
    assert set(RECORDED.findall(text)) <= set(RECORDINGS)


def test_the_page_of_metrics_has_a_row_for_each_with_its_type(families: dict[str, str]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", METRICS_PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len({name for name, _ in rows}) == len(rows)
    # `Info` is a gauge that is always 1, to Prometheus.
    kinds = {shown_name(name, kind): kind.replace("info", "gauge") for name, kind in families.items()}
    assert dict(rows) == kinds


def test_the_page_of_metrics_has_every_recording_rule() -> None:
    assert set(RECORDED.findall(METRICS_PAGE.read_text(encoding="utf-8"))) == set(RECORDINGS)
    assert len(set(RECORDINGS)) == len(RECORDINGS)


# --- alerts -------------------------------------------------------------------------------------------------


@each_alert
def test_an_alert_says_how_bad_it_is_what_is_wrong_and_what_to_do(name: str) -> None:
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert {"summary", "description", "runbook_url"} == set(alert["annotations"])
    assert all(text.strip() for text in alert["annotations"].values())
    assert alert["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
    assert (ROOT / alert["annotations"]["runbook_url"]).is_file()


def test_an_alert_has_one_rule() -> None:
    assert len(ALERTS) == len([rule for rule in RULES if "alert" in rule])


@each_alert
def test_an_alert_is_seen_to_fire_and_not_to_fire(name: str) -> None:
    cases = [
        case for test in UNIT_TESTS for case in test.get("alert_rule_test", ()) if case["alertname"] == name
    ]
    assert any(case["exp_alerts"] for case in cases)
    assert any(not case["exp_alerts"] for case in cases)
    for case in cases:
        for alert in case["exp_alerts"]:
            assert alert["exp_labels"]["severity"] == ALERTS[name]["labels"]["severity"]
            assert set(alert["exp_annotations"]) == set(ALERTS[name]["annotations"])


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_rule_is_tested_on_values(name: str) -> None:
    cases = [case for test in UNIT_TESTS for case in test.get("promql_expr_test", ())]
    assert any(case["exp_samples"] for case in cases if name in RECORDED.findall(case["expr"]))


# --- pages --------------------------------------------------------------------------------------------------


@each_alert
def test_an_alerts_page_repeats_its_severity(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
    severity = ALERTS[name]["labels"]["severity"]
    assert text.startswith(f"# {name}\n\nSeverity: {severity}.\n")
    for part in ("What it means", "What users notice", "First look", "Usual causes", "When it is harmless"):
        assert f"**{part}" in text


def test_every_page_belongs_to_an_alert_and_stands_in_the_index() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {*ALERTS, "README"}
    index = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\) \| (\w+) \| \S", index, re.MULTILINE)
    assert [(shown, page) for shown, page, _ in rows] == [(page, page) for _, page, _ in rows]
    assert {page: severity for _, page, severity in rows} == {
        name: alert["labels"]["severity"] for name, alert in ALERTS.items()
    }


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


# --- who is scraped -----------------------------------------------------------------------------------------


def test_prometheus_looks_for_every_worker_of_the_compose_file() -> None:
    services = read(ROOT / "compose.yaml")["services"]
    workers_of = {name: s["command"][-1] for name, s in services.items() if "worker" in s.get("command", ())}
    job = read(PROMETHEUS / "compose.yaml")["scrape_configs"][0]
    [relabelling] = job["relabel_configs"]
    names = [name for discovery in job["dns_sd_configs"] for name in discovery["names"]]
    assert sorted(names) == sorted(workers_of)
    for name, role in workers_of.items():
        match = re.fullmatch(relabelling["regex"], name)
        assert match
        assert match.expand(relabelling["replacement"].replace("$", "\\")) == role


def test_prometheus_reads_the_targets_where_nexara_up_writes_them() -> None:
    [discovery] = read(PROMETHEUS / "local.yaml")["scrape_configs"][0]["file_sd_configs"]
    assert [(PROMETHEUS / path).resolve() for path in discovery["files"]] == [ROOT / "nexara-data" / TARGETS]


@pytest.mark.parametrize("name", ["compose", "local"])
def test_both_configurations_have_all_rules_and_one_rhythm(name: str) -> None:
    config = read(PROMETHEUS / f"{name}.yaml")
    assert config["rule_files"] == ["rules/*.yaml"]
    assert config["global"]["scrape_interval"] == config["global"]["evaluation_interval"] == "5s"
    assert "site" in config["global"]["external_labels"]
    assert [job["job_name"] for job in config["scrape_configs"]] == ["nexara", "prometheus"]
