"""Draws Grafana's dashboards as pictures, or checks that each of their queries finds something.

    python -m benchmarks.dashboards [PROMETHEUS_URL] [--out docs/images] [--at TIME] [--minutes 15]
                                    [--var camera=office] [--check]

Without a URL it starts a fleet of its own on four films and a Prometheus beside it, lets them run for
`--minutes`, and draws that. Needs Debian's `prometheus` then.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from datetime import datetime
from pathlib import Path

import yaml

from benchmarks.dashboards.board import BOARDS, GRAFANA, load
from benchmarks.dashboards.check import check
from benchmarks.dashboards.demo import CAMERA, running
from benchmarks.dashboards.draw import draw
from benchmarks.dashboards.prometheus import Prometheus, QueryError
from benchmarks.dashboards.substitute import seconds
from benchmarks.dashboards.view import View


def main() -> int:
    """Draws or checks all dashboards; 1 if something is wrong with one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", nargs="?", metavar="PROMETHEUS_URL", help="absent: a fleet of its own")
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="where the pictures go")
    parser.add_argument(
        "--at", metavar="TIME", type=moment, help="end of the time shown: ISO 8601 or Unix; now"
    )
    parser.add_argument("--minutes", type=float, default=15.0, help="how much time is shown")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="a variable's value")
    parser.add_argument("--check", action="store_true", help="ask every query, draw nothing")
    parser.add_argument("--only", action="append", choices=BOARDS, help="this dashboard; all")
    options = parser.parse_args()
    given = dict(pair.partition("=")[::2] for pair in options.var)
    with contextlib.ExitStack() as stack:
        url = options.url
        if url is None:
            url = stack.enter_context(running(60 * options.minutes))
            given = {"camera": CAMERA, **given}
        end = options.at or time.time()
        try:
            view = View(Prometheus(url), given, end, 60 * options.minutes, scrape_interval_s())
            return _run(view, options)
        except QueryError as error:
            print(f"benchmarks.dashboards: {error}", file=sys.stderr)
            return 1


def _run(view: View, options: argparse.Namespace) -> int:
    failed = False
    for name in options.only or BOARDS:
        board = load(name)
        if options.check:
            failed |= not check(board, view)
            continue
        path = options.out / f"grafana-{name}.png"
        draw(board, view).save(path)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
    return int(failed)


def scrape_interval_s() -> float:
    """How often Grafana thinks that Prometheus scrapes."""
    text = (GRAFANA / "provisioning" / "datasources" / "prometheus.yaml").read_text(encoding="utf-8")
    return seconds(yaml.safe_load(text)["datasources"][0]["jsonData"]["timeInterval"])


def moment(text: str) -> float:
    """A time that somebody typed, as Unix seconds."""
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()


if __name__ == "__main__":
    sys.exit(main())
