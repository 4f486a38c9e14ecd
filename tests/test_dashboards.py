"""Grafana's dashboards, without Grafana.

The files go through Grafana's own models (grafana-foundation-sdk): what those do not know is lost on the way,
and so found. They take the values of overrides as they are, so these go through the models of what they
override; and the options of transformations, of which only the names are checked here, against our own list.
Not checked: that Grafana draws what we mean, and names of reducers, of matchers and of colour schemes.
"""

from __future__ import annotations

import copy
import enum
import itertools
import json
import math
import re
import shutil
import subprocess
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import common, dashboard, statetimeline, units
from prometheus_client import REGISTRY, CollectorRegistry

import shared.metrics
import shared.rulebook  # noqa: F401 - each of these registers what it counts
import workers.alert.metrics
import workers.archive.metrics
import workers.classify.metrics
import workers.incidents.metrics
import workers.ingest.metrics
import workers.pose.metrics
import workers.serve.metrics  # noqa: F401
from benchmarks.dashboards.__main__ import scrape_interval_s
from benchmarks.dashboards.board import BOARDS, GRAFANA, Board, Panel, Target, load, style_of
from benchmarks.dashboards.check import MAY_BE_EMPTY, check
from benchmarks.dashboards.draw import draw_panel
from benchmarks.dashboards.frames import Table, buckets, on_grid, table
from benchmarks.dashboards.page import WIDTH_PX, Page, box_of
from benchmarks.dashboards.prometheus import Prometheus, QueryError, Series
from benchmarks.dashboards.substitute import Window, legend, seconds, substituted, window
from benchmarks.dashboards.units import Shown, color_of, mark_texts, marks, shown, text_of
from benchmarks.dashboards.view import View
from shared.machine import watch

WINDOW = Window(start=1000.0, end=1900.0, step_s=5.0, scrape_s=5.0)
RESULTS = ("SAFE", "VETOED", "VIOLENCE")
VARIABLES = {"camera": "lobby", "role": ".*"}
SAMPLES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "info": ("_info",),
}
# What shared.machine shows on a machine with a GPU alone.
GPU = {f"nexara_gpu_{name}" for name in ("memory_used_bytes", "memory_limit_bytes", "busy_ratio")}
OVERRIDDEN = {"timeseries": common.GraphFieldConfig, "table": common.TableFieldOptions}
OVERRIDDEN |= {"state-timeline": statetimeline.FieldConfig}
TRANSFORMATIONS = {
    "merge": set(),
    "organize": {"excludeByName", "indexByName", "renameByName"},
    "sortBy": {"fields", "sort"},
}
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool: apt install prometheus"
)
each_board = pytest.mark.parametrize("name", BOARDS)


