"""`nexara evaluate`: results measured against a truth."""

from __future__ import annotations

import click

from workers.cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    modules={name: f"workers.cli.evaluate_{name}" for name in ("tracking", "skeletons", "verdicts")},
)
def evaluate() -> None:
    """Measure tracks, skeletons or verdicts against a truth.

    \b
    nexara evaluate tracking truth.txt result.txt
    nexara evaluate skeletons truth.npz result.npz --plot plots
    nexara evaluate verdicts clips.npz --plot plots
    """  # noqa: D301
