from __future__ import annotations

import fcntl
import json
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.messages import Expert, Scene, Verdict, Verdicts
from workers.archive import chain
from workers.archive.log import LogError, VerdictLog, set_aside

GENERATION = "00000000000000aa"


def verdict(score: float) -> Verdict:
    return Verdict(
        track_id=7,
        partner_id=None,
        result="SAFE",
        score=score,
        scores=(score, None),
        unsure=(),
        weight=1.0,
        body_height_px=120.5,
        quality=0.5,
        observed_frames=30,
        padded_frames=2,
        first_at=0.1,
        last_at=1.1,
        box=(1.0, 2.0, 3.0, 4.0),
    )


def record(number: int, generation: str = GENERATION, camera: str = "lobby") -> Verdicts:
    return Verdicts(
        camera=camera,
        generation=generation,
        number=number,
        at=number / 10,
        captured_at=1000 + number / 10,
        width=640,
        height=360,
        experts=(
            Expert(name="stgcnpp", role="primary", threshold=0.94, share=1.0, weights="a" * 64),
            Expert(name="msg3d", role="veto", threshold=0.85, share=0.0, weights="b" * 64),
        ),
        verdicts=(verdict(number / 1000),),
        scene=Scene(result="SAFE", score=0.1, threshold=0.85, people=1, track_ids=(7,), quality=0.5),
    )


def records(*numbers: int, **more: str) -> list[tuple[str, Verdicts]]:
    return [(f"{number}-0", record(number, **more)) for number in numbers]


def ids(path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


def ids_of_whole(path) -> list[str]:
    lines = path.read_bytes().splitlines()
    return [json.loads(line)["id"] for line in lines if chain.split(line)]


def verified(path, key: bytes = b"") -> chain.Report:
    return chain.verify(path.read_bytes().splitlines(keepends=True), key)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "verdicts" / "lobby.jsonl"


def opened(path, **more) -> VerdictLog:
    return VerdictLog(path, fsync=False, **{"lock_timeout_s": 0.1, **more})


def test_a_line_holds_the_verdicts_and_where_they_belong(path):
    assert opened(path).append(records(3)) == 1
    [line] = path.read_text().splitlines()
    fields = json.loads(line)
    assert list(fields)[:6] == ["id", "camera", "generation", "number", "at", "captured_at"]
    assert (fields["id"], fields["camera"], fields["generation"]) == ("3-0", "lobby", GENERATION)
    assert [expert["weights"] for expert in fields["experts"]] == ["a" * 64, "b" * 64]
    assert fields["verdicts"][0]["result"] == "SAFE"
    assert fields["verdicts"][0]["scores"] == [0.003, None]
    assert list(fields)[-1] == "chain"


def test_two_runs_give_the_same_bytes(path, tmp_path):
    other = tmp_path / "other.jsonl"
    opened(path).append(records(1, 2, 3))
    for number in (1, 2, 3):
        stamped = record(number).model_copy(update={"trail": ()})
        opened(other).append([(f"{number}-0", stamped)])
    assert path.read_bytes() == other.read_bytes()


def test_what_comes_again_is_left_out(path):
    log = opened(path)
    log.append(records(1, 2, 3))
    assert log.append(records(2, 3, 4)) == 1
    assert opened(path).append(records(1, 2, 3, 4, 5)) == 1
    assert ids(path) == ["1-0", "2-0", "3-0", "4-0", "5-0"]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 8), st.booleans()), min_size=1, max_size=12))
def test_however_it_is_repeated_each_record_stands_once(tmp_path_factory, turns):
    path = tmp_path_factory.mktemp("log") / "lobby.jsonl"
    log, cursor = opened(path), 0
    for start, count, crash in turns:
        first = min(start, cursor) + 1
        log.append(records(*range(first, first + count)))
        cursor = max(cursor, first + count - 1)
        if crash:
            log = opened(path)
    assert ids(path) == [f"{number}-0" for number in range(1, cursor + 1)]


