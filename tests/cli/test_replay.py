"""`nexara replay`: the same verdicts again, and by other thresholds exactly the expected others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result

from shared import embedded
from shared.bus import Bus
from shared.bus.streams import rules_key, state_key, stream_key
from shared.config import ConfigError
from shared.messages import Mark, Message, Verdicts, decode
from shared.recording import RecordingError
from shared.rulebook import RuleBook
from shared.rules import Rules
from tests.cli import recorded
from tests.cli.recorded import payloads, story, write
from tests.shared.fleet import Worker, wait_until
from workers.archive.config import ArchiveConfig
from workers.archive.stage import build_stage as build_archive
from workers.classify.stage import build_stage as build_classify
from workers.cli.main import nexara
from workers.cli.recorded.verdict_logs import read_log
from workers.cli.site import load
from workers.incidents.stage import build_stage as build_incidents

FIGHTS, PLAY = [(6.0, 10.0)], [(22.0, 26.0)]
RULES = Rules(primary_threshold=0.7, veto_threshold=0.56, scene_threshold=0.7)


def told() -> list[tuple[str, Message]]:
    """Half a minute in which the rules change when half of it is over."""
    entries = story(30.0, FIGHTS, play=PLAY)
    after = [(i, message.model_copy(update={"rules": RULES.digest})) for i, message in entries[150:]]
    return [*entries[:150], *after]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay")
    recorded.site_file(folder, more="incidents: {cooldown_s: 3}\n")
    write(folder / "lobby.tracks", told(), **{RULES.digest: RULES.document})
    return folder


@pytest.fixture(scope="module")
def live(folder: Path) -> Path:
    """The verdict log of a fleet's own workers, and what they told of incidents, over the same tracks."""
    site = load(folder / "site.yaml")
    with embedded.running(folder / "server") as url, closing(Bus(url)) as bus:
        with redis.Redis.from_url(url, protocol=2) as client:
            client.hset(rules_key("lobby"), RULES.digest, RULES.document)
            for entry_id, payload in payloads(told()):
                client.xadd(stream_key("tracks", "lobby"), {"m": payload}, id=entry_id)
            last = told()[-1][0]
            client.hset(state_key("pose", "lobby"), mapping={"cursor": last, "added": len(told())})
        rules_of = RuleBook(bus, site.rules())
        database = f"sqlite:///{folder / 'archive.db'}"
        stages = [
            build_classify(site.classify, rules_of),
            build_incidents(site.incidents, rules_of),
            build_archive(ArchiveConfig(), folder / "verdicts", database),
        ]
        workers = [Worker(stage, url, ["lobby"], f"{stage.name}-1") for stage in stages]
        for stage in ("incidents", "archive"):
            wait_until(lambda s=stage: bus.counters(s, "lobby").get("cursor") == last, f"the end of {stage}")
        for worker in workers:
            worker.close()
        told_of = [decode(payload) for _, payload in bus.history("incidents", "lobby", "-", "+")]
        lines = [
            m.model_dump(mode="json", exclude={"trail": True, "mark": {"trail"}})
            for m in told_of
            if not isinstance(m, Mark)
        ]
        (folder / "incidents.json").write_text(json.dumps(lines))
    return folder / "verdicts"


def run(*arguments: object, folder: Path) -> Result:
    command = ["replay", *map(str, arguments), "--site", str(folder / "site.yaml")]
    answer = CliRunner().invoke(nexara, command)
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer


def log_of(folder: Path) -> list[tuple[str, Verdicts]]:
    return list(read_log(folder / "lobby.jsonl"))


def results(log: Sequence[tuple[str, Verdicts]]) -> dict[tuple[str, int], str]:
    return {(i, verdict.track_id): verdict.result for i, record in log for verdict in record.verdicts}


def test_a_replay_says_what_the_live_workers_said(live: Path, folder: Path, tmp_path: Path) -> None:
    answer = run(folder / "lobby.tracks", "--out", tmp_path / "out", "--against", live, folder=folder)
    assert answer.exit_code == 0, answer.output
    said = log_of(live)
    assert {"SAFE", "VETOED", "VIOLENCE"} == set(results(said).values())
    assert len({record.experts for _, record in said}) == 2, "the rules' change is in the log"
    assert f"lobby: {len(results(said))} verdicts are equal" in answer.stdout
    # With so few nets and one machine they are the same to the byte.
    assert (tmp_path / "out" / "lobby.jsonl").read_bytes() == (live / "lobby.jsonl").read_bytes()
    lines = (tmp_path / "out" / "lobby.incidents.jsonl").read_text().splitlines()
    told_of = [{k: v for k, v in json.loads(line).items() if k != "id"} for line in lines]
    assert told_of == json.loads((folder / "incidents.json").read_text())
    assert [i["change"] for one in told_of for i in one["incidents"]].count("new") == 2


def test_two_replays_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run(folder / "lobby.tracks", "--out", tmp_path / name, folder=folder).exit_code == 0
    for name in ("lobby.jsonl", "lobby.incidents.jsonl"):
        first = (tmp_path / "one" / name).read_bytes()
        assert first == (tmp_path / "two" / name).read_bytes()
        assert first


