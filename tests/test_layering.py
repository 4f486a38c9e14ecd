"""Who may import whom, read off the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import shared

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "torchvision", "cv2", "ultralytics", "av"}

# These compute; whoever wants a file, a server or the time passes it in.
PURE = (
    "shared/latest.py",
    "shared/messages.py",
    "shared/skeleton.py",
    "shared/stage.py",
    "workers/alert/going.py",
    "workers/alert/limit.py",
    "workers/archive/chain.py",
    "workers/archive/retention.py",
    "workers/archive/evidence/covering.py",
    "workers/archive/evidence/drawing.py",
    "workers/archive/evidence/heads.py",
    "workers/ingest/simulated",
    "workers/pose/refine",
    "workers/pose/evaluation/lag.py",
    "workers/pose/evaluation/skeletons.py",
    "workers/pose/evaluation/unseen.py",
    "workers/pose/evaluation/tracking.py",
    "workers/pose/evaluation/mot_text.py",
    "workers/pose/suppression.py",
    "workers/pose/tracking/cost.py",
    "workers/pose/tracking/motion.py",
    "workers/pose/tracking/assignment.py",
    "workers/pose/tracking/sighting.py",
    "workers/pose/tracking/people.py",
    "workers/pose/tracking/law.py",
    "workers/pose/views.py",
    "workers/classify/decision.py",
    "workers/classify/doubts.py",
    "workers/classify/due.py",
    "workers/classify/explain.py",
    "workers/classify/inputs",
    "workers/classify/motion.py",
    "workers/classify/ntu.py",
    "workers/classify/pairs.py",
    "workers/classify/windows.py",
    "workers/classify/evaluation/clips.py",
    "workers/classify/evaluation/measures.py",
    "workers/classify/evaluation/report.py",
    "workers/classify/evaluation/sources.py",
    "workers/classify/evaluation/told.py",
    "workers/cli/calibration/outcome.py",
    "workers/cli/calibration/proposal.py",
    "workers/cli/calibration/thresholds.py",
    "workers/incidents/company.py",
    "workers/incidents/group.py",
    "workers/incidents/life.py",
    "workers/incidents/state.py",
    "workers/incidents/step.py",
)
IMPURE = {
    *("redis", "shared.bus", "shared.loop", "shared.embedded", "shared.config", "shared.metrics"),
    *("os", "io", "pathlib", "shutil", "tempfile", "glob", "fcntl", "socket", "subprocess", "urllib", "http"),
    *("time", "datetime", "random", "secrets", "uuid", "threading", "asyncio", "multiprocessing", "logging"),
    *("sqlite3", "yaml", "prometheus_client"),
}
IMPURE_CALLS = {"open", "print", "input", "exec", "eval"}

# `nexara train` runs the recipes. Nothing else may: whoever only watches cameras needs neither them nor what
# they need.
TRAINS = ROOT / "workers" / "cli" / "train.py"


def sources(*places: str) -> list[Path]:
    """Python files under places that exist."""
    found = []
    for place in places:
        path = ROOT / place
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return found


def imports(path: Path) -> Iterator[str]:
    """Full names of everything that a file imports anywhere, `from a import b` as `a.b`."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{module}.{name.name}" for name in node.names)


def within(name: str, modules: set[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_shared_is_ours() -> None:
    assert Path(shared.__file__).resolve() == ROOT / "shared" / "__init__.py"


@pytest.mark.parametrize("path", sources("shared"), ids=shown)
def test_shared_knows_no_worker_and_no_heavy_library(path: Path) -> None:
    assert [name for name in imports(path) if within(name, {"workers", "tests", "training", *HEAVY})] == []


# Whoever starts the fleet knows all of it.
@pytest.mark.parametrize(
    "path",
    [p for p in sources("workers") if p.relative_to(ROOT).parts[1] not in ("cli", "__main__.py")],
    ids=shown,
)
def test_a_worker_knows_no_other_worker(path: Path) -> None:
    parts = path.relative_to(ROOT).parts
    own = {"workers"} if len(parts) == 2 else {f"workers.{parts[1]}"}
    assert [n for n in imports(path) if within(n, {"workers"}) and not within(n, own)] == []


@pytest.mark.parametrize("path", sources("shared", "workers"), ids=shown)
def test_the_product_needs_no_tests_training_or_benchmarks(path: Path) -> None:
    others = {"tests", "benchmarks"} if path == TRAINS else {"tests", "benchmarks", "training"}
    assert [name for name in imports(path) if within(name, others)] == []


def test_recipes_are_loaded_only_where_somebody_trains() -> None:
    at_once = ast.parse(TRAINS.read_text(encoding="utf-8")).body
    early = [node for node in at_once if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in early if "training" in ast.unparse(node)] == []
    assert any(within(name, {"training"}) for name in imports(TRAINS))


@pytest.mark.parametrize("path", sources(*PURE), ids=shown)
def test_what_computes_has_no_files_no_server_and_no_clock(path: Path) -> None:
    # `Section` describes settings; what reads them from a file is beside it.
    named = set(imports(path)) - {"shared.config.Section"}
    assert [name for name in sorted(named) if within(name, IMPURE)] == []
    calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
    called = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    assert called & IMPURE_CALLS == set()


@pytest.mark.parametrize("place", PURE)
def test_the_list_of_pure_modules_names_what_exists(place: str) -> None:
    assert sources(place) != []


def test_the_reader_of_imports_sees_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(imports.__globals__, "ROOT", tmp_path)
    file = tmp_path / "workers" / "pose" / "stage.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "import workers.archive.log as log\n"
        "from workers import ingest\n"
        "from ..classify import stage\n"
        "def late():\n    from workers.incidents.life import Incident\n"
    )
    assert list(imports(file)) == [
        "workers.archive.log",
        "workers.ingest",
        "workers.classify.stage",
        "workers.incidents.life.Incident",
    ]
