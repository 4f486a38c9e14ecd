"""Finding incidents, looking at one, saying what it was: the same from both kinds of database."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from shared.messages import Incident, Incidents, Scene, Verdict, Verdicts
from tests.serve.conftest import Site
from tests.shared.examples import VERDICTS
from workers.archive.writing import write_incidents, write_verdicts

GENERATION = "00f1e2d3c4b5a697"
MARKUP = '<img src=x onerror="alert(1)">'


@pytest.fixture
def database_place(database_url: str) -> str:
    return database_url


def an_id(number: int) -> str:
    return f"{number:016x}"


def incident(number: int, change: str = "new", **more: Any) -> Incident:
    """Number n began n * 100 s after the epoch of the tests."""
    at = 100.0 * number
    return Incident(
        **{
            "incident_id": an_id(number), "change": change, "began_at": at, "began_captured_at": 1000 + at,
            "confirmed_at": at + 1, "last_at": at + 2.5, "track_ids": (7, 2**52), "box": (1.0, 2.0, 3.0, 4.0),
            "peak_score": 0.97, "peak_at": at + 1, "peak_scene_score": 0.98, "violent": 3, "vetoed": 1,
            "numbers": (100, 110), **more,
        }
    )  # fmt: skip


def tell(site: Site, *changes: Incident, camera: str = "lobby") -> None:
    """Stores what happened, in order."""
    for change in changes:
        at = change.last_at + (5 if change.change == "end" else 0)
        number = int(10 * at)
        message = Incidents(
            camera=camera, generation=GENERATION, number=number, at=at, captured_at=1000 + at,
            width=640, height=360, incidents=(change,),
        )  # fmt: skip
        with site.services.database.writing() as connection:
            write_incidents(connection, camera, [(f"{number}-0", message)])


def judge(site: Site, *times: float, camera: str = "lobby", generation: str = GENERATION) -> None:
    """Stores a verdict at each of these frame times, captured 1000 s later."""
    steps = []
    for at in times:
        verdict = VERDICTS.verdicts[0].model_copy(update={"track_id": 7, "score": 0.5})
        scene = Scene(result="SAFE", score=0.5, threshold=0.94, people=1, track_ids=(7,), quality=0.9)
        place = {"camera": camera, "generation": generation, "number": int(10 * at), "at": at}
        message = VERDICTS.model_copy(
            update={**place, "captured_at": 1000 + at, "verdicts": (verdict,), "scene": scene}
        )
        steps.append((f"{int(10 * at)}-0", message))
    with site.services.database.writing() as connection:
        write_verdicts(connection, camera, steps)


def found(site: Site, **query: Any) -> list[int]:
    """The numbers of the incidents of a page."""
    answer = site.as_("viewer").get("/api/v1/incidents", params=query)
    assert answer.status_code == 200, answer.text
    return [int(one["incident_id"], 16) for one in answer.json()["incidents"]]


def test_the_newest_comes_first_with_all_that_is_known(site: Site) -> None:
    tell(site, incident(1), incident(2), incident(3, "end", end_reason="quiet"))
    assert found(site) == [3, 2, 1]
    newest = site.as_("viewer").get("/api/v1/incidents").json()["incidents"][0]
    assert (newest["state"], newest["end_reason"], newest["camera"]) == ("ended", "quiet", "lobby")
    assert newest["duration_s"] == 2.5
    assert newest["track_ids"] == [7, 2**52]
    assert newest["label"] is newest["note"] is newest["acknowledged_by"] is None


def test_pages_have_each_once_though_new_ones_come_and_many_began_together(site: Site) -> None:
    tell(site, *(incident(number, began_captured_at=5000.0) for number in range(1, 12)))
    seen: list[int] = []
    after: dict[str, str] = {}
    while True:
        answer = site.as_("viewer").get("/api/v1/incidents", params={"limit": 4, **after}).json()
        seen += [int(one["incident_id"], 16) for one in answer["incidents"]]
        if answer["next"] is None:
            break
        after = {"after": answer["next"]}
        tell(site, incident(100 + len(seen)))
    assert seen == list(range(11, 0, -1))


@pytest.mark.parametrize(
    "after", ["nonsense", "1_2", "1.5_" + "g" * 16, "e_" + "0" * 16, "1e999_" + "0" * 16 + "x"]
)
def test_a_place_that_is_none_is_refused(site: Site, after: str) -> None:
    assert site.as_("viewer").get("/api/v1/incidents", params={"after": after}).status_code == 422


def test_incidents_are_found_by_what_is_known_of_them(site: Site) -> None:
    tell(site, incident(1), incident(3, "end", end_reason="quiet"))
    tell(site, incident(2), camera="yard")
    tell(site, incident(4, "end", end_reason="merged", merged_into=an_id(1)))
    operator = site.as_("operator")
    operator.post(f"/api/v1/incidents/{an_id(1)}/label", json={"label": "false", "note": "Übung der WACHE"})
    operator.post(f"/api/v1/incidents/{an_id(2)}/acknowledge")
    assert found(site, camera="yard") == [2]
    assert found(site, camera=["yard", "lobby"]) == [4, 3, 2, 1]
    assert found(site, since=1200, until=1400) == [3, 2]
    assert found(site, state="open") == [2, 1]
    assert found(site, state="merged") == [4]
    assert found(site, label="false") == [1]
    assert found(site, label="none") == [4, 3, 2]
    assert found(site, acknowledged=True) == [2, 1]
    assert found(site, acknowledged=False, camera="lobby") == [4, 3]
    for text in ("übung", "ÜBUNG", "der wache", "Wache"):
        assert found(site, text=text) == [1], text
    assert found(site, text="%") == found(site, text="' OR 1=1") == []


def test_a_text_is_found_far_back(site: Site) -> None:
    tell(site, *(incident(number) for number in range(1, 8)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workers.serve.api.history._CHUNK", 3)
        for number in range(1, 8):
            note = "the one" if number in (1, 5) else "another"
            site.as_("operator").post(
                f"/api/v1/incidents/{an_id(number)}/label", json={"label": "none", "note": note}
            )
        assert found(site, text="the one") == [5, 1]
        assert found(site, text="the one", limit=1) == [5]


@pytest.mark.parametrize(
    "query", [{"camera": "../etc"}, {"state": "x"}, {"limit": 0}, {"limit": 501}, {"since": "then"}, {"x": 1}]
)
def test_other_questions_are_refused(site: Site, query: dict[str, Any]) -> None:
    answer = site.as_("viewer").get("/api/v1/incidents", params=query)
    assert answer.status_code == 422
    assert next(iter(query)) in answer.json()["detail"]


@pytest.mark.parametrize("odd", ["nan", "inf", "-inf", "1e400", "-1e308"])
def test_times_that_are_none_find_nothing_or_all_and_break_nothing(site: Site, odd: str) -> None:
    tell(site, incident(1))
    for path in ("incidents", "incidents/export", "cameras/lobby/scores"):
        for name in ("since", "until"):
            if (path, name) != ("cameras/lobby/scores", "since"):
                answer = site.as_("viewer").get(f"/api/v1/{path}", params={name: odd})
                assert answer.status_code in (200, 422), answer.text


def test_one_incident_comes_with_its_changes_and_the_verdicts_around_it(site: Site) -> None:
    tell(site, incident(1), incident(1, "end", last_at=110.0, end_reason="quiet"))
    judge(site, 94.0, 95.5, 100.0, 110.0, 114.5, 116.0)
    judge(site, 100.5, camera="yard")
    judge(site, 100.2, generation="00000000000000bb")
    detail = site.as_("viewer").get(f"/api/v1/incidents/{an_id(1)}").json()
    assert detail["incident"]["last_at"] == 110.0
    assert [change["change"] for change in detail["changes"]] == ["new", "end"]
    assert detail["changes"][1]["told"]["end_reason"] == "quiet"
    steps = detail["scores"]["steps"]
    assert [step["at"] for step in steps] == [95.5, 100.0, 110.0, 114.5]
    assert [verdict["track_id"] for verdict in steps[0]["verdicts"]] == [7]
    panel = detail["scores"]["panels"][str(steps[0]["panel"])]
    assert [expert["role"] for expert in panel] == ["primary", "veto"]


@pytest.mark.parametrize(
    "identity", ["x", "00000000000000FF", "../../etc/passwd", "0" * 17, "0" * 16 + "%0a"]
)
def test_what_is_no_id_is_no_incident(site: Site, identity: str) -> None:
    assert site.as_("viewer").get(f"/api/v1/incidents/{identity}").status_code in (404, 422)


def test_an_id_that_nobody_has_is_told(site: Site) -> None:
    for path in ("", "/acknowledge", "/label"):
        method = "POST" if path else "GET"
        answer = site.as_("operator").request(
            method,
            f"/api/v1/incidents/{an_id(9)}{path}",
            json={"label": "true"} if path == "/label" else None,
        )
        assert (answer.status_code, answer.json()["detail"]) == (404, "there is no such incident")


def test_who_acknowledges_first_is_remembered(site: Site) -> None:
    tell(site, incident(1))
    path = f"/api/v1/incidents/{an_id(1)}/acknowledge"
    first = site.as_("operator").post(path).json()
    site.clock.now += 60
    second = site.as_("admin").post(path).json()
    assert first == second
    assert (first["acknowledged_by"], first["acknowledged_at"]) == ("operator", site.clock.now - 60)


def test_a_label_and_a_note_may_be_changed_and_taken_back(site: Site) -> None:
    tell(site, incident(1))
    path = f"/api/v1/incidents/{an_id(1)}/label"

    def say(**what: Any) -> tuple[str | None, str | None]:
        said = site.as_("operator").post(path, json=what).json()
        return said["label"], said["note"]

    assert say(label="true", note="two men") == ("true", "two men")
    assert say(label="false") == ("false", "two men")
    assert say(label="none", note="") == (None, None)
    assert (
        site.as_("viewer").get(f"/api/v1/incidents/{an_id(1)}").json()["incident"]["acknowledged_by"]
        == "operator"
    )


@pytest.mark.parametrize(
    "body",
    [
        '{"label": "yes"}',
        '{"note": "no label"}',
        '{"label": "true", "note": "a\\u0000b"}',
        '{"label": "true", "note": "\\ud800"}',
        '{"label": "true", "by": "somebody else"}',
        json.dumps({"label": "true", "note": "x" * 2001}),
    ],
)
def test_what_is_no_label_is_refused_and_changes_nothing(site: Site, body: str) -> None:
    tell(site, incident(1))
    headers = {"Content-Type": "application/json"}
    answer = site.as_("operator").post(f"/api/v1/incidents/{an_id(1)}/label", content=body, headers=headers)
    assert answer.status_code == 422
    assert site.as_("viewer").get(f"/api/v1/incidents/{an_id(1)}").json()["incident"]["label"] is None


def test_markup_in_a_note_is_text(site: Site) -> None:
    tell(site, incident(1))
    said = site.as_("operator").post(
        f"/api/v1/incidents/{an_id(1)}/label", json={"label": "none", "note": MARKUP}
    )
    assert said.json()["note"] == MARKUP
    assert said.headers["content-type"] == "application/json"


def test_a_viewer_may_look_and_say_nothing(site: Site) -> None:
    tell(site, incident(1))
    viewer = site.as_("viewer")
    assert viewer.get(f"/api/v1/incidents/{an_id(1)}").status_code == 200
    assert viewer.post(f"/api/v1/incidents/{an_id(1)}/acknowledge").status_code == 403
    assert viewer.post(f"/api/v1/incidents/{an_id(1)}/label", json={"label": "false"}).status_code == 403


# --- taking them along --------------------------------------------------------------------------------------


def test_json_lines_have_every_incident_with_all_fields(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.serve.api.history._CHUNK", 2)
    tell(site, *(incident(number) for number in range(1, 6)))
    answer = site.as_("viewer").get("/api/v1/incidents/export", params={"until": 1500})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [int(line["incident_id"], 16) for line in lines] == [4, 3, 2, 1]
    assert lines[0] == site.as_("viewer").get(f"/api/v1/incidents/{an_id(4)}").json()["incident"]
    assert 'filename="incidents.jsonl"' in answer.headers["content-disposition"]


@pytest.mark.parametrize("note", ["=1+1", '=HYPERLINK("http://evil")', "+1", "-1", "@x", "\t=1", "\r=1"])
def test_a_spreadsheet_does_not_take_a_note_for_a_formula(site: Site, note: str) -> None:
    tell(site, incident(1))
    site.as_("operator").post(f"/api/v1/incidents/{an_id(1)}/label", json={"label": "false", "note": note})
    answer = site.as_("viewer").get("/api/v1/incidents/export", params={"format": "csv"})
    [row] = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert row["note"] == f"'{note}"


def test_csv_has_what_people_read(site: Site) -> None:
    tell(site, incident(1))
    note = 'a "quoted", note\nof two lines'
    site.as_("operator").post(f"/api/v1/incidents/{an_id(1)}/label", json={"label": "false", "note": note})
    answer = site.as_("viewer").get("/api/v1/incidents/export", params={"format": "csv"})
    [row] = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert row["note"] == note
    assert row["began"] == "1970-01-01T00:18:20.000+00:00"
    assert (row["camera"], row["label"], row["acknowledged_by"]) == ("lobby", "false", "operator")
    assert row["track_ids"] == f"7 {2**52}"


# --- scores -------------------------------------------------------------------------------------------------


def test_scores_of_the_last_minutes_the_oldest_first(site: Site) -> None:
    judge(site, 10.0, 100.0, 200.0, 290.0)
    judge(site, 250.0, camera="yard")
    path = "/api/v1/cameras/lobby/scores"
    site.clock.now = 1300.0
    viewer = site.as_("viewer")
    scores = viewer.get(path, params={"minutes": 3}).json()
    assert [step["at"] for step in scores["steps"]] == [200.0, 290.0]
    assert (scores["camera"], scores["truncated"]) == ("lobby", False)
    assert [v["score"] for v in scores["steps"][0]["verdicts"]] == [0.5]
    older = viewer.get(path, params={"minutes": 2, "until": 1110}).json()
    assert [step["at"] for step in older["steps"]] == [10.0, 100.0]


def test_of_too_many_scores_the_newest_are_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.serve.api.history._MOST_STEPS", 2)
    judge(site, 10.0, 20.0, 30.0)
    scores = site.as_("viewer").get("/api/v1/cameras/lobby/scores", params={"until": 1040}).json()
    assert ([step["at"] for step in scores["steps"]], scores["truncated"]) == ([20.0, 30.0], True)


@pytest.mark.parametrize(("camera", "status"), [("attic", 404), ("..%2f", 404), ("<b>", 422), ("a%0ab", 422)])
def test_other_cameras_have_no_scores(site: Site, camera: str, status: int) -> None:
    assert site.as_("viewer").get(f"/api/v1/cameras/{camera}/scores").status_code == status


def test_a_verdict_is_told_field_by_field(site: Site) -> None:
    one = Verdict(**{**VERDICTS.verdicts[0].model_dump(), "unsure": ("small", "churn"), "result": "UNSURE"})
    message = Verdicts(**{**dict(VERDICTS), "verdicts": (one,)})
    with site.services.database.writing() as connection:
        write_verdicts(connection, "lobby", [("41-0", message)])
    captured_at = VERDICTS.captured_at
    scores = site.as_("viewer").get("/api/v1/cameras/lobby/scores", params={"until": captured_at}).json()
    assert scores["steps"][0]["verdicts"] == [
        {
            "track_id": 42, "partner_id": 7, "result": "UNSURE", "score": 0.125, "scores": [0.125, None],
            "unsure": ["small", "churn"], "quality": 0.75, "box": [12.0, 20.0, 52.0, 140.0],
        }
    ]  # fmt: skip