@pytest.mark.parametrize("kept", [0, 1, 5, 200, -2, -1])
def test_a_torn_last_line_is_cut_off_and_comes_again(path, kept):
    opened(path).append(records(1, 2))
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    path.write_bytes(whole[: first + kept] if kept >= 0 else whole[:kept])
    assert opened(path).append(records(2, 3)) == 2
    assert ids(path) == ["1-0", "2-0", "3-0"]


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans(), st.integers(0, 5000)), max_size=8), st.booleans())
def test_a_log_whose_writers_are_killed_is_the_one_of_an_undisturbed_run(tmp_path_factory, appends, keyed):
    key = b"secret" if keyed else b""
    folder = tmp_path_factory.mktemp("log")
    disturbed, calm = folder / "disturbed.jsonl", folder / "calm.jsonl"
    log, cursor = opened(disturbed, key=key), 0
    for count, killed, lost in appends:
        before = disturbed.stat().st_size if disturbed.exists() else 0
        batch = records(*range(cursor + 1, cursor + count + 1))
        log.append(batch)
        if killed:
            os.truncate(disturbed, max(before, disturbed.stat().st_size - lost))
            log = opened(disturbed, key=key)
            log.append(batch)
        cursor += count
    if cursor:
        opened(calm, key=key).append(records(*range(1, cursor + 1)))
        assert disturbed.read_bytes() == calm.read_bytes()
        assert verified(disturbed, key).lines == cursor


def test_a_log_torn_within_its_first_line_starts_anew(path):
    path.parent.mkdir()
    path.write_bytes(b'{"id":"1-')
    opened(path).append(records(1))
    assert ids(path) == ["1-0"]


def test_a_new_generation_may_begin_at_lower_ids(path):
    log = opened(path)
    log.append(records(50))
    assert log.append(records(1, generation="b" * 16)) == 1
    assert log.append([*records(50), *records(1, generation="b" * 16)]) == 0


def test_a_long_log_is_known_by_its_end(path, monkeypatch):
    monkeypatch.setattr("workers.archive.log._TAIL_BYTES", 3000)
    opened(path).append(records(*range(1, 60)))
    assert opened(path).append(records(58, 59, 60)) == 1
    assert ids(path)[-2:] == ["59-0", "60-0"]
    assert verified(path).lines == 60


def test_a_damaged_line_does_not_stop_the_log_and_is_its_only_mistake(path):
    opened(path).append(records(1))
    with path.open("ab") as file:
        file.write(b"\x00\xffgarbage\n[]\n")
    assert opened(path).append(records(1, 2)) == 1
    assert verified(path).mistake == chain.Mistake(2, "no chain")
    first, *_, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + last)
    assert (verified(path).lines, verified(path).mistake) == (2, None)


@pytest.mark.parametrize("end", [b"", b"\n", b"\nx\n" * 999])
def test_nothing_that_is_written_into_a_log_stops_it_or_passes(path, monkeypatch, end):
    monkeypatch.setattr("workers.archive.log._TAIL_BYTES", 3000)
    opened(path).append(records(1))
    with path.open("ab") as file:
        file.write(b"x" * 5000 + end)
    assert opened(path).append(records(2)) == 1
    assert opened(path).append(records(2, 3)) == 1
    assert verified(path).mistake == chain.Mistake(2, "no chain")
    assert ids_of_whole(path) == ["1-0", "2-0", "3-0"]


def test_a_line_that_somebody_else_appended_is_found(path):
    log = opened(path, key=b"secret")
    log.append(records(1))
    opened(path).append(records(2))
    log.append(records(3))
    assert verified(path, b"secret").mistake == chain.Mistake(2, "no key")


def test_two_writers_do_not_double_or_tear(path):
    def write() -> None:
        log = opened(path, lock_timeout_s=20)
        for number in range(1, 60):
            log.append(records(number, number + 1))

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ids(path) == [f"{number}-0" for number in range(1, 61)]
    assert verified(path).lines == 60


def test_a_writer_that_stalls_with_the_lock_is_named(path):
    path.parent.mkdir()
    with path.open("ab") as stalled:
        fcntl.flock(stalled, fcntl.LOCK_EX)
        with pytest.raises(LogError, match="another archive worker"):
            opened(path).append(records(1))
    assert opened(path).append(records(1)) == 1


def test_a_full_disk_leaves_no_half_line(path, monkeypatch):
    log = VerdictLog(path, fsync=True, lock_timeout_s=1)
    log.append(records(1))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", full)
        with pytest.raises(LogError, match="No space left"):
            log.append(records(2))
    assert ids(path) == ["1-0"]
    assert log.append(records(2)) == 1
    assert verified(path).lines == 2


def test_a_log_that_was_moved_away_is_begun_anew(path):
    log = opened(path)
    log.append(records(1))
    [old] = set_aside(path.parent)
    assert log.append(records(1)) == 1
    assert path.read_bytes() == old.read_bytes()


def test_logs_of_earlier_runs_are_set_aside(path):
    for _ in range(2):
        opened(path).append(records(1))
        set_aside(path.parent)
    assert sorted(item.name for item in path.parent.iterdir()) == ["lobby.1.jsonl", "lobby.2.jsonl"]
    assert set_aside(path.parent) == []
    assert set_aside(path.parent / "absent") == []
