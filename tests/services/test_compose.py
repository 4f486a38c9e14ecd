"""compose.yaml at work: every container's command as a process behind the same walls (see compose.py).

What Docker itself does (building the images, cgroup limits, seccomp) is not shown here, and Grafana not run:
Debian has no package of it.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.compose import Project, missing_tools

WORKERS = ("ingest", "pose", "classify", "incidents", "archive", "serve", "alert")
PLANTED = "pl4nted-camera-secret"
SITE = """
cameras:
  street: {source: "http://demo-cameras-1:8090/street.mjpeg", fps: 5, image_size: 320}
  door: {source: "http://viewer:${DOOR_PASSWORD}@demo-cameras-2:8090/door.mjpeg", fps: 5, image_size: 320}
ingest: {retry_max_s: 2, stall_s: 2}
"""

log = logging.getLogger(__name__)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    if missing := missing_tools():
        pytest.skip(f"needs {', '.join(missing)}: make services, as root")
    # Not under /tmp, where each container has a tmpfs of its own.
    path = Path(tempfile.mkdtemp(prefix="nexara-compose-", dir="/var/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def project(folder: Path, shared_data: Path) -> Iterator[Project]:
    """The networks, passwords made, weights imported as docs/deployment.md says for a site offline."""
    site = folder / "site.yaml"
    site.write_text(SITE, encoding="utf-8")
    project = Project(folder, {"SITE_FILE": str(site)})
    for service in project.config["services"].values():
        if "env_file" in service:
            service["environment"] = {**service.get("environment", {}), "DOOR_PASSWORD": PLANTED}
    with project.running():
        code, said = project.run("keys")
        assert code == 0, said
        command = ["models", "import", "/import/yolo26n-pose-o2m.pt", "--name", "yolo26n-pose"]
        code, said = project.run("weights", command, mounts={str(shared_data / "weights"): "/import"})
        assert code == 0, said
        yield project


@pytest.fixture(scope="module")
def site(project: Project) -> Project:
    """Everything started in compose.yaml's order, healthy, with two players of cameras."""
    code, said = project.run("weights")
    assert code == 0, said
    project.start("redis")
    wait_until(lambda: project.healthy("redis-1"), "the server to be healthy")
    project.start("demo-cameras", 1)
    project.start("demo-cameras", 2)
    for service in (*WORKERS, "prometheus"):
        project.start(service)
    wait_until(lambda: all(project.healthy(f"{worker}-1") for worker in WORKERS), "the workers to be healthy")
    wait_until(lambda: all(ready(project, f"{worker}-1") for worker in WORKERS), "them to be ready", 200)
    return project


def wait_until(condition: Callable[[], object], what: str, seconds: float = 90.0) -> float:
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            pytest.fail(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.5)
    return time.monotonic() - began


def ready(project: Project, name: str) -> bool:
    return project.inside(name, ["nexara", "health", "--ready"]).returncode == 0


def query(project: Project, expression: str) -> dict[str, float]:
    """What Prometheus says, by camera (or else role)."""
    url = f"http://127.0.0.1:9090/api/v1/query?query={expression}"
    answer = project.ask("prometheus-1", url)
    found = answer["data"]["result"] if answer else []
    return {
        labels.get("camera") or labels.get("role", ""): float(series["value"][1])
        for series in found
        for labels in [series["metric"]]
    }


def alerts(project: Project, name: str) -> list[dict[str, Any]]:
    answer = project.ask("prometheus-1", "http://127.0.0.1:9090/api/v1/alerts")
    found = answer["data"]["alerts"] if answer else []
    return [alert for alert in found if alert["labels"]["alertname"] == name and alert["state"] == "firing"]


def verdicts(project: Project, camera: str) -> int:
    log = project.volume("verdicts") / f"{camera}.jsonl"
    return len(log.read_text().splitlines()) if log.exists() else 0


# --- as it should be --------------------------------------------------------------------------------------


def test_keys_are_made_once_and_each_role_sees_its_own(project: Project) -> None:
    before = {path: path.read_text() for path in project.folder.glob("volumes/key-*/*")}
    assert len(before) == 10
    assert project.run("keys") == (0, "")
    assert {path: path.read_text() for path in project.folder.glob("volumes/key-*/*")} == before


def test_every_worker_is_found_by_name_and_scraped_by_role(site: Project) -> None:
    wait_until(lambda: query(site, 'up{job="nexara"}') == dict.fromkeys(WORKERS, 1.0), "all targets to be up")


