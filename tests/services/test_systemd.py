"""The systemd units are read by systemd itself; the machine needs no running systemd."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from workers.cli import main
from workers.cli.site import ROLES

UNITS = sorted((Path(__file__).resolve().parents[2] / "configs" / "systemd").glob("*.service"))
PROGRAM = "/opt/nexara/.venv/bin/nexara"
# In tenths of systemd's 0 to 10, lower is better; a service without any of it has 96. What is left is the
# network, the devices, and memory that is writable and executable.
MOST_EXPOSURE = 20


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze, which is not here")
    command = ["systemd-analyze", "--no-pager", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def settings(unit: Path) -> dict[str, str]:
    """What a unit's [Service] says; of a key that stands several times, the last value."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    parser.read_string(unit.read_text(encoding="utf-8").replace("\\\n", " "))
    return dict(parser["Service"])


@pytest.fixture
def installed(tmp_path: Path, unit: Path) -> Path:
    """The unit with a program that exists on this machine, too."""
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text(encoding="utf-8").replace(PROGRAM, sys.executable), encoding="utf-8")
    return copy


def test_there_is_a_unit_for_one_machine_and_one_for_several() -> None:
    assert [unit.name for unit in UNITS] == ["nexara-worker@.service", "nexara.service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_understands_every_line(installed: Path, unit: Path) -> None:
    said = analyze("verify", installed).stderr.splitlines()
    # It also speaks of other units of this machine.
    assert not [line for line in said if unit.stem in line]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_is_as_little_exposed_as_it_can_be(installed: Path, unit: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", installed)
    if "unrecognized option" in done.stderr:
        pytest.skip("needs a systemd-analyze that knows `security --offline` (systemd 250)")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_mistake_in_the_site_file_is_not_tried_again_for_ever(unit: Path) -> None:
    service = settings(unit)
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == str(main.EXIT_USAGE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_the_command_in_a_unit_is_one_that_there_is(unit: Path) -> None:
    program, *arguments = settings(unit)["ExecStart"].replace("%i", ROLES[0]).replace("$OPTIONS", "").split()
    assert program == PROGRAM
    name, *rest = [word for word in arguments if word != "-v"]
    command = main.nexara.get_command(click.Context(main.nexara), name)
    assert command is not None
    # Reads the arguments without running anything; an option that is not there is refused.
    command.make_context(name, rest)


def test_only_the_first_process_is_told_to_end_because_it_ends_the_others_in_order() -> None:
    whole = settings(next(unit for unit in UNITS if unit.stem == "nexara"))
    assert whole["KillMode"] == "mixed"
    # A worker that runs out of memory must not take the rest with it.
    assert whole["OOMPolicy"] == "continue"
