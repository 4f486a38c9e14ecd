"""`nexara calibrate`: thresholds by what people said of incidents in recordings."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shared.config import ConfigError
from shared.recording import RecordingError
from shared.rules import Rules, Zone
from shared.store.database import Database
from shared.store.tables import incidents
from tests.classify.people import GENERATION
from tests.cli import recorded
from tests.cli.recorded import story, write
from workers.cli.calibration import proposal
from workers.cli.main import nexara

# Less than a minute with two fights, and two games that are livelier than a stroll.
FIGHTS, PLAY = [(4.0, 8.0), (28.0, 32.0)], [(16.0, 20.0), (40.0, 44.0)]
SECONDS = 48.0
PNG = b"\x89PNG"
# Of the site file, with --scene-follows-primary -> of a pair.
KEYS = {"primary_threshold": "primary", "veto_threshold": "veto", "scene_threshold": "primary"}


@pytest.fixture(scope="module", autouse=True)
def _few_pairs() -> Iterator[None]:
    """Every third threshold of each axis."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proposal, "PRIMARY", proposal.PRIMARY[::3])
        patch.setattr(proposal, "VETO", proposal.VETO[::3])
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calibrate")
    recorded.site_file(folder, ("lobby", "yard"), "incidents: {cooldown_s: 3}\n")
    write(folder / "lobby.tracks", story(SECONDS, FIGHTS, play=PLAY))
    (folder / "truth.json").write_text(json.dumps({"lobby": FIGHTS}))
    return folder


def run(folder: Path, *arguments: object) -> Result:
    answer = CliRunner().invoke(nexara, ["calibrate", str(folder / "site.yaml"), *map(str, arguments)])
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer


