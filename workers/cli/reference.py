"""`nexara reference`: every key that a site file may have, as the models themselves describe it.

The models' JSON schema is read, not their annotations: it says the same in one form for every kind of field.
"""

from __future__ import annotations

import difflib
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from shared.config import ConfigError, Section
from workers.cli.site import Site
from workers.pose.config import TrackerConfig

# A part of a model's JSON schema.
Schema = Mapping[str, Any]

HEAD = """\
# Every key of a site file

Made from the code by `make docs`: change the models, not this page. `nexara reference pose.image_size` prints
one key, `nexara reference pose` a section.

A site is one YAML file. Only `cameras` must be in it, with one camera or more. A key that does not exist is
refused with the nearest one that does, and so is a value out of bounds: `nexara check site.yaml` says what is
wrong, and starts nothing. Relative paths are meant from the directory in which the command runs; defaults
below `models/` come along with the program. The default "absent" means that nothing is set; the text says
what then.

**From the environment.** `${NAME}` in a value stands for the environment variable NAME; `${NAME:-text}` falls
back to the text where it is unset or empty. Instead of NAME, NAME_FILE may be set to the path of a file,
whose content is taken without its last line break, as with Docker's secrets. A variable that is needed and
not set is refused by its name. In a URL, a password's `@ : / ? # %` are `%40 %3A %2F %3F %23 %25`.

**From the command line.** `nexara up`, `worker`, `check`, `status` and `tail` take `--set KEY=VALUE`, as
often as wanted, with any key below but a tracker file's: `--set pose.image_size=960 --set
cameras.lobby.fps=5`. It wins over the file. In containers NEXARA_SET holds the same, with blanks between.
"""

_ROOT = Path(__file__).resolve().parents[2]
_REQUIRED, _ABSENT = "required", "absent"
_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "a section for each name",
}
_WIDTH = 100


@dataclass(frozen=True)
class Key:
    """What one key may be, in words.

    Attributes:
        path: as `--set` takes it; NAME stands for a camera's name.
        default: as in YAML, or `required` or `absent`; empty for sections.
    """

    path: str
    kind: str
    default: str
    bounds: str
    about: str


@dataclass(frozen=True)
class Chapter:
    """A section, or a file of its own, and its keys."""

    name: str
    about: str
    keys: tuple[Key, ...]


@click.command()
@click.argument("key", metavar="[KEY]", required=False)
def reference(key: str | None) -> None:
    """Print every key that a site file may have, or one KEY.

    All keys are printed as Markdown, one KEY or section as text.

    \b
    nexara reference pose.image_size
    nexara reference cameras
    """  # noqa: D301
    chapters = all_chapters()
    click.echo(as_markdown(chapters) if key is None else as_text(chapters, key), nl=False)


def all_chapters() -> list[Chapter]:
    """The site file's sections, then the tracker files' keys."""
    return [*chapters_of(Site, "top level"), *chapters_of(TrackerConfig, "tracker files")]


def chapters_of(model: type[Section], name: str) -> list[Chapter]:
    """A model's own keys under `name`, then those of each section in it, however deep."""
    schema = model.model_json_schema()
    return list(_chapters(schema, schema.get("$defs", {}), name, ""))


def as_markdown(chapters: Sequence[Chapter]) -> str:
    """`docs/configuration.md`: the head and a table for each chapter."""
    parts = [HEAD]
    for chapter in chapters:
        rows = [
            _row(f"`{key.path}`", key.kind, _code(key.default), key.bounds, key.about) for key in chapter.keys
        ]
        head = [f"## {chapter.name}", "", chapter.about, ""]
        columns = [_row("key", "type", "default", "bounds", "what for"), "|---|---|---|---|---|"]
        parts.append("\n".join([*head, *columns, *rows, ""]))
    return "\n".join(parts)


def as_text(chapters: Sequence[Chapter], wanted: str) -> str:
    """One key, a section with all that is in it, or every key that ends in what is wanted.

    Raises:
        ConfigError: there is no such key; names the nearest one.
    """
    parts = wanted.split(".")
    if parts[0] == "cameras" and len(parts) > 1:
        wanted = ".".join(["cameras", "NAME", *parts[2:]])
    inside = [chapter for chapter in chapters if f"{chapter.name}.".startswith(f"{wanted}.")]
    if inside:
        return "\n".join(f"{chapter.about}\n\n{_listed(chapter.keys)}" for chapter in inside)
    keys = [key for chapter in chapters for key in chapter.keys]
    found = [key for key in keys if key.path == wanted] or [
        key for key in keys if key.path.endswith(f".{wanted}")
    ]
    if found:
        return _listed(found)
    names = [name for key in keys for name in (key.path, key.path.rpartition(".")[2])]
    near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else "`nexara reference` prints all"
    raise ConfigError(f"reference: unknown key '{wanted}': {hint}")


