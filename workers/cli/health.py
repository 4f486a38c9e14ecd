"""`nexara health`: asks a worker on this machine how it fares, for containers' health checks."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import click

_ANSWER_S = 5.0
# Not through a proxy that the environment may name: the worker is on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the worker serves its metrics.")
@click.option("--port", type=click.IntRange(1, 65535), default=9108, show_default=True, help="On which port.")
@click.option("--ready", is_flag=True, help="Ask whether it can work, not only whether it lives.")
def health(host: str, port: int, ready: bool) -> None:
    """Ask a worker whether it is well: exit code 0 if so, 1 if not.

    Healthy means that its loops go round; ready that its nets are loaded and the server answers, too.
    """
    place = f"http://{host}:{port}/{'readyz' if ready else 'healthz'}"
    try:
        with _OPENER.open(place, timeout=_ANSWER_S) as answer:
            click.echo(_told(answer.read()))
    except urllib.error.HTTPError as error:
        click.echo(_told(error.read()))
        raise click.exceptions.Exit(1) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        click.echo(f"{place}: no answer: {reason}: is a worker running, with metrics.port {port}?")
        raise click.exceptions.Exit(1) from None


def _told(body: bytes) -> str:
    """One line for all roles."""
    return "; ".join(f"{role}: {answer}" for role, answer in json.loads(body).items())
