"""`nexara users`: who may log in to the site's page."""

from __future__ import annotations

import contextlib
from typing import Any, TextIO

import click
from rich.console import Console
from rich.table import Table

from shared.config import ConfigError
from workers.cli.options import site_options
from workers.cli.people import changing, now, role_option, shown, told
from workers.serve import people
from workers.serve.config import FIRST_PASSWORD_FILE, FIRST_USER
from workers.serve.passwords import LONGEST, Passwords, checked_name

name_argument = click.argument("name")
password_option = click.option(
    "--password-file",
    type=click.File(encoding="utf-8"),
    help="Take the password from this file's first line; - is standard input. Without it, you are asked.",
)


@click.group()
def users() -> None:
    """Add, list and remove people who may log in to the site's page."""


@users.command()
@name_argument
@role_option
@password_option
@site_options
def add(site: Any, name: str, role: people.Role, password_file: TextIO | None) -> None:
    """Add somebody."""
    with told():
        checked_name(name)
    stored = _hashed(password_file)
    with changing(site) as connection:
        people.add_user(connection, name, stored, role, now())
    click.echo(f"user '{name}' may log in as {role}")


@users.command("list")
@site_options
def list_(site: Any) -> None:
    """List people."""
    with changing(site) as connection:
        found = people.list_users(connection)
    table = Table("name", "role", "since", "", box=None, header_style="bold")
    for user in found:
        table.add_row(
            user["name"], user["role"], shown(user["created_at"]), "disabled" if user["disabled"] else ""
        )
    Console().print(table)


@users.command()
@name_argument
@password_option
@site_options
def passwd(site: Any, name: str, password_file: TextIO | None) -> None:
    """Give somebody another password, and log them out everywhere."""
    stored = _hashed(password_file)
    with changing(site) as connection:
        people.set_password(connection, name, stored)
    if name == FIRST_USER:
        with contextlib.suppress(OSError):
            (site.site.serve_directory / FIRST_PASSWORD_FILE).unlink()
    click.echo(f"user '{name}' has another password")


@users.command()
@name_argument
@click.argument("role", type=click.Choice(people.ROLES))
@site_options
def role(site: Any, name: str, role: people.Role) -> None:
    """Give somebody another role, at once."""
    with changing(site) as connection:
        people.set_role(connection, name, role)
    click.echo(f"user '{name}' is {role} now")


@users.command()
@name_argument
@site_options
def disable(site: Any, name: str) -> None:
    """Shut somebody out, at once."""
    with changing(site) as connection:
        people.set_disabled(connection, name, True)
    click.echo(f"user '{name}' may not log in any more")


@users.command()
@name_argument
@site_options
def enable(site: Any, name: str) -> None:
    """Let somebody in again."""
    with changing(site) as connection:
        people.set_disabled(connection, name, False)
    click.echo(f"user '{name}' may log in again")


@users.command()
@name_argument
@site_options
def remove(site: Any, name: str) -> None:
    """Remove somebody, at once; what they said of incidents stays."""
    with changing(site) as connection:
        people.remove_user(connection, name)
    click.echo(f"user '{name}' is gone")


def _hashed(file: TextIO | None) -> str:
    if file is None:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        try:
            password = file.readline(LONGEST + 2).rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise ConfigError("--password-file: cannot be read as text") from None
    with told():
        return Passwords().hash(password)