def test_verdicts_reach_the_volume(site: Project) -> None:
    wait_until(lambda: min(verdicts(site, "street"), verdicts(site, "door")) > 2, "verdicts of both cameras")


def test_nobody_has_rights_or_a_writable_root(site: Project) -> None:
    for name, container in site.containers.items():
        if not container.running:
            continue
        status = Path(f"/proc/{container.first_process}/status").read_text()
        facts = dict(re.findall(r"^(\w+):\s*(.*)$", status, re.MULTILINE))
        assert facts["Uid"].split()[0] != "0", name
        assert {int(facts[key], 16) for key in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}, name
        assert facts["NoNewPrivs"] == "1", name
        assert site.inside(name, ["touch", "/var/lib/x"]).returncode != 0, name
        assert "Read-only" in site.inside(name, ["touch", "/usr/x"]).stderr, name


def test_an_operator_sees_all_and_a_worker_only_its_own(site: Project) -> None:
    code, said = site.run("nexara", ["status", "--json"])
    assert code == 0, said
    rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert {row["camera"]: bool(row["owners"]["pose"]) for row in rows} == {"street": True, "door": True}
    code, said = site.run("nexara", ["check"])
    assert code == 0, said
    assert site.run("nexara", ["tail", "dead", "--from-start", "--seconds", "1"]) == (0, "")
    refused = site.inside("ingest-1", ["nexara", "tail", "tracks", "--seconds", "1"])
    assert refused.returncode == 2
    assert "check user, password and rights" in refused.stderr


LOOK = """
import http.cookiejar, json, urllib.request
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
password = open("/var/lib/nexara/serve/first-password").read().strip()
said = json.dumps({"name": "admin", "password": password}).encode()
page = "http://127.0.0.1:8080"
opener.open(urllib.request.Request(page + "/login", said, {"Content-Type": "application/json"}))
print(opener.open(page + "/api/v1/system").read().decode())
"""


def test_the_pages_first_user_sees_the_fleet(site: Project) -> None:
    assert (site.volume("serve") / "first-password").stat().st_mode & 0o777 == 0o600
    looked = site.inside("serve-1", ["python3", "-c", LOOK])
    assert looked.returncode == 0, looked.stderr
    system = json.loads(looked.stdout)
    assert all(len(names) == 1 for names in system["workers"].values())
    assert [camera["camera"] for camera in system["cameras"]] == ["street", "door"]


def test_another_pose_worker_takes_its_share_and_gives_it_back(site: Project) -> None:
    site.start("pose", 2)
    share = 'nexara_stage_owned_cameras{stage="pose"}'
    url = f"http://127.0.0.1:9090/api/v1/query?query={share}"

    def owned() -> list[str]:
        answer = site.ask("prometheus-1", url)
        return sorted(series["value"][1] for series in answer["data"]["result"]) if answer else []

    wait_until(lambda: owned() == ["1", "1"], "each to own one camera")
    # Docker waits as long as stop_grace_period says.
    assert site.stop("pose-2") < 5
    wait_until(lambda: "2" in owned(), "the first to own both again")


# --- faults -----------------------------------------------------------------------------------------------


def test_a_dead_camera_raises_its_alert_and_takes_it_back_and_others_go_on(site: Project) -> None:
    wait_until(lambda: query(site, "nexara_camera_up") == {"street": 1, "door": 1}, "both cameras to be up")
    site.stop("demo-cameras-2")
    took_s = wait_until(lambda: query(site, "nexara_camera_up").get("door") == 0, "camera_up to fall", 20)
    log.info("camera_up fell %.0f s after the camera", took_s)
    went_on = query(site, "nexara_ingest_frames_published_total")["street"]
    # 30 s, two scrapes and two evaluations.
    took_s = wait_until(lambda: alerts(site, "CameraDown"), "the alert", 60)
    log.info("CameraDown fired %.0f s after camera_up fell", took_s)
    assert {alert["labels"]["camera"] for alert in alerts(site, "CameraDown")} == {"door"}
    assert query(site, "nexara_ingest_frames_published_total")["street"] > went_on
    site.start("demo-cameras", 2)
    took_s = wait_until(lambda: not alerts(site, "CameraDown"), "the alert to end", 60)
    log.info("CameraDown ended %.0f s after the camera was back", took_s)
    assert query(site, "nexara_camera_up") == {"street": 1, "door": 1}


