"""`nexara keys`: passwords for the users of an external server, and the list of users that it loads."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from shared.config import ConfigError

# In a checkout and in an installed wheel alike, `configs` lies beside `workers`.
TEMPLATE = Path(__file__).resolve().parents[2] / "configs" / "redis" / "users.acl"

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_SECRET, _PUBLIC = 0o400, 0o444


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def keys(directory: Path) -> None:
    """Make a password for each role on an external server.

    \b
    DIR/ROLE/password     for the worker of that role, and for operator (up, status, tail)
    DIR/grafana/password  for Grafana's administrator
    DIR/redis/users.acl   for the server: --aclfile DIR/redis/users.acl

    What is there stays as it is, so it can run at every start. A new password: remove the old one's file,
    run it again, start the server and that worker again.
    """  # noqa: D301
    template = TEMPLATE.read_text(encoding="utf-8")
    with _locked(directory):
        passwords = {user: _password(directory / user / "password", _SECRET) for user in users(template)}
        # Grafana's container has a user of its own.
        _password(directory / "grafana" / "password", _PUBLIC)
        # The server's, too; and nobody guesses 256 random bits from their hash.
        _keep(directory / "redis" / "users.acl", render(template, passwords))


def users(template: str) -> list[str]:
    """The users of a template that have a password."""
    names = [line.split()[1] for line in _lines(template) if line.startswith("user ")]
    return [name for name in names if name != "default"]


def render(template: str, passwords: Mapping[str, str]) -> str:
    """A template as the server takes it: one line for each user, hashes instead of placeholders, no comments.

    Args:
        template: lines that are indented belong to the line above; `${NAME}` is the SHA-256 of the password
            of the user called `name`.
        passwords: user -> password.

    Raises:
        ConfigError: a placeholder is no user's.
    """

    def hashed(match: re.Match[str]) -> str:
        password = passwords.get(match[1].lower())
        if password is None:
            known = ", ".join(f"${{{user.upper()}}}" for user in passwords)
            raise ConfigError(f"users.acl: {match[0]} is no user's password: write one of {known}")
        return hashlib.sha256(password.encode()).hexdigest()

    return "".join(f"{_PLACEHOLDER.sub(hashed, line)}\n" for line in _lines(template))


def _lines(template: str) -> list[str]:
    lines: list[str] = []
    for line in template.splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if line[0].isspace() and lines:
            lines[-1] += f" {text}"
        else:
            lines.append(text)
    return lines


def _password(path: Path, mode: int) -> str:
    """The password in a file, which is made if it is not there."""
    try:
        password = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        password = secrets.token_urlsafe(32)
        _store(path, password, mode)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError(f"{path}: cannot be read: {reason}: run this as its owner, or remove it") from error
    if not password:
        raise ConfigError(f"{path}: is empty: remove it, and run this again for a new password")
    return password


def _keep(path: Path, text: str) -> None:
    """Makes a file say this, if it does not yet."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if path.read_text(encoding="utf-8") == text:
            return
    _store(path, text, _PUBLIC)


def _store(path: Path, text: str, mode: int) -> None:
    """Writes a file and says so; whoever finds it finds all of it."""
    draft = path.with_name(f".{path.name}.new")
    with _file_errors(path):
        _make_folder(path.parent)
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(descriptor, mode)
            # Or a machine that loses power now could come back with an empty password.
            os.fsync(descriptor)
        draft.replace(path)
    click.echo(f"made {path}")


def _make_folder(path: Path) -> None:
    """Makes a folder that other users may pass through, whatever the umask; files have modes of their own."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keeps others out that run this in the same folder: a password must not be made twice."""
    with contextlib.ExitStack() as stack:
        with _file_errors(directory):
            _make_folder(directory)
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be made: {error.strerror}: give a folder that you may write"
        ) from error
