"""`nexara record`: what passes in a stream of tracks, into a file."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner, Result

from shared import embedded
from shared.bus import Bus
from shared.bus.streams import rules_key, stream_key
from shared.config import ConfigError
from shared.messages import Message
from shared.recording import Document, Entry, Gap, Part, recording_from, recording_to
from shared.rules import Rules
from tests.cli.recorded import payloads, story
from tests.shared.fleet import wait_until
from tests.shared.test_recording import HEAD
from workers.cli import record
from workers.cli.main import nexara
from workers.cli.recorded.recorder import Recorder

ROOT = Path(__file__).resolve().parents[2]
KEY = stream_key("tracks", "lobby")


def add(client: redis.Redis, entries: Sequence[tuple[str, Message]]) -> None:
    for entry_id, payload in payloads(entries):
        client.xadd(KEY, {"m": payload}, id=entry_id)


def parts_of(path: Path) -> list[Part]:
    with recording_from(path) as reading:
        parts = list(reading)
        assert reading.is_whole
    return parts


def entries_of(path: Path) -> list[tuple[str, bytes]]:
    return [(one.id, one.payload) for one in parts_of(path) if isinstance(one, Entry)]


def run(url: str, folder: Path, *arguments: object) -> Result:
    (folder / "site.yaml").write_text(
        f"cameras: {{lobby: {{source: a.mp4}}, yard: {{source: b.mp4}}}}\nbus: {{url: '{url}'}}\n"
    )
    command = ["record", *map(str, arguments), "--site", str(folder / "site.yaml")]
    answer = CliRunner().invoke(nexara, command)
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer


def read_into(recorder: Recorder, bus: Bus, count: int = 200) -> None:
    """One turn of the command's loop."""
    found = bus.follow({recorder.key: recorder.cursor}, count, 0)
    if recorder.key in found:
        recorder.take(found[recorder.key], all_there=len(found[recorder.key]) < count)


def test_what_is_in_the_stream_is_recorded_byte_for_byte_until_the_source_ends(
    url: str, client: redis.Redis, tmp_path: Path
) -> None:
    entries = story(3.0)
    add(client, entries)
    client.xadd(KEY, {"m": b"damaged"}, id="40-0")
    client.xadd(KEY, {"m": payloads(entries)[-1][1]}, id="41-0")
    answer = run(url, tmp_path, "lobby", "--out", tmp_path / "some.tracks")
    assert answer.exit_code == 0, answer.output
    kept = [*payloads(entries), ("40-0", b"damaged"), ("41-0", payloads(entries)[-1][1])]
    assert entries_of(tmp_path / "some.tracks") == kept
    assert "33 records, 2.9 s; the source ended" in answer.stdout


def test_what_comes_later_is_recorded_too_and_two_cameras_get_two_files(
    url: str, client: redis.Redis, tmp_path: Path
) -> None:
    entries = story(3.0)
    add(client, entries[:10])

    def more() -> None:
        wait_until(lambda: any((tmp_path / "evening").glob("lobby-*.part")), "the recording's begin")
        add(client, entries[10:])

    writer = threading.Thread(target=more)
    writer.start()
    answer = run(url, tmp_path, "lobby", "yard", "--seconds", 3, "--out", tmp_path / "evening")
    writer.join()
    assert answer.exit_code == 0, answer.output
    [path] = (tmp_path / "evening").iterdir()
    assert entries_of(path) == payloads(entries)
    assert "yard: nothing came" in answer.stderr


def test_from_now_leaves_out_what_was_there(bus: Bus, client: redis.Redis, tmp_path: Path) -> None:
    entries = story(3.0)
    add(client, entries[:10])
    with recording_to(tmp_path / "a.tracks", HEAD) as writer:
        recorder = Recorder(bus, "lobby", writer, from_now=True)
        read_into(recorder, bus)
        add(client, entries[10:])
        read_into(recorder, bus)
        assert recorder.ended == "the source ended"
        assert recorder.told() == "21 records, 1.9 s from frame 10 on; the source ended"
    assert entries_of(tmp_path / "a.tracks") == payloads(entries[10:])


def test_an_end_with_something_after_it_is_not_the_end(bus: Bus, client: redis.Redis, tmp_path: Path) -> None:
    again = [(f"{n}-0", message) for n, (_, message) in enumerate(story(1.0, generation="a" * 16), start=100)]
    add(client, [*story(1.0), *again[:5]])
    with recording_to(tmp_path / "a.tracks", HEAD) as writer:
        recorder = Recorder(bus, "lobby", writer, from_now=False)
        read_into(recorder, bus, count=11)
        assert recorder.ended == ""
        read_into(recorder, bus)
        assert recorder.ended == ""
        add(client, again[5:])
        read_into(recorder, bus)
        assert recorder.ended == "the source ended"


def test_seconds_that_left_the_stream_unread_are_said_and_noted(
    bus: Bus, client: redis.Redis, tmp_path: Path
) -> None:
    entries = story(10.0)
    with recording_to(tmp_path / "a.tracks", HEAD) as writer:
        recorder = Recorder(bus, "lobby", writer, from_now=False)
        add(client, entries[:20])
        read_into(recorder, bus)
        add(client, entries[20:])
        client.xtrim(KEY, minid="71-0", approximate=False)
        read_into(recorder, bus)
        assert "5.1 s missing: they left the stream before they could be read" in recorder.told()
    gaps = [one for one in parts_of(tmp_path / "a.tracks") if isinstance(one, Gap)]
    assert [one.seconds for one in gaps] == [pytest.approx(5.1)]