@pytest.mark.parametrize(
    ("key", "value"), [("primary_threshold", 0.5), ("veto_threshold", 0.7), ("primary_threshold", 0.968)]
)
def test_another_threshold_changes_exactly_the_verdicts_whose_scores_cross_it(
    live: Path, folder: Path, tmp_path: Path, key: str, value: float
) -> None:
    """It wins over recorded rules, too."""
    arguments = (folder / "lobby.tracks", "--set", f"classify.{key}={value}", "--set", "classify.veto=always")
    assert run(*arguments, "--out", tmp_path / "out", folder=folder).exit_code == 0
    replayed = log_of(tmp_path / "out")
    asked = {(i, v.track_id): v for i, record in replayed for v in record.verdicts}
    expected = {}
    for i, record in log_of(live):
        primary, veto = (expert.threshold for expert in record.experts)
        if key == "primary_threshold":
            primary = value
        else:
            veto = value
        for verdict in record.verdicts:
            _, objects = asked[i, verdict.track_id].scores
            violent = "VIOLENCE" if objects >= veto else "VETOED"
            expected[i, verdict.track_id] = violent if verdict.score >= primary else "SAFE"
    assert results(replayed) == expected
    assert results(replayed) != results(log_of(live))


def test_the_site_files_rules_may_stand_in_for_recorded_ones(folder: Path) -> None:
    by_default = json.loads(run(folder / "lobby.tracks", "--json", folder=folder).stdout)
    by_site = json.loads(run(folder / "lobby.tracks", "--json", "--rules", "site", folder=folder).stdout)
    assert [len(found["incidents"]) for [found] in (by_default, by_site)] == [2, 1]


def test_a_difference_is_told_and_gives_code_1(live: Path, folder: Path) -> None:
    answer = run(
        folder / "lobby.tracks", "--against", live / "lobby.jsonl", "--set", "classify.primary_threshold=0.5",
        "--set", "classify.scene_threshold=0.5", folder=folder,
    )  # fmt: skip
    assert answer.exit_code == 1
    assert " results differ: " in answer.stdout
    weights = recorded.save_linear(folder / "other.safetensors", weight=1.0, bias=3.0)
    answer = run(folder / "lobby.tracks", "--against", live, "--weights", weights, "--json", folder=folder)
    assert answer.exit_code == 1
    difference = json.loads(answer.stdout)[0]["difference"]
    assert difference["scores"] > 50
    assert (difference["missing"], difference["extra"]) == (0, 0)


def test_what_windows_cannot_know_is_not_compared(live: Path, folder: Path, tmp_path: Path) -> None:
    part = write(tmp_path / "part.tracks", told()[70:130], **{RULES.digest: RULES.document})
    answer = run(part, "--against", live, folder=folder)
    assert answer.exit_code == 0, answer.output
    # 41 cells at 15 fps and the longest gap.
    assert "at 33 records windows reach back before the recording: not compared" in answer.stdout


def test_files_of_one_camera_are_one_story(live: Path, folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "b.tracks", told()[100:], **{RULES.digest: RULES.document})
    write(tmp_path / "a.tracks", told()[:140])
    assert run(tmp_path, "--against", live, "--out", tmp_path / "out", folder=folder).exit_code == 0
    assert (tmp_path / "out" / "lobby.jsonl").read_bytes() == (live / "lobby.jsonl").read_bytes()


def test_a_record_that_cannot_be_used_is_a_dead_letter_and_the_rest_goes_on(
    folder: Path, tmp_path: Path
) -> None:
    entries = story(8.0)
    back = entries[30][1].model_copy(update={"at": 0.5})
    write(tmp_path / "a.tracks", [*entries[:31], ("31-5", back), *entries[31:]])
    assert ", 1 dead letters" in run(tmp_path / "a.tracks", folder=folder).stdout


def test_what_cannot_be_done_is_said(folder: Path, tmp_path: Path) -> None:
    good = folder / "lobby.tracks"
    content = good.read_bytes()
    (tmp_path / "bad.tracks").write_bytes(content[:5000] + b"?" + content[5001:])
    (tmp_path / "old.tracks").write_bytes(content[:8] + b"\x07" + content[9:])
    (tmp_path / "log.jsonl").write_text('{"id": 1}\n')
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "lobby.jsonl").write_text("")
    odd = recorded.save_linear(tmp_path / "odd.safetensors", window=48)
    cases: list[tuple[tuple[Any, ...], str]] = [
        ((tmp_path / "bad.tracks",), "bad.tracks: is damaged before byte"),
        ((tmp_path / "old.tracks",), "old.tracks: a recording of version 7, not 1"),
        ((good, "--out", tmp_path / "out"), "--out: .*lobby.jsonl: is there already"),
        ((good, "--against", tmp_path / "log.jsonl"), "log.jsonl: line 1 is no verdict"),
        ((good, "--against", tmp_path / "nowhere"), "nowhere: cannot be read: No such file"),
        (
            (good, "--set", "classify.primary_threshold=1.5"),
            "classify.primary_threshold: Input should be less",
        ),
        ((good, "--weights", odd), "experts.1.weights: made for 32 frames at 15 fps, the primary for 48"),
        ((good, "--weights", "unheard-of"), "unheard-of.safetensors: cannot be read"),
    ]
    for arguments, said in cases:
        with pytest.raises((ConfigError, RecordingError), match=said) as caught:
            run(*arguments, folder=folder)
        assert "\n" not in str(caught.value)
    answer = CliRunner().invoke(nexara, ["replay", str(good), "--set", "pose.batch=2"])
    assert str(answer.exception).startswith("--set pose.batch: without --site only keys of classify and")
