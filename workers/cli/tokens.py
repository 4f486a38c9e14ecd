"""`nexara tokens`: programs that may use the site's API."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.table import Table

from workers.cli.options import site_options
from workers.cli.people import changing, now, role_option, shown, told
from workers.serve import people
from workers.serve.passwords import checked_name

_DAY_S = 86_400


@click.group()
def tokens() -> None:
    """Add, list and remove tokens of programs that use the site's API."""


@tokens.command()
@click.argument("name")
@role_option
@click.option(
    "--days", type=click.FloatRange(min=0.01, max=36_500), help="Ends after so many days; else never."
)
@site_options
def add(site: Any, name: str, role: people.Role, days: float | None) -> None:
    """Make a token, and print it, once.

    Programs send it as `Authorization: Bearer TOKEN`.
    """
    with told():
        checked_name(name)
    lasts_s = None if days is None else days * _DAY_S
    with changing(site) as connection:
        token = people.add_token(connection, name, role, now(), lasts_s)
    click.echo(f"token '{name}' for the role {role}; it is shown this once:", err=True)
    click.echo(token)


@tokens.command("list")
@site_options
def list_(site: Any) -> None:
    """List tokens, without the tokens themselves."""
    with changing(site) as connection:
        found = people.list_tokens(connection)
    table = Table("name", "role", "since", "until", "last used", box=None, header_style="bold")
    for token in found:
        times = (shown(token[name]) for name in ("created_at", "expires_at", "last_used_at"))
        table.add_row(token["name"], token["role"], *times)
    Console().print(table)


@tokens.command()
@click.argument("name")
@site_options
def remove(site: Any, name: str) -> None:
    """Take a token back, at once."""
    with changing(site) as connection:
        people.remove_token(connection, name)
    click.echo(f"token '{name}' is gone")
