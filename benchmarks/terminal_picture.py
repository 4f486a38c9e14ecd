"""A terminal's contents, colours and all, as a picture for the documents.

tmux capture-pane -e -p | python -m benchmarks.terminal_picture docs/images/demo.svg --title "nexara demo"
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text


def main() -> None:
    """Reads standard input, writes an SVG."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--title", default="")
    arguments = parser.parse_args()
    text = Text.from_ansi(sys.stdin.read().rstrip())
    width = max(len(line) for line in text.plain.splitlines())
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
    console.print(text)
    # No font is fetched where the picture is looked at.
    picture = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title=arguments.title), flags=re.DOTALL)
    arguments.out.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
