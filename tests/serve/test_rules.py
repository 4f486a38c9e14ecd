import pytest
from sqlalchemy import select

from shared.bus.streams import rules_key
from shared.rulebook import current, layers, publish
from shared.rules import Rules, Zone
from shared.store.tables import drawn_rules
from tests.serve.conftest import Site
from workers.serve import drawn

PATH = "/api/v1/cameras/lobby/rules"
TRIANGLE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]
DOOR = {"name": "door", "kind": "include", "polygon": TRIANGLE, "hours": []}
NIGHT = "sat,sun 22:00-06:00"
FILE = Rules(primary_threshold=0.9, zones=(Zone(name="screen", kind="mask", polygon=TRIANGLE),))


@pytest.fixture
def lobby(site: Site) -> Site:
    """A site whose file has a mask for the lobby."""
    publish(site.services.bus, "lobby", "file", FILE)
    return site


def put(site: Site, *zones: object, digest: str | None = None, **more: object):
    admin = site.as_("admin")
    seen = admin.get(PATH).json()["digest"] if digest is None else digest
    return admin.put(PATH, json={"digest": seen, "zones": list(zones), **more})


def test_a_zone_that_is_drawn_holds_for_new_frames_beside_the_files(lobby: Site) -> None:
    answer = put(lobby, {**DOOR, "hours": [NIGHT]})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [(zone["name"], zone["drawn"]) for zone in told["zones"]] == [("screen", False), ("door", True)]
    assert told["zones"][1]["hours"] == [NIGHT]
    assert told["primary_threshold"] == 0.9
    bus = lobby.services.bus
    assert current(bus, ["lobby"])["lobby"] == told["digest"] == layers(bus, "lobby").rules.digest
    assert lobby.as_("viewer").get(PATH).json() == told


def test_shadow_mode_is_set_and_left_to_the_file_again(lobby: Site) -> None:
    assert put(lobby, shadow=True).json()["shadow"]
    told = put(lobby).json()
    assert (told["shadow"], told["drawn_shadow"]) == (False, None)


def test_what_is_not_sent_is_gone_but_the_files_zones_stay(lobby: Site) -> None:
    put(lobby, DOOR)
    assert [zone["name"] for zone in put(lobby).json()["zones"]] == ["screen"]


def test_who_has_not_seen_the_last_change_does_not_undo_it(lobby: Site) -> None:
    before = lobby.as_("admin").get(PATH).json()["digest"]
    put(lobby, DOOR)
    answer = put(lobby, digest=before)
    assert answer.status_code == 409
    assert "somebody else" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ({**DOOR, "polygon": TRIANGLE[:2]}, "'door' has 2 corners: an area needs at least 3"),
        ({**DOOR, "polygon": [[0, 0], [1, 1], [1, 0], [0, 1]]}, "crosses itself"),
        ({**DOOR, "name": "<script>"}, "name"),
        ({**DOOR, "name": "screen"}, "two zones 'screen'"),
        ({**DOOR, "moods": 1}, "moods"),
    ],
)
def test_what_is_no_zone_is_refused_in_words_and_changes_nothing(
    lobby: Site, zone: dict[str, object], words: str
) -> None:
    answer = put(lobby, zone)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert layers(lobby.services.bus, "lobby").page.zones == ()


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_admins_draw(lobby: Site, role: str) -> None:
    assert lobby.as_(role).put(PATH, json={"digest": "", "zones": []}).status_code == 403  # type: ignore[arg-type]


def test_a_camera_that_is_none_has_no_rules(lobby: Site) -> None:
    assert lobby.as_("viewer").get("/api/v1/cameras/cellar/rules").status_code == 404


def test_what_the_server_has_lost_is_copied_there_again(lobby: Site) -> None:
    put(lobby, DOOR)
    digest = current(lobby.services.bus, ["lobby"])["lobby"]
    lobby.services.bus.forget("lobby")
    publish(lobby.services.bus, "lobby", "file", FILE)
    drawn.bring_up_to_date(lobby.services)
    assert current(lobby.services.bus, ["lobby"])["lobby"] == digest


def test_the_database_says_who_drew_and_when(lobby: Site) -> None:
    put(lobby, DOOR)
    with lobby.services.database.reading() as connection:
        [row] = connection.execute(select(drawn_rules)).mappings()
    assert (row["camera"], row["changed_by"], row["changed_at"]) == ("lobby", "admin", lobby.clock.now)


def test_rules_of_another_version_are_said_to_be(lobby: Site) -> None:
    lobby.services.bus.evaluate(
        "return redis.call('HSET', KEYS[1], 'file', ARGV[1])", rules_key("lobby"), '{"moods": 1}'
    )
    answer = lobby.as_("viewer").get(PATH)
    assert answer.status_code == 503
    assert "one version" in answer.json()["detail"]
