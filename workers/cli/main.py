"""The `nexara` command: its subcommands and what becomes of errors."""

from __future__ import annotations

import logging
import os
import sys

import click

from shared.bus import BusError, BusRefusedError
from shared.config import ConfigError
from workers.cli.check import check
from workers.cli.models import models
from workers.cli.status import status
from workers.cli.tail import tail
from workers.cli.up import up
from workers.cli.worker import worker

# Exit codes: 0 well, 1 something broke, 2 something is wrong with what the user gave, 130 Ctrl-C.
EXIT_BROKEN = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="nexara", prog_name="nexara")
@click.option("-v", "--verbose", count=True, help="More log lines on standard error (-vv: debug).")
def nexara(verbose: int) -> None:
    r"""Security cameras in, verdicts about violence out.

    \b
    Start with:  nexara up --video FILE.mp4 --weights yolo26n-pose.pt
    A site:      nexara check site.yaml && nexara up site.yaml
    Then look:   nexara status · nexara tail verdicts
    """
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")


for command in (up, worker, check, tail, status, models):
    nexara.add_command(command)


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
    except (ConfigError, BusRefusedError) as error:
        click.echo(f"nexara: {_one_line(error)}", err=True)
        code = EXIT_USAGE
    except BusError as error:
        click.echo(f"nexara: no answer from the server: {_one_line(error)}: is it running?", err=True)
        code = EXIT_USAGE
    except BrokenPipeError:
        # The reader of our output has gone (`nexara tail ... | head`): that is no error of anybody's.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
