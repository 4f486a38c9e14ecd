"""What the pages are made of: everything is our own, markup is never made of text, colours can be read."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from workers.serve import pages

FOLDER = Path(pages.__file__).parent / "static"
SCRIPTS = sorted(FOLDER.glob("*.js"))
PAGES = sorted(FOLDER.glob("*.html"))
STYLES = sorted(FOLDER.glob("*.css"))
CSS = (FOLDER / "app.css").read_text(encoding="utf-8")
WORDS = (FOLDER / "words.js").read_text(encoding="utf-8")
COLOURS = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", CSS))

# What makes markup or code of text.
FORBIDDEN = (
    *("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc"),
    *("DOMParser", "createContextualFragment", 'setTimeout("', "javascript:", "localStorage.token"),
)


def shown(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", SCRIPTS, ids=shown)
def test_a_script_makes_no_markup_of_text_and_loads_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [word for word in FORBIDDEN if word in text] == []
    # The name of SVG's elements looks like an address and is none.
    assert "://" not in text.replace('"http://www.w3.org/2000/svg"', "")
    for source in re.findall(r'from "([^"]+)"', text):
        assert (FOLDER / source.removeprefix("./")).is_file()
        assert source.startswith("./")


@pytest.mark.parametrize("path", [*SCRIPTS, *STYLES], ids=shown)
def test_a_file_can_be_read_on_one_screen_or_a_few(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 250
    assert [number for number, line in enumerate(lines, start=1) if len(line) > 112] == []


@pytest.mark.parametrize("path", PAGES, ids=shown)
def test_a_page_names_files_that_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r'/static/([^"]+)"', text):
        assert (FOLDER / name).is_file(), name
    assert '<html lang="en">' in text
    assert "width=device-width" in text
    assert f"/static/{path.stem}.js" in text


@pytest.mark.parametrize("path", PAGES, ids=shown)
def test_a_script_looks_for_what_its_page_has(path: Path) -> None:
    wanted = set(re.findall(r'byId\("([^"]+)"\)', (FOLDER / f"{path.stem}.js").read_text(encoding="utf-8")))
    there = set(re.findall(r' id="([^"]+)"', path.read_text(encoding="utf-8")))
    assert wanted <= there


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("text", ["text", "quiet", "accent", "safe", "vetoed", "violence", "unsure"])
@pytest.mark.parametrize("ground", ["ground", "panel", "raised"])
def test_text_can_be_read_on_every_ground(text: str, ground: str) -> None:
    assert contrast(COLOURS[text], COLOURS[ground]) >= 4.5, "AA of WCAG 2.2"


def test_results_are_told_apart_by_shape_and_by_brightness_as_well_as_by_colour() -> None:
    shapes = dict(re.findall(r"(\w+): \"(\W)\"", WORDS.split("SHAPES")[1].split("}")[0]))
    colours = dict(re.findall(r'(\w+): "(#[0-9a-f]{6})"', WORDS))
    assert set(shapes) == set(colours) == {"SAFE", "VETOED", "VIOLENCE", "UNSURE"}
    assert len(set(shapes.values())) == 4
    for result, colour in colours.items():
        assert COLOURS[result.lower()] == colour, "the same in the style sheet"
    assert contrast(colours["VIOLENCE"], colours["VETOED"]) > 1.5
    assert all(a != b for a, b in itertools.combinations(colours.values(), 2))
