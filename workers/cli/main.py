"""The `nexara` command: its subcommands and what becomes of errors."""

from __future__ import annotations

import logging
import os
import sys

import click

from workers.cli.lazy import LazyGroup

# Each is a module of that name (with _ for -) beside this one, with a command of that name in it.
COMMANDS = (
    *(
        "up",
        "apply",
        "worker",
        "check",
        "status",
        "tail",
        "record",
        "replay",
        "calibrate",
        "verify-log",
        "health",
    ),
    *("users", "tokens", "demo", "simulate", "models", "keys", "play", "evaluate", "explain", "train"),
    *("alert", "reference"),
)
# Exit codes: 0 well, 1 something broke, 2 something is wrong with what the user gave, 130 Ctrl-C.
EXIT_BROKEN = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


@click.group(
    cls=LazyGroup,
    modules={name: f"workers.cli.{name.replace('-', '_')}" for name in COMMANDS},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="nexara", prog_name="nexara")
@click.option("-v", "--verbose", count=True, help="More log lines on standard error (-vv: debug).")
def nexara(verbose: int) -> None:
    """Security cameras in, verdicts about violence out.

    \b
    Start with:  nexara demo
    Your video:  nexara up --video FILE.mp4 --weights yolo26n-pose.pt
    A site:      nexara check site.yaml && nexara up site.yaml
    Then look:   nexara status · nexara tail verdicts
    """  # noqa: D301
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def main() -> None:
    """Runs the command; every error that a user can mend is one line on standard error."""
    try:
        code = nexara.main(prog_name="nexara", standalone_mode=False)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.Abort:
        code = EXIT_INTERRUPTED
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = EXIT_USAGE
    except BrokenPipeError:
        # The reader of our output has gone (`nexara tail ... | head`): that is no error of anybody's.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        code, line = _explained(error)
        if not line:
            raise
        click.echo(f"nexara: {line}", err=True)
    sys.exit(code)


def _explained(error: Exception) -> tuple[int, str]:
    """Exit code and one line for an error that a user can mend; no line for what is ours to mend."""
    from shared.bus import BusError, BusRefusedError
    from shared.config import ConfigError
    from shared.recording import RecordingError
    from shared.store.database import DatabaseAwayError

    line = " ".join(str(error).split())
    if isinstance(error, (ConfigError, BusRefusedError, RecordingError)):
        return EXIT_USAGE, line
    if isinstance(error, BusError):
        # Not what was given is wrong: whoever starts us may try again.
        return EXIT_BROKEN, f"no answer from the server: {line}: is it running?"
    if isinstance(error, DatabaseAwayError):
        return EXIT_BROKEN, f"no answer from the database: {line}: is it running?"
    return EXIT_BROKEN, ""