def test_a_leap_of_the_sources_own_time_is_no_gap(bus: Bus, client: redis.Redis, tmp_path: Path) -> None:
    entries = story(10.0)
    with recording_to(tmp_path / "a.tracks", HEAD) as writer:
        recorder = Recorder(bus, "lobby", writer, from_now=False)
        add(client, [*entries[:20], *entries[70:]])
        read_into(recorder, bus)
        assert "missing" not in recorder.told()
    assert not any(isinstance(one, Gap) for one in parts_of(tmp_path / "a.tracks"))


def test_rules_that_records_name_are_in_the_file_before_them(
    bus: Bus, client: redis.Redis, tmp_path: Path
) -> None:
    rules = Rules(primary_threshold=0.7)
    client.hset(rules_key("lobby"), rules.digest, rules.document)
    add(client, [*story(1.0, rules=rules.digest)[:5], *story(1.0, rules="f" * 16)[5:]])
    with recording_to(tmp_path / "a.tracks", HEAD) as writer:
        read_into(Recorder(bus, "lobby", writer, from_now=False), bus)
    parts = parts_of(tmp_path / "a.tracks")
    assert parts[0] == Document(digest=rules.digest, content=rules.document)
    assert sum(isinstance(one, Document) for one in parts) == 1, "what the server lost cannot be recorded"


def test_a_stream_that_is_begun_anew_ends_the_recording(
    bus: Bus, client: redis.Redis, tmp_path: Path
) -> None:
    with recording_to(tmp_path / "a.tracks", HEAD) as writer:
        recorder = Recorder(bus, "lobby", writer, from_now=False)
        add(client, story(2.0)[:-1])
        read_into(recorder, bus)
        recorder.look_again()
        assert recorder.ended == ""
        client.delete(KEY)
        add(client, story(1.0)[:3])
        recorder.look_again()
    assert "begun anew" in recorder.ended


def test_nothing_recorded_leaves_no_file_and_says_so(url: str, client: redis.Redis, tmp_path: Path) -> None:
    answer = run(url, tmp_path, "lobby", "--seconds", 0.1, "--out", tmp_path / "a.tracks")
    assert answer.exit_code == 1
    assert "lobby: nothing came: does the fleet run?" in answer.stderr
    assert not list(tmp_path.glob("*.tracks*"))


def test_a_fleets_own_server_that_goes_ends_the_recording(tmp_path: Path) -> None:
    with recording_to(tmp_path / "a.tracks", HEAD) as writer:
        with embedded.running(tmp_path / "data") as address, closing(Bus(address)) as bus:
            with redis.Redis.from_url(address, protocol=2) as connection:
                add(connection, story(2.0)[:-1])
            recorder = Recorder(bus, "lobby", writer, from_now=False)
            read_into(recorder, bus)
        with closing(Bus(address)) as gone:
            record._follow(gone, [recorder], None, threading.Event(), stays=False)
    assert recorder.ended == "the fleet ended"
    assert len(entries_of(tmp_path / "a.tracks")) == 20


def process(folder: Path, url: str, most_bytes: int = resource.RLIM_INFINITY) -> subprocess.Popen[str]:
    """The command in a process of its own, whose files may not become larger than that."""
    (folder / "site.yaml").write_text(f"cameras: {{lobby: {{source: a.mp4}}}}\nbus: {{url: '{url}'}}\n")
    limits = (most_bytes, resource.RLIM_INFINITY)
    return subprocess.Popen(
        [sys.executable, "-m", "workers", "record", "lobby", "--site", "site.yaml", "--out", "a.tracks"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits),
    )


def test_ctrl_c_leaves_a_whole_file(url: str, client: redis.Redis, tmp_path: Path) -> None:
    entries = story(3.0, end=False)
    add(client, entries)
    recording = process(tmp_path, url)
    draft = tmp_path / "a.tracks.part"
    wait_until(lambda: draft.exists() and draft.stat().st_size > 10_000, "what was in the stream")
    recording.send_signal(signal.SIGINT)
    output, _ = recording.communicate(timeout=30)
    assert recording.returncode == 0
    assert "a.tracks: 30 records, 2.9 s, 0.05 MB" in output
    assert entries_of(tmp_path / "a.tracks") == payloads(entries)


def test_on_a_full_disk_what_came_before_stays_readable(
    url: str, client: redis.Redis, tmp_path: Path
) -> None:
    entries = story(6.0)
    add(client, entries)
    _, said = (recording := process(tmp_path, url, most_bytes=20_000)).communicate(timeout=30)
    assert recording.returncode == 2
    [line] = said.splitlines()
    assert "--out: cannot be written: File too large; what came before is in a file that ends with" in line
    assert not (tmp_path / "a.tracks").exists()
    with recording_from(tmp_path / "a.tracks.part") as reading:
        kept = [(one.id, one.payload) for one in reading if isinstance(one, Entry)]
        assert not reading.is_whole
    assert kept == payloads(entries)[: len(kept)]
    assert len(kept) > 10


def test_what_cannot_be_done_is_said(url: str, client: redis.Redis, tmp_path: Path) -> None:
    (tmp_path / "there.tracks").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for arguments, said in (
        (("attic",), "--camera attic: no such camera: the site has lobby, yard"),
        (("lobby", "yard", "--out", "a.tracks"), "one file cannot hold 2 cameras"),
        (("lobby", "--out", tmp_path / "there.tracks"), "there.tracks: is there already"),
        (("lobby", "--out", tmp_path / "file"), "file: is there already"),
    ):
        with pytest.raises(ConfigError, match=said):
            run(url, tmp_path, *arguments)
    assert (tmp_path / "there.tracks").read_text() == "mine"
