"""Standard output that holds the result and nothing else, and progress beside it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

import click

Item = TypeVar("Item")

_EVERY_S = 5.0


@contextlib.contextmanager
def clean_stdout() -> Iterator[None]:
    """Until it ends, whatever libraries print, from C too, goes to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def counted(items: Sequence[Item], what: str) -> Iterator[Item]:
    """The items, and now and then a line on standard error that says how many are done."""
    started = told = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if now - told >= _EVERY_S:
            told = now
            click.echo(f"{done} of {len(items)} {what} in {now - started:.0f} s", err=True)
        yield item
