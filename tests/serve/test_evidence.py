"""Clips and snapshots are given out by incident and kind, and nothing else of the disk is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from shared.store.tables import evidence
from tests.serve.conftest import Site
from tests.serve.test_incidents import an_id, incident, tell

CLIP = bytes(range(256)) * 40


def keep(site: Site, path: str | None, kind: str = "clip", number: int = 1, **more: Any) -> None:
    """A row of evidence."""
    row = {
        "incident_id": an_id(number), "kind": kind, "camera": "lobby", "path": path, "bytes": len(CLIP),
        "sha256": None, "first_at": 95.0, "last_at": 107.5, "made_at": 1200.0, "note": None, **more,
    }  # fmt: skip
    with site.services.database.writing() as connection:
        connection.execute(insert(evidence).values(**row))


def write(site: Site, path: str) -> Path:
    """A clip's file."""
    file = site.services.place.evidence / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(CLIP)
    return file


def ask(site: Site, kind: str = "clip", number: int = 1, **headers: str) -> httpx.Response:
    path = f"/api/v1/incidents/{an_id(number)}/evidence/{kind}"
    return site.as_("viewer").get(path, headers=headers)


def test_an_incident_says_what_shows_it_and_why_something_does_not(site: Site) -> None:
    tell(site, incident(1))
    keep(site, "lobby/1970-01-01/x.mp4")
    keep(site, None, "snapshot", bytes=0, first_at=None, last_at=None, note="the tracks were gone")
    clip, snapshot = site.as_("viewer").get(f"/api/v1/incidents/{an_id(1)}").json()["evidence"]
    assert clip == {
        "kind": "clip", "media_type": "video/mp4", "bytes": len(CLIP), "note": None,
        "url": f"/api/v1/incidents/{an_id(1)}/evidence/clip", "first_at": 95.0, "last_at": 107.5,
    }  # fmt: skip
    assert (snapshot["url"], snapshot["note"]) == (None, "the tracks were gone")
    assert ask(site, "snapshot").json() == {"detail": "the tracks were gone"}


def test_a_clip_is_given_out_whole_and_in_parts(site: Site) -> None:
    write(site, "lobby/a.mp4")
    keep(site, "lobby/a.mp4")
    whole = ask(site)
    assert (whole.status_code, whole.content) == (200, CLIP)
    assert (whole.headers["content-type"], whole.headers["accept-ranges"]) == ("video/mp4", "bytes")
    assert whole.headers["content-disposition"] == f'inline; filename="lobby-{an_id(1)}.mp4"'
    part = ask(site, Range="bytes=1000-1999")
    assert (part.status_code, part.content) == (206, CLIP[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(CLIP)}"
    assert ask(site, Range="bytes=-10").content == CLIP[-10:]
    assert ask(site, Range="bytes=999999-").status_code == 416


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", "lobby/../../secret", "lobby/link", ".", "", "lobby"]
)
def test_nothing_outside_the_folder_is_given_out_whatever_the_database_says(site: Site, path: str) -> None:
    write(site, "lobby/a.mp4")
    secret = site.services.place.evidence.parent / "secret"
    secret.write_text("secret")
    (site.services.place.evidence / "lobby" / "link").symlink_to(secret)
    keep(site, path)
    answer = ask(site)
    assert (answer.status_code, answer.json()) == (404, {"detail": "the file is gone"})


@pytest.mark.parametrize(
    "kind", ["clip.mp4", "..", "../../x", "..%2f..%2fetc%2fpasswd", "clip%00", "%2e%2e/clip"]
)
def test_a_kind_is_a_word_and_no_path(site: Site, kind: str) -> None:
    write(site, "lobby/a.mp4")
    keep(site, "lobby/a.mp4")
    assert ask(site, kind).status_code in (404, 422)


def test_what_is_not_there_is_told(site: Site) -> None:
    assert ask(site).json() == {"detail": "there is no such evidence"}
    keep(site, "lobby/removed.mp4")
    assert ask(site).json() == {"detail": "the file is gone"}


def test_the_recording_is_given_out_for_replay(site: Site) -> None:
    tell(site, incident(1))
    write(site, "lobby/x.tracks")
    keep(site, "lobby/x.tracks", "tracks")
    answer = ask(site, "tracks")
    assert answer.content == CLIP
    assert answer.headers["content-type"] == "application/octet-stream"
