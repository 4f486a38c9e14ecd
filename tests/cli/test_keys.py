"""`nexara keys` makes each password once, says none of them, and writes the list that the server loads."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from shared.config import ConfigError
from workers.cli.keys import TEMPLATE, keys, render, users
from workers.cli.main import nexara

ROLES = users(TEMPLATE.read_text(encoding="utf-8"))
LIST = "redis/users.acl"


def made(directory: Path) -> list[str]:
    """Runs the command; what it printed."""
    done = CliRunner().invoke(nexara, ["keys", str(directory)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output.splitlines()


def refusal(directory: Path) -> str:
    """Runs the command in vain; what it said."""
    error = CliRunner().invoke(nexara, ["keys", str(directory)]).exception
    assert isinstance(error, ConfigError)
    assert "\n" not in str(error)
    return str(error)


def files(directory: Path) -> dict[str, tuple[str, int]]:
    """Text and time of each file."""
    found = (path for path in directory.rglob("*") if path.is_file())
    return {
        str(path.relative_to(directory)): (path.read_text(encoding="utf-8"), path.stat().st_mtime_ns)
        for path in found
    }


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def narrow_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_each_thing_is_made_once_and_told_in_one_line(tmp_path: Path) -> None:
    paths = [*(f"{role}/password" for role in ROLES), "grafana/password", LIST]
    assert made(tmp_path / "keys") == [f"made {tmp_path / 'keys' / path}" for path in paths]
    before = files(tmp_path / "keys")
    assert sorted(before) == sorted(paths)
    assert made(tmp_path / "keys") == []
    assert files(tmp_path / "keys") == before


def test_passwords_are_long_differ_need_no_escaping_and_are_not_printed(tmp_path: Path) -> None:
    output = "\n".join(made(tmp_path))
    passwords = [(tmp_path / user / "password").read_text() for user in (*ROLES, "grafana")]
    assert len(set(passwords)) == len(passwords)
    for password in passwords:
        assert len(password) >= 43
        assert password.replace("-", "").replace("_", "").isalnum()
        assert password not in output


@pytest.mark.usefixtures("narrow_umask")
def test_only_what_another_user_reads_is_readable_to_others(tmp_path: Path) -> None:
    made(tmp_path / "keys")
    assert {mode(tmp_path / "keys" / role / "password") for role in ROLES} == {0o400}
    assert mode(tmp_path / "keys" / "grafana" / "password") == 0o444
    assert mode(tmp_path / "keys" / LIST) == 0o444
    assert {mode(path) for path in (tmp_path / "keys").rglob("*") if path.is_dir()} == {0o755}


def test_the_list_holds_each_users_hash_and_no_password(tmp_path: Path) -> None:
    made(tmp_path)
    lines = (tmp_path / LIST).read_text().splitlines()
    assert [line.split()[1] for line in lines] == ["default", *ROLES]
    assert lines[0] == "user default off"
    for role, line in zip(ROLES, lines[1:], strict=True):
        password = (tmp_path / role / "password").read_text()
        assert line.startswith(f"user {role} on #{hashlib.sha256(password.encode()).hexdigest()} ")
        assert password not in "".join(lines)


def test_a_password_that_is_there_is_kept_and_a_removed_one_made_anew(tmp_path: Path) -> None:
    (tmp_path / "pose").mkdir()
    (tmp_path / "pose" / "password").write_text("my own\n")
    assert len(made(tmp_path)) == len(ROLES) + 1
    assert hashlib.sha256(b"my own").hexdigest() in (tmp_path / LIST).read_text()
    before = files(tmp_path)
    (tmp_path / "ingest" / "password").unlink()
    assert made(tmp_path) == [f"made {tmp_path / path}" for path in ("ingest/password", LIST)]
    after = files(tmp_path)
    assert {path for path in after if after[path] != before[path]} == {"ingest/password", LIST}


def test_several_at_once_agree_and_leave_nothing_behind(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keys.callback, [tmp_path] * 8))
    found = files(tmp_path)
    assert sorted(found) == sorted([*(f"{role}/password" for role in ROLES), "grafana/password", LIST])
    passwords = {role: found[f"{role}/password"][0] for role in ROLES}
    assert found[LIST][0] == render(TEMPLATE.read_text(encoding="utf-8"), passwords)


def test_a_draft_left_by_a_crash_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "pose").mkdir()
    (tmp_path / "pose" / ".password.new").touch(mode=0o400)
    made(tmp_path)
    assert [path.name for path in (tmp_path / "pose").iterdir()] == ["password"]


def test_a_folder_that_cannot_be_made_or_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "file: cannot be made: File exists: give a folder" in refusal(tmp_path / "file")
    assert "x: cannot be made: Not a directory" in refusal(tmp_path / "file" / "x")
    # Nobody may write here, root neither.
    assert "/proc/nexara: cannot be made" in refusal(Path("/proc/nexara"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "Permission denied: give a folder that you may write" in refusal(tmp_path)


def test_a_password_file_that_cannot_be_used_is_said_and_left_alone(tmp_path: Path) -> None:
    made(tmp_path)
    password = tmp_path / "archive" / "password"
    for content, reason in ((b"", "is empty"), (b"\n", "is empty"), (b"\xff", "not UTF-8 text")):
        password.unlink()
        password.write_bytes(content)
        assert reason in refusal(tmp_path)
        assert password.read_bytes() == content
    password.unlink()
    password.mkdir()
    assert "Is a directory" in refusal(tmp_path)


def test_a_template_loses_comments_and_has_one_line_for_each_user() -> None:
    template = (
        "# head ${NOBODY}\n\nuser a on #${A}\n    +ping\n    # why\n    (+get ~a:*)\nuser default off\n"
    )
    assert users(template) == ["a"]
    assert render(template, {"a": "secret"}) == (
        f"user a on #{hashlib.sha256(b'secret').hexdigest()} +ping (+get ~a:*)\nuser default off\n"
    )


def test_a_placeholder_that_nobody_knows_is_said_with_those_that_exist() -> None:
    with pytest.raises(ConfigError, match=r"users\.acl: \$\{POES\} is no user's.*\$\{INGEST\}, \$\{POSE\}"):
        render("user pose on #${POES} +ping", {"ingest": "x", "pose": "y"})