def numbers(folder: Path, *arguments: object) -> dict:
    answer = run(folder, *arguments, "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def labelled(folder: Path, labels: Mapping[tuple[float, float], str], **changes: object) -> str:
    """An archive in which people said so of incidents; the option that names it."""
    folder.mkdir(exist_ok=True)
    url = f"sqlite:///{folder / 'archive.db'}"
    database = Database(url)
    database.migrate()
    with database.writing() as connection:
        for number, ((began, last), label) in enumerate(labels.items()):
            connection.execute(
                incidents.insert(),
                {
                    "camera": "lobby", "generation": GENERATION, "incident_id": f"{number:016x}",
                    "state": "ended", "began_at": began, "began_captured_at": recorded.MADE_AT + began,
                    "confirmed_at": began + 1, "last_at": last, "ended_at": last, "end_reason": "quiet",
                    "width": 640, "height": 480, "box": [0, 0, 1, 1], "track_ids": [1, 2], "numbers": [1],
                    "peak_score": 0.97, "peak_at": began, "peak_scene_score": 0.97, "violent": 3, "vetoed": 0,
                    "label": label, **changes,
                },
            )  # fmt: skip
    database.close()
    return f"archive.database={url}"


def test_a_pair_between_fights_and_games_is_proposed(folder: Path, tmp_path: Path) -> None:
    arguments = (folder / "lobby.tracks", "--truth", folder / "truth.json", "--scene-follows-primary")
    found = numbers(folder, *arguments, "--out", tmp_path / "out")
    assert (found["fights"], found["labelled_false"]) == (2, 0)
    assert found["hours_known"] == found["hours"] == pytest.approx(47.9 / 3600, abs=1e-4)
    assert (found["proposal"]["found"], found["proposal"]["false"]) == (2, 0)
    at = {(one["primary"], one["veto"]): one for one in found["pairs"]}
    assert len(at) == 81
    assert (at[0.5, 0.02]["found"], at[0.5, 0.02]["false"]) == (2, 2), "games are no fights"
    assert at[0.98, 0.02]["found"] == 0
    # Games reach 0.8, fights 0.97; a veto says up to 0.61 of games.
    between = [pair for pair, one in at.items() if (one["found"], one["false"]) == (2, 0)]
    assert (found["proposal"]["primary"], found["proposal"]["veto"]) in between
    assert any(primary < 0.7 for primary, veto in between if veto > 0.7), "the veto alone keeps games out"
    assert not any(primary < 0.75 for primary, veto in between if veto < 0.4)
    assert found["present"]["delay_s"] >= found["proposal"]["delay_s"] > 0

    with (tmp_path / "out" / "calibration.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["primary"]) for row in rows] == [one["primary"] for one in found["pairs"]]
    assert [int(row["false"]) for row in rows] == [one["false"] for one in found["pairs"]]
    assert json.loads((tmp_path / "out" / "calibration.json").read_text()) == found
    assert (tmp_path / "out" / "calibration.png").read_bytes().startswith(PNG)

    text = run(folder, *arguments).stdout
    lines = [f"  {name}: {found['proposal'][key]:g}" for name, key in KEYS.items()]
    assert text.endswith("\n".join(["", "classify:", *lines, ""]))
    assert "The thresholds were chosen by these very recordings" in text
    assert "proposal" in text


def test_what_is_proposed_holds_when_the_recording_is_replayed(folder: Path) -> None:
    chosen = numbers(
        folder, folder / "lobby.tracks", "--truth", folder / "truth.json", "--scene-follows-primary"
    )["proposal"]
    sets = [f"classify.{name}={chosen[key]}" for name, key in KEYS.items()]
    options = [word for one in sets for word in ("--set", one)]
    answer = CliRunner().invoke(
        nexara,
        ["replay", str(folder / "lobby.tracks"), "--site", str(folder / "site.yaml"), "--json", *options],
    )
    told = json.loads(answer.stdout)[0]["incidents"]
    assert len(told) == 2
    for incident, (begin, end) in zip(sorted(told, key=lambda one: one["began_at"]), FIGHTS, strict=True):
        assert begin < incident["began_at"] < end


def test_labelled_incidents_say_what_was_true_and_what_false(folder: Path, tmp_path: Path) -> None:
    labels = {(6.0, 8.0): "true", (18.0, 20.0): "false", (42.0, 44.0): "false", (47.5, 60.0): "false"}
    option = labelled(tmp_path, labels)
    found = numbers(folder, folder / "lobby.tracks", "--set", option)
    assert (found["fights"], found["labelled_false"]) == (1, 2)
    assert found["labelled_not_recorded"] == ["0000000000000003"], "it was confirmed after the recording"
    assert (found["proposal"]["found"], found["proposal"]["false"]) == (1, 0)
    at = {(one["primary"], one["veto"]): one for one in found["pairs"]}
    assert at[0.5, 0.02]["unlabelled"] == 1, "nobody said what the second fight was"
    assert found["proposal"]["false_per_day"] is None
    text = run(folder, folder / "lobby.tracks", "--set", option).stdout
    assert "Only incidents were recorded" in text
    assert "Few fights (1)" in text

    quiet = numbers(folder, folder / "lobby.tracks", "--set", option, "--quiet")
    at = {(one["primary"], one["veto"]): one for one in quiet["pairs"]}
    assert (at[0.5, 0.02]["unlabelled"], at[0.5, 0.02]["false"]) == (0, 3), "then it was false"


def test_labelled_incidents_without_tracks_do_not_count_and_are_named(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "part.tracks", story(SECONDS, FIGHTS, play=PLAY)[220:])
    option = labelled(tmp_path, {(6.0, 8.0): "true", (23.0, 24.0): "true", (30.0, 32.0): "true"})
    text = run(folder, tmp_path / "part.tracks", "--set", option, "--quiet").stdout
    assert "1 fight, 0 incidents labelled false" in text
    assert "2 labelled incidents: lobby 0000000000000000, lobby 0000000000000001" in text


def test_a_swallowed_incident_is_no_fight_of_its_own(folder: Path, tmp_path: Path) -> None:
    option = labelled(tmp_path, {(8.0, 10.0): "true"}, merged_into="f" * 16, state="merged")
    with pytest.raises(ConfigError, match="nothing to calibrate by: no incident is labelled"):
        run(folder, folder / "lobby.tracks", "--set", option)


def test_without_a_true_incident_nothing_is_proposed(folder: Path) -> None:
    found = numbers(folder, folder / "lobby.tracks", "--quiet")
    assert found["proposal"] is None
    assert found["fights"] == 0
    own = "cameras.yard.primary_threshold=0.8"
    text = run(folder, folder / "lobby.tracks", "--quiet", "--set", own).stdout
    assert "no proposal: there is no true incident" in text
    assert "yard: thresholds of their own, which those of classify do not change" in text


def test_without_anything_false_or_quiet_nothing_is_proposed(folder: Path, tmp_path: Path) -> None:
    option = labelled(tmp_path, {(8.0, 10.0): "true"})
    assert "nothing by which to see what is false" in numbers(
        folder, folder / "lobby.tracks", "--set", option
    )["why_none"]  # fmt: skip


def test_a_bound_on_false_incidents_a_day_is_kept(folder: Path, tmp_path: Path) -> None:
    truth = ("--truth", folder / "truth.json", "--scene-follows-primary")
    strict = numbers(folder, folder / "lobby.tracks", *truth)["proposal"]
    # As many a day as one in this time.
    loose = numbers(folder, folder / "lobby.tracks", *truth, "--max-false-per-day", 2000)["proposal"]
    assert loose["found"] >= strict["found"]
    assert loose["false"] <= 2
    assert strict["false"] == 0


def test_thresholds_are_chosen_by_half_and_measured_on_the_rest(folder: Path, tmp_path: Path) -> None:
    for number in range(2):
        generation = f"{number:016x}"
        write(tmp_path / f"{number}.tracks", story(SECONDS, FIGHTS, play=PLAY, generation=generation))
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({f"{number}.tracks": FIGHTS for number in range(2)}))
    found = numbers(folder, tmp_path, "--truth", truth, "--holdout", "--scene-follows-primary")
    assert found["fights"] == 2
    assert found["held_out"][1] == {"fights": 2, "found": 2, "false": 0}
    text = run(folder, tmp_path, "--truth", truth, "--holdout", "--scene-follows-primary").stdout
    assert "on the recordings held out, proposal: 2 of 2 fights, 0 false" in text


def test_zones_that_were_recorded_count(folder: Path, tmp_path: Path) -> None:
    whole = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    rules = Rules(zones=(Zone(name="nobody", kind="exclude", polygon=whole),))
    entries = story(SECONDS, FIGHTS, play=PLAY, rules=rules.digest)
    write(tmp_path / "lobby.tracks", entries, **{rules.digest: rules.document})
    found = numbers(folder, tmp_path / "lobby.tracks", "--truth", folder / "truth.json")
    assert {one["found"] for one in found["pairs"]} == {0}
    assert found["why_none"] == "no pair that is allowed finds any of them"


def test_evidence_is_taken_where_no_recording_is_given(folder: Path, tmp_path: Path) -> None:
    option = labelled(tmp_path, {(6.0, 8.0): "true", (18.0, 20.0): "false"})
    places = ("--set", option, "--set", f"evidence.directory={tmp_path / 'evidence'}")
    with pytest.raises(ConfigError, match="evidence: holds no recordings of incidents: give some"):
        run(folder, *places)
    day = tmp_path / "evidence" / "lobby" / "2023-11-14"
    write(day / "0000000000000000.tracks", story(SECONDS, FIGHTS, play=PLAY)[20:110])
    write(day / "0000000000000001.tracks", story(SECONDS, FIGHTS, play=PLAY)[100:230])
    found = numbers(folder, *places)
    assert (found["fights"], found["labelled_false"], found["recordings"]) == (1, 1, 1)


def test_what_cannot_be_done_is_said(folder: Path, tmp_path: Path) -> None:
    good = folder / "lobby.tracks"
    (tmp_path / "cut.tracks").write_bytes(good.read_bytes()[:20])
    for name, text in (
        ("flat", "[[1, 2]]"), ("back", '{"lobby": [[2, 1]]}'), ("attic", '{"attic": []}'), ("no", "no JSON"),
        ("both", '{"lobby": [[1, 2]]}'),
    ):  # fmt: skip
        (tmp_path / f"{name}.json").write_text(text)
    other = write(tmp_path / "other.tracks", story(3.0, generation="a" * 16))
    primary = recorded.save_linear(tmp_path / "p.safetensors")
    own = f"classify.experts=[{{weights: {primary}, role: primary, threshold: 0.9}}]"
    for arguments, said in (
        ((good,), "nothing to calibrate by: no incident is labelled"),
        ((good, "--set", labelled(tmp_path, {(500.0, 510.0): "true"})), "of 1 labelled incidents none was"),
        ((good, "--truth", tmp_path / "nowhere"), "--truth: .*nowhere: cannot be read"),
        ((good, "--truth", tmp_path / "flat.json"), r"flat.json: write \{\"CAMERA\""),
        ((good, "--truth", tmp_path / "no.json"), r"no.json: write \{\"CAMERA\""),
        ((good, "--truth", tmp_path / "back.json"), "lobby: a fight ends before it begins"),
        ((good, "--truth", tmp_path / "attic.json"), "attic: no recording is of a camera"),
        ((good, other, "--truth", tmp_path / "both.json"), "lobby: was recorded in 2 runs"),
        ((good, "--quiet", "--set", own), "the primary has one of its own"),
        ((good, "--quiet", "--set", "classify.veto_threshold=0"), "classify.veto_threshold: Input should"),
        ((good, "--quiet", "--out", good), "--out: .*: cannot be written"),
        ((tmp_path / "cut.tracks", "--quiet"), "has no head"),
        ((good, "--max-false-per-day", 1, "--set", labelled(tmp_path / "deep", {(8.0, 9.0): "true"})),
         "of no recording everything is known"),
    ):  # fmt: skip
        with pytest.raises((ConfigError, RecordingError), match=said) as caught:
            run(folder, *arguments)
        assert "\n" not in str(caught.value)


def test_one_expert_alone_has_one_threshold(folder: Path, tmp_path: Path) -> None:
    primary = recorded.save_linear(tmp_path / "p.safetensors", weight=3.0, bias=1.0)
    alone = f"classify.experts=[{{weights: {primary}, role: primary}}]"
    arguments = (folder / "lobby.tracks", "--truth", folder / "truth.json", "--scene-follows-primary")
    text = run(folder, *arguments, "--set", alone, "--out", tmp_path / "out").stdout
    assert "veto_threshold" not in text
    assert "primary_threshold" in text
    assert (tmp_path / "out" / "calibration.png").read_bytes().startswith(PNG)