def test_a_killed_server_comes_back_with_everything_and_no_worker_restarts(site: Project) -> None:
    pids = {worker: site.containers[f"{worker}-1"].first_process for worker in WORKERS}
    site.stop("redis-1", 9)
    wait_until(lambda: not any(ready(site, f"{worker}-1") for worker in WORKERS), "nobody to be ready")
    assert all(site.healthy(f"{worker}-1") for worker in WORKERS)
    before = verdicts(site, "street")
    site.start("redis")
    wait_until(lambda: all(ready(site, f"{worker}-1") for worker in WORKERS), "all to be ready again")
    wait_until(lambda: verdicts(site, "street") > before, "verdicts to go on")
    assert {worker: site.containers[f"{worker}-1"].first_process for worker in WORKERS} == pids


def test_no_secret_is_in_any_log_metric_or_command_line(site: Project) -> None:
    files = [*site.folder.glob("volumes/key-*/password"), site.volume("serve") / "first-password"]
    secrets = {path.read_text().strip() for path in files} | {PLANTED}
    assert len(secrets) == 11
    texts = {name: container.text() for name, container in site.containers.items()}
    for worker in WORKERS:
        page = "http://127.0.0.1:9108/metrics"
        script = f"import urllib.request as u; print(u.urlopen('{page}').read().decode())"
        shown = site.inside(f"{worker}-1", ["python3", "-c", script])
        assert "nexara_worker_ready" in shown.stdout, shown.stderr
        texts[f"{worker} metrics"] = shown.stdout
        first = site.containers[f"{worker}-1"].first_process
        texts[f"{worker} argv"] = Path(f"/proc/{first}/cmdline").read_text()
    assert "door" in texts["ingest-1"]
    assert [name for name, text in texts.items() if any(secret in text for secret in secrets)] == []


# --- bad input: one line, and the container ends -----------------------------------------------------------


def refused(project: Project, command: list[str], **more: Any) -> str:
    """The only line that our image says before it ends with exit code 2."""
    code, said = project.run("nexara", command, **more)
    assert code == 2, said
    lines = said.strip().splitlines()
    assert len(lines) == 1, said
    return lines[0]


@pytest.fixture
def other_site(folder: Path) -> Callable[[str], dict[str, Any]]:
    def write(text: str) -> dict[str, Any]:
        path = folder / "other.yaml"
        path.write_text(text, encoding="utf-8")
        place = "/etc/nexara/other.yaml"
        return {"mounts": {str(path): place}, "environ": {"NEXARA_SITE": place}}

    return write


def test_a_missing_variable_is_named(project: Project, other_site: Callable[[str], dict[str, Any]]) -> None:
    more = other_site("cameras: {gate: {source: 'rtsp://a:${GATE_PASSWORD}@10.0.0.9/x'}}\n")
    line = refused(project, ["worker", "classify"], **more)
    assert "environment variable GATE_PASSWORD is not set" in line


def test_an_unreadable_site_file_is_named(folder: Path, project: Project) -> None:
    path = folder / "private.yaml"
    path.write_text(SITE, encoding="utf-8")
    path.chmod(0o600)
    environ = {"NEXARA_SITE": "/etc/nexara/private.yaml"}
    mounts = {str(path): "/etc/nexara/private.yaml"}
    line = refused(project, ["worker", "ingest"], mounts=mounts, environ=environ)
    assert "/etc/nexara/private.yaml: cannot be read: Permission denied" in line


def test_a_wrong_password_is_said_and_not_shown(folder: Path, site: Project) -> None:
    wrong = folder / "wrong"
    wrong.write_text("wr0ng-secret")
    environ = {"BUS_PASSWORD_FILE": "/run/wrong", "BUS_USER": "archive"}
    line = refused(site, ["worker", "archive"], mounts={str(wrong): "/run/wrong"}, environ=environ)
    assert line.startswith("nexara: redis://redis:6379/0: ")
    assert "check user, password and rights" in line
    assert "wr0ng-secret" not in line


def test_a_password_file_that_is_not_there_is_named(project: Project) -> None:
    line = refused(project, ["worker", "archive"], environ={"BUS_PASSWORD_FILE": "/keys/absent"})
    assert "BUS_PASSWORD_FILE: /keys/absent: cannot be read: No such file or directory" in line
