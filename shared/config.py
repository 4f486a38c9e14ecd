"""Reads a site file: YAML with ${ENV} references, validated, every mistake said in one line.

Workers describe their own section as a subclass of `Section`; `workers/cli` puts the sections together.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class ConfigError(ValueError):
    """A site file that cannot be used; one line that says where and what to do."""


def cache_folder() -> Path:
    """Where weights and what is made of them are kept: `$NEXARA_CACHE`, else `nexara` in the user's cache."""
    chosen = os.environ.get("NEXARA_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nexara"


class Section(BaseModel):
    """A part of the site file: unknown keys are refused, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


SectionType = TypeVar("SectionType", bound=Section)


def load(path: Path, model: type[SectionType], environ: Mapping[str, str] | None = None) -> SectionType:
    """The validated contents of a YAML file; see `build`.

    Raises:
        ConfigError: also if the file cannot be read or is not YAML.
    """
    return build(read(path), model, str(path), environ)


def build(
    data: dict[str, Any], model: type[SectionType], where: str, environ: Mapping[str, str] | None = None
) -> SectionType:
    """What a YAML file says, with its references resolved, as a validated model.

    `${NAME}` becomes the environment's value, or the content of the file that `NAME_FILE` names, as with
    Docker's secrets. `${NAME:-text}` falls back to the text.

    Raises:
        ConfigError: a variable is not set, a key is unknown, or a value is out of bounds.
    """
    substituted = _substitute(data, os.environ if environ is None else environ, where)
    return validate(substituted, model, where)


def read(path: Path) -> dict[str, Any]:
    """The contents of a YAML file as written, `${ENV}` references and all.

    Raises:
        ConfigError: the file cannot be read or is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError(f"{path}: cannot be read: {reason}") from error
    try:
        _refuse_repeated_keys(yaml.compose(text, yaml.SafeLoader), str(path))
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{path}:{_place(error.problem_mark)} not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply") from error
    except ConfigError:
        raise
    except ValueError as error:
        # What looks like a date but is none.
        raise ConfigError(f"{path}: not YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected sections such as 'cameras:', found {type(data).__name__}")
    return data


def validate(data: Any, model: type[SectionType], where: str) -> SectionType:
    """`data` as `model`.

    Raises:
        ConfigError: names the first wrong key or value, and the nearest right name of an unknown key.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_first_problem(error, model)}") from None


def _place(mark: yaml.Mark | None) -> str:
    return f" line {mark.line + 1}, column {mark.column + 1}:" if mark else ""


def _refuse_repeated_keys(node: yaml.Node | None, where: str) -> None:
    """Raises ConfigError where a mapping has a key twice: YAML would forget the first one silently."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(item, where)
    elif isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                raise ConfigError(f"{where}:{_place(key.start_mark)} '{key.value}' stands twice")
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
            _refuse_repeated_keys(value, where)


def _substitute(value: Any, environ: Mapping[str, str], where: str) -> Any:
    if isinstance(value, dict):
        return {key: _substitute(item, environ, f"{where}: {key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_substitute(item, environ, where) for item in value]
    if not isinstance(value, str):
        return value

    def resolve(match: re.Match[str]) -> str:
        name, default = match.groups()
        found = _variable(name, environ, where)
        # As in a shell: `:-` also stands in for an empty value.
        if default is not None and not found:
            return str(default)
        if found is None:
            raise ConfigError(f"{where}: environment variable {name} is not set: set it, or {name}_FILE")
        return found

    return _REFERENCE.sub(resolve, value)


def _variable(name: str, environ: Mapping[str, str], where: str) -> str | None:
    path = environ.get(f"{name}_FILE")
    if name in environ or not path:
        return environ.get(name)
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError(f"{where}: {name}_FILE: {path}: cannot be read: {reason}") from error


def _first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    problems = error.errors(include_url=False, include_input=False)
    # A mistyped key also leaves the right one missing: the mistype is what to say.
    problem = next((found for found in problems if found["type"] == "extra_forbidden"), problems[0])
    location = [str(part) for part in problem["loc"]]
    path = ".".join(location) or "file"
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(location[-1], _names_at(model, location[:-1]), n=1, cutoff=0.5)
        hint = f": did you mean '{near[0]}'?" if near else ""
        return f"{path}: unknown key '{location[-1]}'{hint}"
    return f"{path}: {problem['msg'].removeprefix('Value error, ')}"


def _names_at(model: type[BaseModel], location: list[str]) -> list[str]:
    """The keys allowed at a location, found by walking the models' annotations."""
    current: Any = model
    for part in location:
        current = _inside(current, part)
    found = _model_in(current)
    return list(found.model_fields) if found else []


def _inside(annotation: Any, part: str) -> Any:
    """What an annotation says of one part of a location: a model's field, a container's items."""
    if get_origin(annotation) is Annotated:
        return _inside(get_args(annotation)[0], part)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if part == annotation.__name__:  # pydantic names the member of a union
            return annotation
        field = annotation.model_fields.get(part)
        return field.annotation if field else None
    if get_origin(annotation) in (dict, list, tuple):
        return next((argument for argument in get_args(annotation) if _model_in(argument)), None)
    members = [argument for argument in get_args(annotation) if _model_in(argument)]
    return _inside(members[0], part) if members else None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The first pydantic model inside an annotation such as `dict[str, Camera] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for argument in get_args(annotation) if (found := _model_in(argument))), None)
