"""Site files: every mistake is said in one line that helps and tells no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field, field_validator

from shared.config import ConfigError, Section, build, load


class Source(Section):
    """Where a camera's pictures come from."""

    url: str = "sim://"
    transport: str = "tcp"


class Options(Section):
    """One camera."""

    fps: Annotated[float, Field(gt=0, le=120)] = 10.0
    source: Source = Source()
    fallbacks: tuple[Source, ...] = ()


class Server(Section):
    """The bus."""

    url: str = ""
    port: int = 0

    @field_validator("url")
    @classmethod
    def _scheme(cls, url: str) -> str:
        if url and "://" not in url:
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return url


class Site(Section):
    """A site."""

    cameras: dict[str, Options] = Field(default_factory=dict)
    bus: Server = Server()
    spare: Annotated[dict[str, Options] | None, Field(description="cold")] = None


def read(tmp_path: Path, text: str | bytes, **environ: str) -> Site:
    path = tmp_path / "site.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(path, Site, environ)


def problem(tmp_path: Path, text: str | bytes, **environ: str) -> str:
    """The error's text behind the file's name."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, **environ)
    line = str(caught.value)
    assert "\n" not in line
    where = f"{tmp_path / 'site.yaml'}:"
    assert line.startswith(where)
    return line.removeprefix(where).strip()


def test_a_site_file_is_read(tmp_path: Path) -> None:
    site = read(tmp_path, "cameras:\n  lobby:\n    fps: 5\nbus: {url: 'redis://127.0.0.1'}\n")
    assert site.cameras["lobby"].fps == 5
    assert site.bus.url == "redis://127.0.0.1"


def test_a_site_never_changes_after_loading(tmp_path: Path) -> None:
    site = read(tmp_path, "bus: {}")
    with pytest.raises(ValueError, match="frozen"):
        site.bus.port = 1


# --- the environment --------------------------------------------------------------------------------------


def test_a_variable_becomes_its_value_anywhere_in_a_text(tmp_path: Path) -> None:
    site = read(tmp_path, "bus: {url: 'redis://:${PASSWORD}@${HOST}'}", PASSWORD="a:b", HOST="h")
    assert site.bus.url == "redis://:a:b@h"


def test_a_variable_can_be_a_number(tmp_path: Path) -> None:
    assert read(tmp_path, "bus: {port: '${PORT}'}", PORT="6379").bus.port == 6379


def test_a_value_is_never_read_as_yaml(tmp_path: Path) -> None:
    assert read(tmp_path, "bus: {url: 'redis://${X}'}", X="a}\nport: 1 #").bus.url == "redis://a}\nport: 1 #"


@pytest.mark.parametrize("environ", [{}, {"HOST": ""}])
def test_a_default_stands_in_for_an_unset_or_empty_variable(tmp_path: Path, environ: dict[str, str]) -> None:
    site = read(tmp_path, "bus: {url: 'redis://${HOST:-127.0.0.1}${TAIL:-}'}", **environ)
    assert site.bus.url == "redis://127.0.0.1"


def test_a_set_variable_goes_before_its_default(tmp_path: Path) -> None:
    assert read(tmp_path, "bus: {url: 'redis://${HOST:-127.0.0.1}'}", HOST="h").bus.url == "redis://h"


def test_a_variable_may_lie_in_a_file_as_dockers_secrets_do(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    data = {"cameras": {"lobby": {"source": {"url": "rtsp://admin:${PW}@h"}}}}
    environ = {"PW_FILE": str(secret)}
    assert build(data, Site, "site", environ).cameras["lobby"].source.url == "rtsp://admin:hunter2@h"
    assert build(data, Site, "site", {**environ, "PW": "own"}).cameras["lobby"].source.url.endswith("own@h")
    secret.unlink()
    with pytest.raises(ConfigError, match=r"PW_FILE: .*secret: cannot be read: No such file"):
        build(data, Site, "site", environ)


def test_an_unset_variable_is_named_with_its_place(tmp_path: Path) -> None:
    text = "cameras: {lobby: {source: {url: 'rtsp://${CAMERA_PASSWORD}@h'}}}"
    assert problem(tmp_path, text) == (
        "cameras: lobby: source: url: environment variable CAMERA_PASSWORD is not set: "
        "set it, or CAMERA_PASSWORD_FILE"
    )


def test_a_dollar_without_braces_is_a_dollar(tmp_path: Path) -> None:
    assert read(tmp_path, "bus: {url: 'redis://$HOST$'}").bus.url == "redis://$HOST$"


# --- keys and values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("camera: {}", "camera: unknown key 'camera': did you mean 'cameras'?"),
        ("bus: {uri: x}", "bus.uri: unknown key 'uri': did you mean 'url'?"),
        ("cameras: {lobby: {fsp: 3}}", "cameras.lobby.fsp: unknown key 'fsp': did you mean 'fps'?"),
        ("cameras: {source: {fsp: 3}}", "cameras.source.fsp: unknown key 'fsp': did you mean 'fps'?"),
        (
            "cameras: {fps: {source: {transprot: udp}}}",
            "cameras.fps.source.transprot: unknown key 'transprot': did you mean 'transport'?",
        ),
        (
            "cameras: {lobby: {fallbacks: [{}, {ulr: x}]}}",
            "cameras.lobby.fallbacks.1.ulr: unknown key 'ulr': did you mean 'url'?",
        ),
        ("spare: {attic: {fsp: 3}}", "spare.attic.fsp: unknown key 'fsp': did you mean 'fps'?"),
        ("xyzzy: 1", "xyzzy: unknown key 'xyzzy'"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_right_name(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert problem(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cameras: {lobby: {fps: 0}}", "cameras.lobby.fps: Input should be greater than 0"),
        ("cameras: {lobby: {fps: fast}}", "cameras.lobby.fps: Input should be a valid number"),
        ("cameras: [lobby]", "cameras: Input should be a valid dictionary"),
        ("cameras: {1: {}}", "cameras.1"),
        ("bus: {url: localhost}", "bus.url: must begin with redis://"),
        ("bus:", "bus: Input should be a valid dictionary or instance of Server"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path: Path, text: str, expected: str) -> None:
    assert problem(tmp_path, text).startswith(expected)


@pytest.mark.parametrize(
    "text",
    [
        "bus: {port: '${SECRET}'}",
        "bus: {url: '${SECRET}'}",
        "cameras: {lobby: {fps: '${SECRET}'}}",
        "cameras: '${SECRET}'",
        "cameras: {lobby: '${SECRET}'}",
    ],
)
def test_a_wrong_value_from_the_environment_is_not_shown(tmp_path: Path, text: str) -> None:
    assert "hunter2" not in problem(tmp_path, text, SECRET="hunter2")


# --- files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cameras: [", "line 1, column 11: not YAML: expected the node content"),
        ("cameras:\n\t- a", "line 2, column 1: not YAML: found character"),
        ("bus: *nobody", "line 1, column 6: not YAML: found undefined alias"),
        ("bus: !!python/object:os.system {}", "line 1, column 6: not YAML: could not determine"),
        ("a: 1\n---\nb: 2", "line 2, column 1: not YAML: but found another document"),
        ("bus: \x00", "not YAML: unacceptable character #x0000: special characters"),
        ("since: 2026-99-99", "not YAML: month must be in 1..12"),
        ("[" * 20_000, "nested too deeply"),
        ("a: &a [*a]", "nested too deeply"),
        ("", "expected sections such as 'cameras:', found NoneType"),
        ("- a", "expected sections such as 'cameras:', found list"),
        ("cameras:\n  a: {}\n  b: {}\n  a: {}", "line 4, column 3: 'a' stands twice"),
        ("cameras: {a: {fallbacks: [{url: a, url: b}]}}", "line 1, column 36: 'url' stands twice"),
        (b"cameras: \xff\xfe", "cannot be read: not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_site_is_refused_with_the_place(
    tmp_path: Path, text: str | bytes, expected: str
) -> None:
    assert problem(tmp_path, text).startswith(expected)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: No such file or directory$"):
        load(tmp_path / "none.yaml", Site, {})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory$"):
        load(tmp_path, Site, {})
