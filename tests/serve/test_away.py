"""While the database or the server is away: who was let in goes on looking, changes nothing, and is told."""

from __future__ import annotations

import threading
import time

import pytest

from shared.store.database import Database, DatabaseAwayError
from tests.serve.conftest import Site
from tests.serve.test_incidents import an_id
from tests.serve.test_live import told, watch
from workers.serve.care import Care
from workers.serve.live.hub import Viewer
from workers.serve.live.mailbox import Mailbox
from workers.serve.people import Caller
from workers.serve.remembered import Remembered

HOUR_S = 3600.0


def away(patch: pytest.MonkeyPatch, why: str = "connection refused") -> None:
    def refuse(_self: Database) -> None:
        raise DatabaseAwayError(f"postgresql://me@10.0.0.7/x: {why}")

    patch.setattr(Database, "reading", refuse)
    patch.setattr(Database, "writing", refuse)


def test_who_was_let_in_lately_goes_on_looking(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = site.as_("operator")
    token = site.token("viewer")
    program = site.client(Authorization=f"Bearer {token}")
    assert program.get("/api/v1/me").status_code == operator.get("/api/v1/me").status_code == 200
    away(monkeypatch)
    assert operator.get("/api/v1/me").json()["role"] == "operator"
    assert operator.get("/").status_code == 200
    assert program.get("/api/v1/me").status_code == 200
    assert told(watch(site, token=token), "hello")["site"] == "test site"
    site.clock.now += HOUR_S + 1
    assert operator.get("/api/v1/me").status_code == 503


def test_nobody_changes_anything_by_memory(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = site.as_("operator")
    away(monkeypatch)
    answer = operator.post(f"/api/v1/incidents/{an_id(1)}/acknowledge")
    assert (answer.status_code, answer.json()["detail"]) == (503, "the database does not answer: try again")


def test_strangers_are_let_in_no_sooner(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = site.log_in("viewer")
    gone.post("/logout")
    gone.get("/api/v1/me")
    cookie = {"Cookie": "nexara=wrong"}
    away(monkeypatch)
    assert site.client().get("/api/v1/me").status_code == 401
    assert site.client(**cookie).get("/api/v1/me").status_code == 503
    assert gone.get("/api/v1/me").status_code in (401, 503)


def test_who_no_longer_may_is_forgotten() -> None:
    remembered = Remembered()
    remembered.note("key", Caller("ann", "viewer"), 0.0)
    assert remembered.of("key", HOUR_S) == Caller("ann", "viewer")
    remembered.note("key", None, 1.0)
    assert remembered.of("key", 1.0) is None


def test_not_everybody_is_remembered() -> None:
    remembered = Remembered()
    for number in range(5000):
        remembered.note(str(number), Caller("ann", "viewer"), 0.0)
    assert len(remembered) == 2000
    assert remembered.of("0", 0.0) is None
    assert remembered.of("4999", 0.0) is not None


def test_a_page_for_which_nobody_knows_who_asks_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    away(monkeypatch)
    answer = site.client(Cookie="nexara=wrong").get("/incidents")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "The database does not answer" in answer.text
    assert "10.0.0.7" not in answer.text


@pytest.mark.parametrize(
    "why", ["database or disk is full", 'could not extend file "base/1": No space left on device']
)
def test_a_full_disk_is_told_apart_from_a_database_that_is_away(
    site: Site, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    operator = site.as_("operator")
    away(monkeypatch, why)
    answer = operator.post(f"/api/v1/incidents/{an_id(1)}/acknowledge")
    assert answer.status_code == 503
    assert answer.json()["detail"].startswith("the database's disk is full, nothing can be stored")


def test_live_views_are_told_what_is_away_and_when_it_is_back(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    box = Mailbox(lambda: None)
    site.services.hub.join(Viewer("ann", frozenset(), box))
    care = Care(site.services, tmp_path, "http://127.0.0.1/")  # type: ignore[arg-type]
    stop = threading.Event()

    def said() -> str:
        deadline = time.monotonic() + 20
        while not (parcel := box.take()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return str(parcel[0])

    with care.running(stop):
        assert said() == '{"v":1,"type":"health","server":true,"database":true}'
        with monkeypatch.context() as patch:
            away(patch)
            assert '"database":false' in said()
        assert '"database":true' in said()
    later = Mailbox(lambda: None)
    site.services.hub.join(Viewer("bob", frozenset(), later))
    assert '"type":"health"' in str((later.take() or [""])[0]), "who comes later is told, too"