# --- from a schema to words ---------------------------------------------------------------------------------


def _chapters(schema: Schema, definitions: Schema, name: str, prefix: str) -> Iterator[Chapter]:
    keys: list[Key] = []
    inner: list[tuple[str, Schema]] = []
    for key, raw in schema["properties"].items():
        field = _flat(raw, definitions)
        path = prefix + key
        default = _REQUIRED if key in schema.get("required", []) else _default(field)
        keys.append(Key(path, _kind(field), default, _bounds(field), _about(field, definitions)))
        for place, inside in ((path, field), *((f"{path}.NAME", items) for items in _items(field))):
            if "$ref" in inside:
                inner.append((place, _target(inside["$ref"], definitions)))
    keys.sort(key=lambda key: key.default != _REQUIRED)
    yield Chapter(name, _about(schema, definitions), tuple(keys))
    for place, section in inner:
        yield from _chapters(section, definitions, place, f"{place}.")


def _flat(field: Schema, definitions: Schema) -> Schema:
    """`X | None` as X, and what is referred to as itself unless it is a section."""
    members = [member for member in field.get("anyOf", []) if member.get("type") != "null"]
    if len(members) == 1:
        field = {**members[0], **{name: value for name, value in field.items() if name != "anyOf"}}
    if "$ref" in field and "properties" not in _target(field["$ref"], definitions):
        field = {**_target(field["$ref"], definitions), **field}
        del field["$ref"]
    return field


def _target(reference: str, definitions: Schema) -> Schema:
    found: Schema = definitions[reference.rpartition("/")[2]]
    return found


def _about(field: Schema, definitions: Schema) -> str:
    """What a field or a section is for; a field that says what its section says leaves it to that one."""
    target = _target(field["$ref"], definitions) if "$ref" in field else {}
    text: str = field.get("description") or target.get("description", "")
    return " ".join(text.partition("\n\n")[0].split())


def _items(field: Schema) -> list[Schema]:
    """What a mapping's values are."""
    found = list(field.get("patternProperties", {}).values())
    if isinstance(field.get("additionalProperties"), dict):
        found.append(field["additionalProperties"])
    return found


def _kind(field: Schema) -> str:
    if "$ref" in field:
        return "section"
    if "anyOf" in field:
        return " or ".join(_kind(member) for member in field["anyOf"] if member.get("type") != "null")
    if "enum" in field or "const" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list of {_kind(field['items'])}"
    if field.get("format") == "path":
        return "path"
    return _KINDS[field["type"]] + (", secret" if field.get("format") == "password" else "")


def _default(field: Schema) -> str:
    if "$ref" in field or "default" not in field:
        return ""
    value = field["default"]
    if value is None:
        return _ABSENT
    if field.get("format") == "password":
        return "set"
    if isinstance(value, float):
        return f"{value:g}"
    # What comes along lies elsewhere on every machine.
    if not isinstance(value, str):
        return json.dumps(value).replace(f"{_ROOT}/", "")
    return value.removeprefix(f"{_ROOT}/") or '""'


def _bounds(field: Schema) -> str:
    above, below = field.get("exclusiveMinimum"), field.get("exclusiveMaximum")
    least, most = field.get("minimum"), field.get("maximum")
    said = []
    if least is not None and most is not None:
        said.append(f"{least:g} to {most:g}")
    else:
        words = (("above", above), ("at least", least), ("below", below), ("at most", most))
        said += [f"{word} {value:g}" for word, value in words if value is not None]
    if "multipleOf" in field:
        said.append(f"a multiple of {field['multipleOf']:g}")
    if "minProperties" in field:
        said.append(f"at least {field['minProperties']}")
    if "minLength" in field:
        said.append(f"at least {field['minLength']} characters")
    if "maxLength" in field:
        said.append(f"at most {field['maxLength']} characters")
    if "pattern" in field:
        said.append(f"like `{field['pattern']}`")
    return ", ".join(said)


# --- words on paper -----------------------------------------------------------------------------------------


def _row(*cells: str) -> str:
    return "".join(f"| {cell.replace('|', chr(92) + '|')} " if cell else "| " for cell in cells) + "|"


def _code(default: str) -> str:
    return default if default in (_REQUIRED, _ABSENT, "") else f"`{default}`"


def _listed(keys: Sequence[Key]) -> str:
    return "\n".join(_described(key) for key in keys)


def _described(key: Key) -> str:
    default = "" if not key.default else key.default if key.default == _REQUIRED else f"default {key.default}"
    facts = "; ".join(fact for fact in (key.kind.replace("`", ""), key.bounds, default) if fact)
    lines = [
        textwrap.fill(text, _WIDTH, initial_indent="  ", subsequent_indent="  ")
        for text in (facts, key.about)
    ]
    return "\n".join([key.path, *lines, ""])