def contents(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((GRAFANA / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
    return data


def panels() -> list[tuple[str, dict[str, Any]]]:
    return [(name, panel) for name in BOARDS for panel in contents(name)["panels"]]


def metric_names() -> set[str]:
    """The series that our workers show."""
    machine = CollectorRegistry()
    watch(machine)
    families = [family for registry in (REGISTRY, machine) for family in registry.collect()]
    return {family.name + suffix for family in families for suffix in SAMPLES.get(family.type, ())}


def panel_of(name: str, title: str, kind: str = "") -> Panel:
    return next(p for p in load(name).panels if p.title == title and kind in ("", p.kind))


def one(ref: str, value: float, at: float = 1900.0, **labels: str) -> Series:
    return Series(ref, labels.get("le", ref), labels, np.array([at]), np.array([value]))


# --- the files ----------------------------------------------------------------------------------------------


@each_board
def test_a_dashboard_can_be_found_and_keeps_itself_fresh(name: str) -> None:
    data = contents(name)
    assert data["uid"] == f"nexara-{name}"
    assert (data["refresh"], data["time"]) == ("5s", {"from": "now-15m", "to": "now"})
    assert data["schemaVersion"] >= 39
    links = {link["url"].removeprefix("/d/nexara-") for link in data["links"]}
    assert links == set(BOARDS) - {name}


@each_board
def test_panels_have_their_own_ids_and_places(name: str) -> None:
    data = contents(name)["panels"]
    assert len({panel["id"] for panel in data}) == len(data)
    taken: set[tuple[int, int]] = set()
    for panel in data:
        x, y, w, h = (panel["gridPos"][key] for key in "xywh")
        assert x >= 0
        assert x + w <= 24
        cells = set(itertools.product(range(x, x + w), range(y, y + h)))
        assert not cells & taken, panel["title"]
        taken |= cells


@each_board
def test_a_panel_says_what_it_shows(name: str) -> None:
    known = {word for word in vars(units).values() if isinstance(word, str)}
    for panel in contents(name)["panels"]:
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert defaults["noValue"], panel["title"]
        for unit in [defaults["unit"], *(p["value"] for p in properties(panel) if p["id"] == "unit")]:
            assert unit in known or unit.startswith("suffix:"), panel["title"]


@each_board
def test_a_panel_asks_prometheus_for_metrics_that_exist(name: str) -> None:
    source = provisioned("datasources/prometheus.yaml")["datasources"][0]
    known = GPU | metric_names()
    variables = {variable["name"] for variable in contents(name)["templating"]["list"]}
    for panel in contents(name)["panels"]:
        assert panel["datasource"] == {"type": source["type"], "uid": source["uid"]}
        refs = [target["refId"] for target in panel["targets"]]
        assert refs == list("ABCDEFGHIJKLM"[: len(refs)])
        for target in panel["targets"]:
            assert set(re.findall(r"nexara_\w+", target["expr"])) <= known
            assert set(re.findall(r"\$([a-z]\w*)", target["expr"])) <= variables
            assert panel["type"] == "table" or len(refs) == 1 or target["legendFormat"]


@each_board
def test_colours_are_those_that_everybody_can_tell_apart(name: str) -> None:
    okabe_ito = {"#009E73", "#E69F00", "#D55E00", "#0072B2", "#56B4E9", "#CC79A7", "#F0E442", "#999999"}
    text = json.dumps(contents(name))
    assert set(re.findall(r'"(?:color|fixedColor)": "([^"]+)"', text)) <= okabe_ito
    by_result = [panel for panel in load(name).panels if panel.targets[0].legend == "{{result}}"]
    for panel in by_result:
        colors = [color_of(math.nan, style_of(panel, result), "") for result in RESULTS]
        assert colors == ["#009E73", "#56B4E9", "#D55E00"]


def test_every_link_leads_to_a_dashboard_and_a_variable_of_it() -> None:
    text = "".join(json.dumps(contents(name)) for name in BOARDS)
    links = re.findall(r'"url": "/d/nexara-(\w+)(?:\?var-(\w+)=)?', text)
    assert len(links) > len(BOARDS) * 3
    for name, variable in links:
        assert not variable or variable in [item["name"] for item in contents(name)["templating"]["list"]]


def provisioned(file: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((GRAFANA / "provisioning" / file).read_text(encoding="utf-8"))
    return data


def test_grafana_finds_the_dashboards_and_keeps_its_hands_off() -> None:
    provider = provisioned("dashboards/nexara.yaml")["providers"][0]
    assert (provider["folder"], provider["allowUiUpdates"]) == ("NexaraVision", False)
    assert provider["options"]["path"] == "/etc/grafana/dashboards"


def test_grafana_knows_prometheus_and_how_often_it_scrapes() -> None:
    source = provisioned("datasources/prometheus.yaml")["datasources"][0]
    assert (source["uid"], source["url"]) == ("prometheus", "${PROMETHEUS_URL}")
    for file in ("local", "compose"):
        scraping = yaml.safe_load(
            (GRAFANA.parent / "prometheus" / f"{file}.yaml").read_text(encoding="utf-8")
        )
        assert seconds(scraping["global"]["scrape_interval"]) == scrape_interval_s()


def test_only_panels_that_exist_may_be_empty() -> None:
    assert set(MAY_BE_EMPTY) <= {(name, panel["title"]) for name, panel in panels()}


# --- Grafana's own models -----------------------------------------------------------------------------------


def properties(panel: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [given for override in panel["fieldConfig"]["overrides"] for given in override["properties"]]


def lost(mine: Any, back: Any, path: str = "") -> list[str]:
    """Where `back` lacks or changes what `mine` says."""
    if isinstance(mine, dict) and isinstance(back, dict):
        return [
            place
            for key, value in mine.items()
            for place in (lost(value, back[key], f"{path}.{key}") if key in back else [f"{path}.{key}"])
        ]
    if isinstance(mine, list) and isinstance(back, list) and len(mine) == len(back):
        pairs = enumerate(zip(mine, back, strict=True))
        return [place for index, pair in pairs for place in lost(*pair, f"{path}[{index}]")]
    return [] if mine == back else [path]


def wrong_words(thing: Any) -> list[str]:
    """Words that stand where Grafana knows a few others only."""
    if isinstance(thing, list):
        return [word for item in thing for word in wrong_words(item)]
    if not hasattr(thing, "to_json"):
        return []
    found = []
    for name, hint in typing.get_type_hints(type(thing)).items():
        value = getattr(thing, name, None)
        kinds = [hint, *typing.get_args(hint)]
        words = next((k for k in kinds if isinstance(k, type) and issubclass(k, enum.Enum)), None)
        if words is not None and value is not None and value not in [word.value for word in words]:
            found.append(f"{name}={value}")
        found += wrong_words(value)
    return found


def through(model: Any, data: Any) -> list[str]:
    """What is wrong with a part of a dashboard, by Grafana's model of it."""
    thing = model.from_json(data)
    return lost(data, json.loads(json.dumps(thing, cls=JSONEncoder))) + wrong_words(thing)


def wrong(data: Mapping[str, Any]) -> list[str]:
    """All that Grafana's models do not know in a dashboard."""
    register_default_plugins()
    found = through(dashboard.Dashboard, data)
    for panel in data["panels"]:
        custom = OVERRIDDEN.get(panel["type"])
        if custom is not None:
            found += through(custom, panel["fieldConfig"]["defaults"].get("custom", {}))
        for given in properties(panel):
            section, _, key = given["id"].partition(".")
            model = custom if key else dashboard.FieldConfig
            found += through(model, {key or section: given["value"]}) if model else [given["id"]]
        for step in panel.get("transformations", ()):
            found += through(dashboard.DataTransformerConfig, step)
            found += set(step["options"]) - TRANSFORMATIONS[step["id"]]
    return found


@each_board
def test_grafanas_own_models_know_every_key_and_word(name: str) -> None:
    assert wrong(contents(name)) == []


MISTYPED = [
    (("refesh",), "5s"),
    (("time", "form"), "now-1h"),
    (("links", 0, "keeptime"), True),
    (("panels", 0, "descripton"), ""),
    (("panels", 0, "gridPos", "width"), 3),
    (("panels", 0, "targets", 0, "legendformat"), ""),
    (("panels", 0, "fieldConfig", "defaults", "noValues"), ""),
    (("panels", 0, "fieldConfig", "defaults", "color", "mode"), "treshold"),
    (("panels", 0, "fieldConfig", "overrides", 0, "properties", 0, "value", "fixedColour"), ""),
    (("panels", 0, "options", "graph_mode"), "none"),
    (("panels", 8, "fieldConfig", "defaults", "custom", "alignment"), "left"),
    (("panels", 8, "transformations", 1, "options", "renameBy"), {}),
    (("panels", 9, "fieldConfig", "defaults", "custom", "drawstyle"), "bars"),
    (("panels", 9, "fieldConfig", "defaults", "custom", "drawStyle"), "lines"),
]


@pytest.mark.parametrize(
    ("place", "value"), MISTYPED, ids=[".".join(map(str, place)) for place, _ in MISTYPED]
)
def test_a_mistyped_key_or_word_is_found(place: tuple[Any, ...], value: Any) -> None:
    data = contents("site")
    part: Any = data
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = copy.deepcopy(value)
    assert wrong(data)


# --- what the queries mean ----------------------------------------------------------------------------------


def promtool(tmp_path: Path, command: list[str], file: Mapping[str, Any]) -> None:
    path = tmp_path / "promtool.yaml"
    path.write_text(yaml.safe_dump(file))
    done = subprocess.run(["promtool", *command, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    exprs = [
        substituted(target["expr"], VARIABLES, WINDOW) for _, panel in panels() for target in panel["targets"]
    ]
    rules = [{"record": f"query_{index}", "expr": expr} for index, expr in enumerate(exprs)]
    promtool(tmp_path, ["check", "rules"], {"groups": [{"name": "queries", "rules": rules}]})


def samples(
    name: str, title: str, ref: int, series: dict[str, str], expected: dict[str, float]
) -> dict[str, Any]:
    """A test for promtool: what a panel's query finds after five minutes of scrapes each five seconds."""
    expr = substituted(panel_of(name, title).targets[ref].expr, VARIABLES, WINDOW)
    found = [{"labels": labels, "value": value} for labels, value in expected.items()]
    return {
        "interval": "5s",
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "promql_expr_test": [{"expr": expr, "eval_time": "5m", "exp_samples": found}],
    }


@needs_promtool
def test_the_worst_camera_has_the_highest_state(tmp_path: Path) -> None:
    series = {}
    for camera in ("ok", "drops", "late", "frozen", "down"):
        down = camera == "down"
        own = {
            'nexara_camera_up{camera="X"}': "0x60" if down else "1x60",
            'nexara_camera_frozen{camera="X"}': "1x60" if camera == "frozen" else "0x60",
            'nexara_camera_info{camera="X",live="true"}': "1x60",
            'nexara_ingest_frames_published_total{camera="X"}': "0x60" if down else "0+50x60",
            'nexara_ingest_frames_dropped_total{camera="X",reason="age"}': (
                "0+25x60" if camera == "drops" else "7x60"
            ),
            'nexara_ingest_frames_dropped_total{camera="X",reason="late"}': "0x60",
        }
        series |= {metric.replace("X", camera): values for metric, values in own.items()}
    series['nexara_stage_delay_seconds{camera="late",stage="classify"}'] = "6x60"
    series['nexara_camera_info{camera="nobody",live="true"}'] = "1x30 stale"
    series['nexara_camera_info{camera="ended",live="false"}'] = "1x30 stale"
    states = {"ok": 0, "drops": 0.5, "late": 1, "frozen": 2, "down": 4, "nobody": 8, "ended": -1}
    expected = {f'{{camera="{camera}"}}': state for camera, state in states.items()}
    test = samples("site", "Cameras, trouble first", 0, series, expected)
    promtool(tmp_path, ["test", "rules"], {"rule_files": [], "tests": [test]})
    style = style_of(panel_of("site", "Cameras, trouble first"), "State")
    words = ["ok", "drops", "late", "frozen", "down", "no owner", "ended"]
    assert [shown(state, style, "").text for state in states.values()] == words


@needs_promtool
def test_who_is_gone_is_seen(tmp_path: Path) -> None:
    workers_ = {f'nexara_worker_ready{{stage="pose",instance="{i}"}}': "1x60" for i in "ab"}
    workers_['nexara_worker_ready{stage="pose",instance="c"}'] = "1x30 stale"
    states = {
        '{stage="pose",instance="a"}': 1,
        '{stage="pose",instance="b"}': 1,
        '{stage="pose",instance="c"}': -1,
    }
    owned = {f'nexara_site_cameras{{stage="{s}"}}': "3x60" for s in ("ingest", "pose", "classify")}
    owned |= {f'nexara_stage_owned_cameras{{stage="{s}"}}': "3x60" for s in ("ingest", "pose")}
    gpu = {f'nexara_gpu_memory_used_bytes{{gpu="0",instance="box:{p}"}}': "4x60" for p in (1, 2)}
    gpu |= {f'nexara_gpu_memory_limit_bytes{{gpu="0",instance="box:{p}"}}': "8x60" for p in (1, 2)}
    tests = [
        samples("workers", "Workers, trouble first", 0, workers_, states),
        # Nobody classifies, makes incidents, or archives, which is three stages: three cameras five times.
        samples("site", "Without an owner", 0, owned, {"{}": 15}),
        samples("workers", "GPU memory", 0, gpu, {'{gpu="0",host="box"}': 0.5}),
    ]
    promtool(tmp_path, ["test", "rules"], {"rule_files": [], "tests": tests})


# --- the pictures -------------------------------------------------------------------------------------------


def test_variables_are_replaced_as_grafana_does() -> None:
    expr = (
        'rate(x{a="$camera",b=~"${role:regex}"}[$__rate_interval]) + increase(x[$__range]) + x[$__interval]'
    )
    values = {"camera": "lobby", "role": "pose|archive"}
    assert substituted(expr, values, WINDOW) == (
        'rate(x{a="lobby",b=~"pose|archive"}[20s]) + increase(x[900s]) + x[5s]'
    )
    assert substituted('label_replace(x, "host", "$1", "instance", "(.*)")', {}, WINDOW).count("$1") == 1
    with pytest.raises(ValueError, match=r"\$camera has no value"):
        substituted('x{camera="$camera"}', {}, WINDOW)


@pytest.mark.parametrize(
    ("span_s", "points", "scrape_s", "step_s", "rate_s"),
    [(900, 500, 5, 5, 20), (900, 500, 1, 2, 4), (3600, 60, 5, 60, 65)],
)
def test_a_step_is_no_shorter_than_a_scrape(span_s, points, scrape_s, step_s, rate_s) -> None:  # type: ignore[no-untyped-def]
    found = window(10_000.0, span_s, points, scrape_s)
    assert (found.step_s, found.rate_interval_s, found.span_s) == (step_s, rate_s, span_s)
    assert found.end % step_s == 0


def test_a_legend_takes_its_words_from_the_labels() -> None:
    assert legend("{{stage}} p99 {{ camera }}{{none}}", {"stage": "pose", "camera": "a"}) == "pose p99 a"
    assert seconds("15m") == 900
    with pytest.raises(ValueError, match="no duration"):
        seconds("soon")


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (0.0423, "s", None, "42.3 ms"),
        (0.00058, "s", None, "580 µs"),
        (432, "s", 1, "7.2 min"),
        (0, "s", None, "0 s"),
        (0.0123, "percentunit", 1, "1.2%"),
        (-0.00001, "percentunit", 1, "0.0%"),
        (3 * 2**29, "bytes", None, "1.50 GiB"),
        (113_000, "Bps", None, "113 kB/s"),
        (7360, "short", None, "7.36 K"),
        (10, "suffix:fps", 1, "10.0 fps"),
        (3, "none", None, "3"),
        (math.inf, "none", None, "∞"),
    ],
)
def test_numbers_carry_their_unit(value: float, unit: str, decimals: int | None, text: str) -> None:
    assert text_of(value, unit, decimals) == text


def test_an_axis_has_round_marks() -> None:
    assert mark_texts(marks(0, 0.43, "suffix:cores", 5), "suffix:cores")[:2] == ["0.0 cores", "0.1 cores"]
    assert mark_texts(marks(0, 2**30, "bytes", 5), "bytes") == [
        "0 B",
        "256 MiB",
        "512 MiB",
        "768 MiB",
        "1 GiB",
    ]
    assert marks(0, 1, "none", 5, whole=True) == [0, 1]
    assert marks(-0.01, 0.01, "s", 4)[0] <= -0.01


def test_a_mapped_value_is_shown_as_its_word() -> None:
    alerts = panel_of("site", "Alerts")
    assert shown("critical", style_of(alerts, "Severity"), "") == Shown("critical", "#D55E00")
    assert shown(None, alerts.defaults, "#fff").text == "no alert fires"
    assert shown(1.5, style_of(panel_of("site", "Cameras, trouble first"), "State"), "").text == "late"


def test_a_table_is_merged_named_and_sorted() -> None:
    panel = panel_of("site", "Cameras, trouble first")
    series = [
        one("A", 0, camera="a"),
        one("A", 4, camera="b"),
        one("B", 1, camera="a"),
        one("D", 9.5, camera="b"),
    ]
    found = table(panel, series)
    assert found == Table(
        ("State", "Camera", "Source", "Frames/s"),
        ({"State": 4.0, "Camera": "b", "Frames/s": 9.5}, {"State": 0.0, "Camera": "a", "Source": 1.0}),
    )


def test_buckets_count_their_own_alone() -> None:
    found = buckets([one("A", 7, le="+Inf"), one("A", 2, le="1.0"), one("A", 5, le="2.0")])
    assert [(bucket.name, bucket.last) for bucket in found] == [("1.0", 2), ("2.0", 3), ("+Inf", 2)]


def test_a_series_lies_on_the_grid_with_gaps_where_it_has_none() -> None:
    gappy = Series("A", "", {}, np.array([5.0, 15.0]), np.array([1.0, np.inf]))
    np.testing.assert_array_equal(
        on_grid(gappy, np.array([0.0, 5.0, 10.0, 15.0])), [np.nan, 1, np.nan, np.nan]
    )


def made_up(panel: Panel) -> list[Series]:
    """Two cameras and two workers of whatever a panel asks for."""
    times = np.arange(WINDOW.start, WINDOW.end, WINDOW.step_s)
    found = []
    for target, index in itertools.product(panel.targets, range(2)):
        labels = {
            "camera": f"camera-{index}",
            "stage": "pose",
            "instance": f"127.0.0.1:{9308 + index}",
            "le": f"{index}.0",
        }
        at = times[-1:] if target.instant else times
        name = legend(target.legend, labels) or target.ref
        found.append(Series(target.ref, name, labels, at, np.full(len(at), index + 0.5)))
    return found


class Scripted(Prometheus):
    """Answers each query alike."""

    def query(self, target: Target, variables: Mapping[str, str], shown: Window) -> list[Series]:
        if self.url == "refuses":
            raise QueryError("parse error")
        return [] if self.url == "empty" else [one(target.ref, math.nan if self.url == "nan" else 1.0)]


@pytest.mark.parametrize(
    ("answer", "well"), [("fine", True), ("nan", False), ("empty", False), ("refuses", False)]
)
def test_the_check_finds_queries_that_fail_or_find_nothing(
    answer: str, well: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(load("site"), View(Scripted(answer), {}, 1900.0, 900.0, 5.0)) is well
    told = capsys.readouterr().out
    assert ("no dead letters" in told) == (answer in ("empty", "nan"))
    assert ("parse error" in told) == (answer == "refuses")


@each_board
def test_every_panel_can_be_drawn_and_its_title_fits(name: str) -> None:
    board: Board = load(name)
    page = Page(60)
    for panel in board.panels:
        box = box_of(panel.at)
        assert 0 <= box.x < box.x + box.w <= WIDTH_PX
        assert page.width(panel.title, 14, bold=True) <= box.w - 20
        draw_panel(page, panel, box, made_up(panel), WINDOW)
        draw_panel(page, panel, box, [], WINDOW)
