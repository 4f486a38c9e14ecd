import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from shared.bus import Bus, BusError
from shared.bus.streams import rules_key
from shared.messages import Mark
from shared.rulebook import KEPT, MISSING, Drawn, RuleBook, RulesError, current, layers, publish
from shared.rules import Rules, Zone
from tests.shared.examples import HEAD

CAMERA = HEAD["camera"]
TRIANGLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
OLD, NEW = Rules(primary_threshold=0.9), Rules(primary_threshold=0.8)


@pytest.fixture
def bus(server: str) -> Iterator[Bus]:
    with closing(Bus(server)) as bus:
        yield bus


def named(rules: str) -> Mark:
    return Mark(**HEAD, rules=rules)


def test_records_are_judged_by_the_rules_that_they_name(bus: Bus) -> None:
    book = RuleBook(bus, {CAMERA: OLD})
    publish(bus, CAMERA, "file", OLD)
    publish(bus, CAMERA, "file", NEW)
    assert current(bus, [CAMERA, "other"]) == {CAMERA: NEW.digest, "other": ""}
    assert book(named(NEW.digest)) == NEW
    # Also after the change: what was stored before it is done again by its own rules.
    assert book(named(OLD.digest)) == book(named("")) == OLD


def test_rules_that_the_server_has_lost_are_those_of_the_site_file_and_counted(
    bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    before = MISSING.labels(CAMERA)._value.get()
    book = RuleBook(bus, {CAMERA: OLD})
    assert book(named("0" * 16)) == OLD
    assert MISSING.labels(CAMERA)._value.get() == before + 1
    assert "judged by those of the site file" in caplog.text


def test_a_forged_document_is_not_followed(bus: Bus, client: redis.Redis) -> None:
    client.hset(rules_key(CAMERA), NEW.digest, Rules(shadow=True).document)
    assert RuleBook(bus, {CAMERA: OLD})(named(NEW.digest)) == OLD


def test_a_silent_server_is_no_reason_to_judge_by_others(server: str) -> None:
    with closing(Bus("redis://127.0.0.1:1")) as away, pytest.raises(BusError):
        RuleBook(away, {CAMERA: OLD})(named(NEW.digest))


def test_what_was_drawn_stays_when_the_file_is_applied_and_the_other_way_round(bus: Bus) -> None:
    drawn = Drawn(zones=(Zone(name="door", polygon=TRIANGLE),), shadow=True)
    assert publish(bus, CAMERA, "file", OLD)
    assert publish(bus, CAMERA, "page", drawn)
    assert publish(bus, CAMERA, "file", NEW)
    stored = layers(bus, CAMERA)
    assert stored.page == drawn
    assert stored.file == NEW
    assert stored.rules == Rules(primary_threshold=0.8, zones=drawn.zones, shadow=True)
    assert stored.digest == stored.rules.digest


def test_the_files_zone_goes_before_a_drawn_one_of_its_name(bus: Bus) -> None:
    file = Rules(zones=(Zone(name="door", kind="mask", polygon=TRIANGLE),))
    publish(bus, CAMERA, "file", file)
    publish(bus, CAMERA, "page", Drawn(zones=(Zone(name="door", polygon=TRIANGLE),)))
    assert layers(bus, CAMERA).rules.zones == file.zones


def test_nothing_new_is_no_change(bus: Bus) -> None:
    assert publish(bus, CAMERA, "file", OLD)
    revision = layers(bus, CAMERA).revision
    assert not publish(bus, CAMERA, "file", OLD)
    assert layers(bus, CAMERA).revision == revision


def test_old_documents_go_the_latest_stay(bus: Bus, client: redis.Redis) -> None:
    every = [Rules(primary_threshold=round(0.1 + n / 1000, 3)) for n in range(KEPT + 5)]
    for rules in every:
        publish(bus, CAMERA, "file", rules)
    stored = set(client.hkeys(rules_key(CAMERA)))
    assert {rules.digest.encode() for rules in every[5:]} <= stored
    assert not {rules.digest.encode() for rules in every[:5]} & stored


def test_writers_at_once_do_not_undo_each_other(bus: Bus) -> None:
    """Each of two writes its own layer many times; the last of both hold."""
    files = [Rules(primary_threshold=round(0.1 + n / 100, 2)) for n in range(30)]
    drawn = [Drawn(shadow=bool(n % 2)) for n in range(30)]
    publish(bus, CAMERA, "file", Rules())

    def write(layer: str, parts: list[Rules] | list[Drawn]) -> None:
        for part in parts:
            publish(bus, CAMERA, layer, part)  # type: ignore[arg-type]

    threads = [threading.Thread(target=write, args=pair) for pair in (("file", files), ("page", drawn))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = layers(bus, CAMERA)
    assert (stored.file, stored.page) == (files[-1], drawn[-1])
    assert stored.digest == stored.rules.digest


def test_rules_of_another_version_are_said_to_be(bus: Bus, client: redis.Redis) -> None:
    client.hset(rules_key(CAMERA), mapping={"file": '{"moods": true}', "revision": "1"})
    with pytest.raises(RulesError, match="are all workers of one version"):
        layers(bus, CAMERA)
