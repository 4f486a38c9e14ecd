"""A group of commands each of which is loaded only when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """Its commands by name: a health check must not pay for video and nets.

    Args:
        modules: name of a command -> the module that has it, under that name with _ for -.
    """

    def __init__(self, *args: Any, modules: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._modules = dict(modules)

    def list_commands(self, _context: click.Context) -> list[str]:
        """The names, in the order given."""
        return list(self._modules)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if name not in self._modules:
            return None
        module = importlib.import_module(self._modules[name])
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command
