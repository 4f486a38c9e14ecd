"""The configuration reference is what the models say, and the page in docs/ is that reference."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from click.testing import CliRunner
from pydantic import Field, SecretStr

from shared.config import ConfigError, Section
from workers.cli import main
from workers.cli.reference import Chapter, all_chapters, as_markdown, as_text, chapters_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "configuration.md"


class Lamp(Section):
    """How a lamp shines.

    Not said: why.
    """

    watts: float | None = Field(None, gt=0, le=60, description="Power; a|b.")
    colour: Literal["red", "green"] = Field("red", description="Colour.")


class House(Section):
    """A house."""

    lamps: dict[str, Lamp] = Field(min_length=1, description="The lamps, by name.")
    key: SecretStr = Field(SecretStr("geheim"), description="Opens the door.")
    attic: Lamp = Field(Lamp(), description="The lamp up there.")
    steps: int = Field(12, ge=0, multiple_of=2, description="Stairs.")
    doors: list[Path] = Field([], description="Where the doors are.")


@pytest.fixture
def house() -> list[Chapter]:
    return chapters_of(House, "top level")


def refused(chapters: list[Chapter], key: str) -> str:
    with pytest.raises(ConfigError) as caught:
        as_text(chapters, key)
    return str(caught.value)


def test_the_page_in_docs_is_what_the_models_say() -> None:
    if PAGE.read_text(encoding="utf-8") != as_markdown(all_chapters()):
        pytest.fail("docs/configuration.md is not what the models say: run `make docs`")


def test_every_key_and_section_says_what_it_is_for() -> None:
    silent = [
        key.path for chapter in all_chapters() for key in chapter.keys if not key.about.endswith((".", ")"))
    ]
    silent += [chapter.name for chapter in all_chapters() if not chapter.about.endswith(".")]
    assert not silent, "give these a description that ends with a full stop"


def test_a_table_has_a_line_for_each_key_with_type_default_bounds_and_text(house: list[Chapter]) -> None:
    assert "\n## lamps.NAME\n\nHow a lamp shines.\n\n| key |" in as_markdown(house)
    lines = as_markdown(house).splitlines()
    assert "| `lamps` | a section for each name | required | at least 1 | The lamps, by name. |" in lines
    assert "| `attic` | section | | | The lamp up there. |" in lines
    assert "| `steps` | whole number | `12` | at least 0, a multiple of 2 | Stairs. |" in lines
    assert "| `doors` | list of path | `[]` | | Where the doors are. |" in lines
    assert "| `lamps.NAME.watts` | number | absent | above 0, at most 60 | Power; a\\|b. |" in lines
    assert "| `attic.colour` | `red`, `green` | `red` | | Colour. |" in lines


def test_a_secret_is_never_printed(house: list[Chapter]) -> None:
    assert "| `key` | text, secret | `set` | | Opens the door. |" in as_markdown(house).splitlines()
    assert "geheim" not in as_markdown(house) + as_text(house, "key")


def test_nothing_in_it_depends_on_where_the_program_lies() -> None:
    assert str(ROOT) not in as_markdown(all_chapters())


def test_one_key_is_printed_alone() -> None:
    assert as_text(all_chapters(), "classify.veto_threshold") == (
        "classify.veto_threshold\n"
        "  number; above 0, below 1; default absent\n"
        "  Score below which a veto objects, instead of the named pair's.\n"
    )


def test_a_cameras_key_is_found_under_any_cameras_name() -> None:
    expected = as_text(all_chapters(), "cameras.NAME.fps")
    assert expected.startswith("cameras.NAME.fps\n")
    assert as_text(all_chapters(), "cameras.lobby.fps") == expected


def test_a_section_is_printed_with_the_sections_in_it() -> None:
    pose = as_text(all_chapters(), "pose")
    assert "\npose.weights\n" in pose
    assert "\npose.refine.beta\n" in pose
    assert "classify" not in pose
    assert "\ncameras.NAME.source\n" in as_text(all_chapters(), "cameras")


def test_a_last_name_alone_finds_every_key_called_so() -> None:
    found = [line for line in as_text(all_chapters(), "image_size").splitlines() if not line.startswith(" ")]
    assert [line for line in found if line] == ["cameras.NAME.image_size", "pose.image_size"]


def test_a_tracker_files_keys_are_there_too() -> None:
    assert "how long" in as_text(all_chapters(), "track_buffer_s").lower()


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    assert refused(all_chapters(), "pose.imagesize").endswith("did you mean 'pose.image_size'?")
    assert refused(all_chapters(), "fsp").endswith("did you mean 'fps'?")
    assert refused(all_chapters(), "cameras.lobby.sorce").endswith("did you mean 'cameras.NAME.source'?")
    assert "`nexara reference` prints all" in refused(all_chapters(), "xyzzy")


def test_the_command_prints_the_page_or_a_key() -> None:
    whole = CliRunner().invoke(main.nexara, ["reference"])
    assert whole.output == as_markdown(all_chapters())
    one = CliRunner().invoke(main.nexara, ["reference", "bus.port"])
    assert one.output.startswith("bus.port\n")


@pytest.mark.parametrize("command", [[], ["up"], ["reference"]])
def test_the_examples_in_a_help_text_stand_on_lines_of_their_own(command: list[str]) -> None:
    text = CliRunner().invoke(main.nexara, [*command, "--help"], prog_name="nexara").output
    assert "\\b" not in text
    assert "\n  nexara " in text or "\n  A site:      nexara check" in text
