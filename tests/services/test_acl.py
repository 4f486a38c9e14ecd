"""Each role's user can do the role's work on a real server, and nothing else."""

from __future__ import annotations

import itertools
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import redis

from shared.bus import Bus, BusRefusedError, DeadLetter, Outcome, Ownership, Run
from shared.bus.streams import (
    STAGES,
    WRITERS,
    bound,
    dead_key,
    lease_key,
    members_key,
    rules_key,
    state_key,
    stream_key,
)
from shared.bus.survey import survey
from shared.loop import Loop
from shared.messages import Mark, decode, encode
from shared.rulebook import RuleBook, current, publish
from shared.rules import Rules
from shared.stage import Stage
from tests.services.servers import ADMINISTRATOR, KINDS, Server, running
from tests.shared.examples import FRAME, HEAD
from tests.shared.fleet import wait_until
from workers.cli.keys import TEMPLATE, users
from workers.cli.progress import Progress
from workers.cli.site import ROLES, stages_of
from workers.cli.status import observe
from workers.cli.tail import STREAMS, _entries

USERS = (*ROLES, "operator")
USER_OF = {stage: role for role in ROLES for stage in stages_of(role)}
READS = {
    "ingest": "",
    "pose": "frames",
    "classify": "tracks",
    "incidents": "verdicts",
    "archive": "verdicts",
    "history": "incidents",
    "evidence": "incidents",
    "alert": "incidents",
}
# What a stage looks up besides, without a group of its own.
LOOKS_UP = {"evidence": "tracks"}
WRITES = {stage: stream for stream, stage in WRITERS.items()}
CAMERA = "lobby"
FRAMES, TRACKS, VERDICTS, INCIDENTS = (stream_key(stream, CAMERA) for stream in WRITERS)
# How a refusal inside a script reads on Redis and on Valkey: it comes as ERR, not as NOPERM.
IN_SCRIPT = re.compile(r"user executing the script can't|ACL failure in script|not allowed from script")


@pytest.fixture(scope="module", params=KINDS)
def any_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(request.param, tmp_path_factory.mktemp("keys")) as server:
        yield server


@pytest.fixture
def administrator(any_server: Server) -> Iterator[redis.Redis]:
    with any_server.client(ADMINISTRATOR) as client:
        client.flushall()
        client.acl_log_reset()
        yield client


@pytest.fixture
def server(any_server: Server, administrator: redis.Redis) -> Server:
    """The server, empty."""
    return any_server


def test_every_role_has_a_user_and_nobody_else_has() -> None:
    assert users(TEMPLATE.read_text(encoding="utf-8")) == list(USERS)


# --- what each role must be able to do --------------------------------------------------------------------


def identity(user_of: Callable[[str], str]) -> str:
    return "a user for each role" if user_of("pose") == "pose" else "all as operator"


@pytest.fixture(params=[USER_OF.__getitem__, lambda _: "operator"], ids=identity)
def buses(request: pytest.FixtureRequest, server: Server) -> Iterator[dict[str, Bus]]:
    """Each stage's bus: with a user for each, or all as operator, as under `nexara up`."""
    with ExitStack() as stack:
        yield {
            stage: stack.enter_context(closing(server.bus(request.param(stage), live=["live"])))
            for stage in STAGES
        }


@pytest.fixture
def unlogged(administrator: redis.Redis) -> Iterator[None]:
    """Nothing may be refused, not even where the refusal would go unnoticed."""
    yield
    assert administrator.acl_log() == []


def entry(number: int) -> str:
    return f"{number}-0"


def step(stage: str, camera: str, number: int, **changes: Any) -> Run:
    """A stage's commit of one record."""
    reads, writes = READS[stage], WRITES.get(stage, "")
    fields = {
        "stage": stage,
        "camera": camera,
        "token": f"{stage}:1",
        "previous": entry(number - 1),
        "last": entry(number),
        "reads": reads,
        "inputs": [entry(number)] if reads else [],
        "writes": writes,
        "outputs": [(entry(number), b"x" * 20)] if writes else [],
        "snapshot": b"state",
        "settings": "s",
        "dead": [DeadLetter(stream=reads, entry_id=entry(number), reason="bad", payload=b"")],
    }
    return Run(**{**fields, **changes})


@pytest.mark.usefixtures("unlogged")
@pytest.mark.parametrize("camera", [CAMERA, "live"])
def test_one_record_passes_through_all_roles(buses: dict[str, Bus], camera: str) -> None:
    for stage, bus in buses.items():
        reads = READS[stage]
        assert bus.beat(stage, "w", 5.0)
        assert bus.acquire(lease_key(stage, camera), f"{stage}:1", 60_000)
        assert bus.open(stage, camera, f"{stage}:1", reads) is not None
        for number in (1, 2):
            if reads and number == 1:
                assert len(bus.read(stage, "w", reads, [camera], 10, 0)[camera]) == 2
            # Other settings without a snapshot remove the stored one.
            changes = {"snapshot": None, "settings": "other"} if number == 2 else {}
            assert bus.commit([step(stage, camera, number, **changes)]) == [Outcome.DONE]
        assert bus.counters(stage, camera)["cursor"] == "2-0"
        assert bus.cursors(stage, [camera]) == {camera: "2-0"}
        if reads:
            assert bus.lags(stage, reads, [camera]) == {camera: 0}
            assert bus.history(reads, camera, "-", "+") is not None
        if stage in LOOKS_UP:
            assert len(bus.page(LOOKS_UP[stage], camera, "2-0", 10, backwards=True)) == 2
            assert len(bus.page(LOOKS_UP[stage], camera, "(1-0", 10)) == 1
        assert bus.memory()[0] > 0
        assert bus.renew({lease_key(stage, camera): f"{stage}:1"}, 60_000)
    for stage, bus in buses.items():
        bus.release(lease_key(stage, camera), f"{stage}:1")
        bus.leave(stage, "w")
        assert bus.open(stage, camera, f"{stage}:1", READS[stage]) is None


@pytest.mark.usefixtures("unlogged")
def test_ingest_drops_what_pose_was_not_given_and_finds_the_last_id(buses: dict[str, Bus]) -> None:
    ingest, pose = buses["ingest"], buses["pose"]
    for stage, bus in (("ingest", ingest), ("pose", pose)):
        assert bus.acquire(lease_key(stage, "live"), f"{stage}:1", 60_000)
        bus.open(stage, "live", f"{stage}:1", READS[stage])
    assert ingest.commit([step("ingest", "live", 1)]) == [Outcome.DONE]
    drop = step("ingest", "live", 2, drops=[("1-0", "age")], dropped={"late": 3})
    assert ingest.commit([drop]) == [Outcome.DONE]
    drops = ingest.drops(["live"])["live"]
    assert (drops["age"], drops["late"]) == (1, 3)
    assert [entry_id for entry_id, _ in ingest.history("frames", "live", "-", "+")] == ["2-0"]


def tiny(stage: str, delivered: list[str]) -> Stage[Any, Any, Any, Any]:
    """Makes a mark of each frame, passes marks on."""
    return Stage(
        name=stage,
        reads=READS[stage],
        writes=WRITES.get(stage, ""),
        settings="s",
        initial=lambda _camera, _generation: 0,
        advance=lambda state, _item, _seen: (state + 1, Mark(**HEAD, reason=f"after {state}")),
        deliver=None if stage in WRITES else lambda _, found: delivered.extend(i for i, _ in found),
        dump=lambda state: b"%d" % state,
        load=int,
    )


@pytest.mark.usefixtures("unlogged")
def test_a_frame_passes_through_the_loops_of_all_roles(
    buses: dict[str, Bus], administrator: redis.Redis
) -> None:
    source = Ownership(buses["ingest"], "ingest", "source", [CAMERA])
    token = source.poll().gained[CAMERA]
    assert buses["ingest"].open("ingest", CAMERA, token) is not None
    outputs = [(entry(1), encode(FRAME))]
    assert buses["ingest"].commit([step("ingest", CAMERA, 1, token=token, outputs=outputs, dead=())]) == [
        Outcome.DONE
    ]
    stop, delivered = threading.Event(), list[str]()
    errors: list[BaseException] = []

    def run(loop: Loop) -> None:
        try:
            loop.run(stop)
        except Exception as error:
            errors.append(error)

    loops = [Loop(tiny(stage, delivered), buses[stage], [CAMERA], "w", lease_s=1.0) for stage in STAGES[1:]]
    threads = [threading.Thread(target=run, args=(loop,)) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        ends = [state_key(stage, CAMERA) for stage in ("archive", "history", "evidence", "alert")]
        wait_until(
            lambda: errors or all(administrator.hget(state, "cursor") for state in ends),
            "the frame in the archive, as verdict, as incident and as evidence, and in the outbox",
        )
        source.poll()
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
    source.release_all()
    assert errors == []
    assert delivered == ["1-0"] * 4
    [(_, fields)] = administrator.xrange(VERDICTS)
    assert decode(fields[b"m"]).reason == "after 0"
    assert administrator.keys("*:lease:*") == administrator.keys("*:members") == []


@pytest.mark.usefixtures("unlogged")
def test_the_operator_watches_frees_and_forgets(server: Server, administrator: redis.Redis) -> None:
    fill(administrator)
    administrator.set(lease_key("pose", CAMERA), "dead-worker:1")
    with closing(server.bus("operator")) as bus:
        [seen] = observe(bus, [CAMERA], over_s=0)
        assert seen.owners["pose"] == "dead-worker"
        Progress(bus, [CAMERA]).update()
        for stream in STREAMS:
            assert len(list(_entries(bus, stream, [CAMERA], True, 0.1))) == 1
        bus.release_worker("pose", "dead-worker", [CAMERA])
        assert bus.owner("pose", CAMERA) == ""
        bus.forget(CAMERA)
    assert administrator.keys("*{cam:*") == []


@pytest.mark.usefixtures("unlogged")
@pytest.mark.parametrize("writer", ["ingest", "serve", "operator"])
def test_rules_are_put_by_who_may_and_found_by_the_stages(server: Server, writer: str) -> None:
    rules = Rules(primary_threshold=0.9)
    with ExitStack() as stack:
        bus = stack.enter_context(closing(server.bus(writer)))
        assert publish(bus, CAMERA, "file", rules)
        assert current(bus, [CAMERA]) == {CAMERA: rules.digest}
        for stage in ("pose", "classify", "incidents"):
            reader = stack.enter_context(closing(server.bus(stage)))
            found = RuleBook(reader, {})(Mark(**HEAD, rules=rules.digest))
            assert found == rules


# --- what nobody may do -------------------------------------------------------------------------------------


def fill(administrator: redis.Redis) -> None:
    """Something under every key, and one key that is nobody's."""
    for stream in WRITERS:
        administrator.xadd(stream_key(stream, CAMERA), {"m": "x"}, "1-0")
    administrator.xadd(dead_key(CAMERA), {"reason": "x"}, "1-0")
    administrator.hset(rules_key(CAMERA), "current", "x")
    for stage in STAGES:
        administrator.hset(state_key(stage, CAMERA), mapping={"cursor": "0-0", "snapshot": "secret"})
        administrator.set(lease_key(stage, CAMERA), "somebody:1")
        administrator.zadd(members_key(stage), {"somebody": 1})
    administrator.set("foreign", "x")


def everything(administrator: redis.Redis) -> dict[bytes, Any]:
    return {key: administrator.dump(key) for key in sorted(administrator.scan_iter())}


READ = "return redis.call('XRANGE', KEYS[1] or ARGV[1], '-', '+')"
WRITE = "return redis.call('XADD', KEYS[1] or ARGV[1], '*', 'm', 'forged')"
PUT = "return redis.call('HSET', KEYS[1] or ARGV[1], 'cursor', '9-0')"
TAKE = "return redis.call('SET', KEYS[1] or ARGV[1], 'thief')"
QUIETLY = "return redis.pcall('XRANGE', ARGV[1], '-', '+')"
MINE = lease_key("ingest", CAMERA)

FORBIDDEN: dict[str, list[tuple[Any, ...]]] = {
    "ingest": [
        ("XRANGE", TRACKS, "-", "+"),
        ("XREAD", "STREAMS", TRACKS, "0"),
        ("XREAD", "STREAMS", FRAMES, TRACKS, "0", "0"),
        ("XADD", VERDICTS, "*", "m", "forged"),
        ("XADD", TRACKS, "*", "m", "forged"),
        ("XREADGROUP", "GROUP", "pose", "w", "STREAMS", FRAMES, ">"),
        ("XGROUP", "DESTROY", FRAMES, "pose"),
        ("XRANGE", dead_key(CAMERA), "-", "+"),
        ("HSET", state_key("pose", CAMERA), "floor", "9-0"),
        ("HGET", state_key("classify", CAMERA), "snapshot"),
        ("SET", lease_key("pose", CAMERA), "thief"),
        ("GET", lease_key("pose", CAMERA)),
        ("ZREM", members_key("pose"), "somebody"),
        ("DEL", state_key("ingest", CAMERA)),
        ("RENAME", FRAMES, TRACKS),
        ("COPY", TRACKS, FRAMES),
        # Foreign keys in a script: declared, hidden, among its own, or its to declare but not to write.
        ("EVAL", READ, 1, TRACKS),
        ("EVAL", READ, 0, TRACKS),
        ("EVAL", READ, 2, TRACKS, MINE),
        ("EVAL", "return redis.call('XRANGE', ARGV[1], '-', '+')", 1, MINE, TRACKS),
        ("EVAL", WRITE, 1, VERDICTS),
        ("EVAL", WRITE, 0, VERDICTS),
        ("EVAL", TAKE, 1, "foreign"),
        ("EVAL", TAKE, 0, "foreign"),
        ("EVAL", TAKE, 0, lease_key("pose", CAMERA)),
        ("EVAL", PUT, 1, state_key("pose", CAMERA)),
        ("EVAL", PUT, 0, state_key("classify", CAMERA)),
        ("EVAL", QUIETLY, 0, TRACKS),
        ("EVAL", "#!lua flags=allow-oom,allow-cross-slot-keys\n" + READ, 0, TRACKS),
        ("EVAL_RO", READ, 1, TRACKS),
    ],
    "pose": [
        ("XADD", FRAMES, "*", "m", "forged"),
        ("XTRIM", FRAMES, "MAXLEN", "0"),
        ("XDEL", FRAMES, "1-0"),
        ("EVAL", WRITE, 1, FRAMES),
        ("EVAL", WRITE, 0, FRAMES),
        ("EVAL", PUT, 1, state_key("ingest", CAMERA)),
        ("EVAL", PUT, 1, state_key("classify", CAMERA)),
        ("HSET", rules_key(CAMERA), "current", "forged"),
        ("EVAL", PUT, 1, rules_key(CAMERA)),
        ("XRANGE", TRACKS, "-", "+"),
        ("XADD", VERDICTS, "*", "m", "forged"),
    ],
    "classify": [
        ("XRANGE", FRAMES, "-", "+"),
        ("XADD", TRACKS, "*", "m", "forged"),
        ("EVAL", READ, 0, FRAMES),
        ("EVAL", WRITE, 1, TRACKS),
        ("EVAL", PUT, 1, state_key("archive", CAMERA)),
        ("EVAL", PUT, 1, state_key("incidents", CAMERA)),
        ("HGET", state_key("ingest", CAMERA), "snapshot"),
        ("HSET", rules_key(CAMERA), "current", "forged"),
    ],
    "incidents": [
        ("HSET", rules_key(CAMERA), "current", "forged"),
        ("XADD", VERDICTS, "*", "m", "forged"),
        ("XTRIM", VERDICTS, "MAXLEN", "0"),
        ("XRANGE", TRACKS, "-", "+"),
        ("XRANGE", INCIDENTS, "-", "+"),
        ("XREADGROUP", "GROUP", "archive", "w", "STREAMS", TRACKS, ">"),
        ("EVAL", WRITE, 1, VERDICTS),
        ("EVAL", PUT, 1, state_key("classify", CAMERA)),
        ("EVAL", PUT, 1, state_key("archive", CAMERA)),
    ],
    "archive": [
        *(("XADD", key, "*", "m", "forged") for key in (FRAMES, TRACKS, VERDICTS, INCIDENTS)),
        *(("XTRIM", key, "MAXLEN", "0") for key in (FRAMES, TRACKS, VERDICTS, dead_key(CAMERA))),
        *(
            ("HSET", state_key(stage, CAMERA), "cursor", "9-0")
            for stage in STAGES
            if USER_OF[stage] != "archive"
        ),
        *(("SET", lease_key(stage, CAMERA), "thief") for stage in STAGES if USER_OF[stage] != "archive"),
        *(("EVAL", WRITE, 0, key) for key in (FRAMES, TRACKS, VERDICTS)),
        ("EVAL", WRITE, 1, VERDICTS),
        # Looked up only as it is, not in a script or as a group.
        ("EVAL", READ, 1, TRACKS),
        ("XREADGROUP", "GROUP", "evidence", "w", "STREAMS", TRACKS, ">"),
        ("EVAL", PUT, 1, state_key("classify", CAMERA)),
        ("SET", "foreign", "mine"),
    ],
    "alert": [
        *(("XADD", key, "*", "m", "forged") for key in (FRAMES, TRACKS, VERDICTS, INCIDENTS)),
        *(("XRANGE", key, "-", "+") for key in (FRAMES, TRACKS, VERDICTS, dead_key(CAMERA))),
        ("XTRIM", INCIDENTS, "MAXLEN", "0"),
        ("EVAL", READ, 1, VERDICTS),
        ("EVAL", WRITE, 1, INCIDENTS),
        ("EVAL", PUT, 1, state_key("incidents", CAMERA)),
        ("HSET", state_key("history", CAMERA), "cursor", "9-0"),
        ("SET", lease_key("evidence", CAMERA), "thief"),
        ("HGET", rules_key(CAMERA), "current"),
    ],
    "serve": [
        *(
            ("XADD", key, "*", "m", "forged")
            for key in (FRAMES, TRACKS, VERDICTS, INCIDENTS, dead_key(CAMERA))
        ),
        *(("XTRIM", key, "MAXLEN", "0") for key in (FRAMES, TRACKS, VERDICTS, INCIDENTS)),
        *(("XGROUP", "CREATE", key, "serve", "0") for key in (FRAMES, TRACKS)),
        *(("HGETALL", state_key(stage, CAMERA)) for stage in STAGES),
        *(("HSET", state_key(stage, CAMERA), "cursor", "9-0") for stage in STAGES),
        *(("SET", lease_key(stage, CAMERA), "thief") for stage in STAGES),
        ("ZADD", members_key("pose"), "1", "somebody"),
        ("XRANGE", dead_key(CAMERA), "-", "+"),
        ("GET", "foreign"),
        ("EVAL", READ, 1, TRACKS),
        ("EVAL", READ, 0, TRACKS),
        ("EVAL", PUT, 1, state_key("pose", CAMERA)),
        ("DEL", rules_key(CAMERA)),
    ],
    "operator": [
        ("GET", "foreign"),
        ("SET", "foreign", "mine"),
        ("DEL", "foreign"),
        ("EVAL", TAKE, 1, "foreign"),
        ("EVAL", TAKE, 0, "foreign"),
    ],
}
EVERYBODY: list[tuple[Any, ...]] = [
    *(("FLUSHALL",), ("FLUSHDB",), ("SWAPDB", "0", "1"), ("SHUTDOWN", "NOSAVE"), ("SAVE",), ("DBSIZE",)),
    *(("CONFIG", "GET", "*"), ("CONFIG", "SET", "maxmemory", "1"), ("DEBUG", "SLEEP", "0"), ("MONITOR",)),
    *(("KEYS", "*"), ("SCAN", "0"), ("RANDOMKEY",), ("HSCAN", state_key("pose", CAMERA), "0")),
    *(("ACL", "LIST"), ("ACL", "SETUSER", "x"), ("ACL", "GETUSER", "pose"), ("ACL", "WHOAMI")),
    *(("SCRIPT", "KILL"), ("SCRIPT", "FLUSH"), ("FUNCTION", "FLUSH"), ("FCALL", "f", "0")),
    *(("CLIENT", "LIST"), ("CLIENT", "KILL", "ID", "1"), ("CLIENT", "PAUSE", "1"), ("CLIENT", "UNPAUSE")),
    *(("CLIENT", "TRACKING", "ON", "BCAST"), ("REPLICAOF", "NO", "ONE"), ("SLOWLOG", "GET")),
    *(("PUBLISH", "x", "x"), ("SUBSCRIBE", "x"), ("MULTI",), ("DUMP", FRAMES), ("MIGRATE", "h", 1, "", 0, 1)),
    *(("EVAL", f"return redis.call('{word}')", 0) for word in ("FLUSHALL", "DBSIZE", "RANDOMKEY")),
    ("EVAL", "return redis.call('CONFIG', 'GET', '*')", 0),
    ("EVAL", "return redis.call('KEYS', '*')", 0),
    ("EVAL", "return redis.call('SCAN', '0')", 0),
]


@pytest.mark.parametrize("user", USERS)
def test_what_is_not_a_roles_work_is_refused_and_changes_nothing(
    user: str, server: Server, administrator: redis.Redis
) -> None:
    fill(administrator)
    before = everything(administrator)
    allowed = []
    with server.client(user) as client:
        for command in (*FORBIDDEN[user], *EVERYBODY):
            try:
                allowed.append((command, client.execute_command(*command)))
            except redis.exceptions.NoPermissionError:
                pass
            except redis.ResponseError as error:
                if command[0] != "EVAL" or not IN_SCRIPT.search(str(error)):
                    allowed.append((command, error))
    assert allowed == []
    assert everything(administrator) == before


# Every command that could say or change something of a key, as it is written for that key.
COMMANDS: dict[str, Callable[[str], tuple[Any, ...]]] = {
    **{name: lambda key, name=name: (*name.split("|"), key) for name in ("get", "del", "xlen", "hkeys")},
    **{name: lambda key, name=name: (name, key) for name in ("hgetall", "zcard", "exists", "type", "dump")},
    **{name: lambda key, name=name: (name, key) for name in ("unlink", "persist", "getdel", "hvals", "ttl")},
    "set": lambda key: ("set", key, "v", "NX", "PX", "1"),
    "pexpire": lambda key: ("pexpire", key, "1"),
    "hget": lambda key: ("hget", key, "f"),
    "hmget": lambda key: ("hmget", key, "f"),
    "hset": lambda key: ("hset", key, "f", "v"),
    "hdel": lambda key: ("hdel", key, "f"),
    "hincrby": lambda key: ("hincrby", key, "f", "1"),
    "xadd": lambda key: ("xadd", key, "*", "m", "v"),
    "xtrim": lambda key: ("xtrim", key, "MAXLEN", "1"),
    "xdel": lambda key: ("xdel", key, "1-0"),
    "xrange": lambda key: ("xrange", key, "-", "+"),
    "xrevrange": lambda key: ("xrevrange", key, "+", "-"),
    "xread": lambda key: ("xread", "STREAMS", key, "0"),
    "xreadgroup": lambda key: ("xreadgroup", "GROUP", "g", "c", "STREAMS", key, ">"),
    "xack": lambda key: ("xack", key, "g", "1-0"),
    "xpending": lambda key: ("xpending", key, "g"),
    "xclaim": lambda key: ("xclaim", key, "g", "c", "0", "1-0"),
    "xautoclaim": lambda key: ("xautoclaim", key, "g", "c", "0", "0"),
    "xsetid": lambda key: ("xsetid", key, "1-0"),
    "xinfo|groups": lambda key: ("xinfo", "groups", key),
    "xinfo|stream": lambda key: ("xinfo", "stream", key),
    "xgroup|create": lambda key: ("xgroup", "create", key, "g", "0"),
    "xgroup|destroy": lambda key: ("xgroup", "destroy", key, "g"),
    "xgroup|setid": lambda key: ("xgroup", "setid", key, "g", "0"),
    "zadd": lambda key: ("zadd", key, "1", "m"),
    "zrem": lambda key: ("zrem", key, "m"),
    "zremrangebyscore": lambda key: ("zremrangebyscore", key, "0", "1"),
    "zrange": lambda key: ("zrange", key, "0", "-1"),
    "eval": lambda key: ("eval", "return 1", "1", key),
    "evalsha": lambda key: ("evalsha", "0" * 40, "1", key),
}


def may(stage: str) -> dict[str, set[str]]:
    """What a stage's user may do, key -> commands, from who reads and writes which stream."""
    reads, writes = READS[stage], WRITES.get(stage, "")
    readers = {r for live in (True, False) for r in bound(writes, live).readers} if writes else set()
    look = {"hget", "hmget", "hkeys", "hgetall"}
    allowed = {
        members_key(stage): {"zadd", "zcard", "zrem", "zremrangebyscore"},
        lease_key(stage, CAMERA): {"set", "get", "pexpire", "del"},
        state_key(stage, CAMERA): look | {"hset", "hdel", "hincrby"},
        dead_key(CAMERA): {"xadd", "xlen"},
    }
    for other in (readers | {WRITERS[reads]}) if reads else readers:
        allowed[state_key(other, CAMERA)] = look
    if reads:
        group = {"xreadgroup", "xack", "xpending", "xgroup|create", "xgroup|destroy"}
        allowed[stream_key(reads, CAMERA)] = group | {"xlen", "xrange"}
    if writes:
        allowed[stream_key(writes, CAMERA)] = {"xadd", "xtrim", "xlen"}
    if stage == "ingest":
        allowed[FRAMES] |= {"xdel", "xinfo|groups", "xrange"}
    allowed = {key: commands | {"eval", "evalsha"} for key, commands in allowed.items()}
    if stage in LOOKS_UP:
        allowed[stream_key(LOOKS_UP[stage], CAMERA)] = {"xrange", "xrevrange"}
    return allowed


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_to_each_key_exactly_what_its_streams_ask_for(
    role: str, administrator: redis.Redis
) -> None:
    keys = [*(stream_key(stream, CAMERA) for stream in WRITERS), dead_key(CAMERA), "foreign", "frames:x"]
    keys += [key for s in STAGES for key in (state_key(s, CAMERA), lease_key(s, CAMERA), members_key(s))]
    cases = list(itertools.product(keys, COMMANDS))
    pipeline = administrator.pipeline(transaction=False)
    for key, name in cases:
        pipeline.execute_command("ACL", "DRYRUN", role, *COMMANDS[name](key))
    found: dict[str, set[str]] = {}
    for (key, name), reply in zip(cases, pipeline.execute(raise_on_error=False), strict=True):
        # A refusal is a plain string here; an error would mean that the command is written wrongly.
        assert not isinstance(reply, Exception), (name, reply)
        if reply in (b"OK", "OK"):
            found.setdefault(key, set()).add(name)
    expected: dict[str, set[str]] = {}
    for stage in () if role == "serve" else stages_of(role):
        for key, commands in may(stage).items():
            expected.setdefault(key, set()).update(commands)
    assert found == (may_only_look() if role == "serve" else expected)


def may_only_look() -> dict[str, set[str]]:
    """What the page's user may do, key -> commands."""
    look = {stream_key(stream, CAMERA): {"xread", "xrevrange"} for stream in WRITERS}
    for stage in STAGES:
        look[state_key(stage, CAMERA)] = {"hmget"}
        look[lease_key(stage, CAMERA)] = {"get"}
        look[members_key(stage)] = {"zrange"}
    return look


@pytest.mark.usefixtures("unlogged")
def test_the_page_sees_the_whole_fleet(server: Server, administrator: redis.Redis) -> None:
    fill(administrator)
    with closing(server.bus("serve")) as bus:
        seen = survey(bus, [CAMERA])
        assert seen.cameras[0].owners["pose"] == "somebody"
        assert bus.memory()[0] > 0
        cursors = {stream_key(stream, CAMERA): "0-0" for stream in WRITERS}
        assert bus.follow(cursors, 10, 0).keys() == cursors.keys()


# --- who comes without a name or with a wrong password ------------------------------------------------------


@pytest.mark.parametrize("credentials", ["", "default:@", "default:x@", ":x@"])
def test_nobody_comes_in_without_a_name(credentials: str, server: Server) -> None:
    url = f"redis://{credentials}127.0.0.1:{server.port}/0"
    with closing(Bus(url)) as bus, pytest.raises(BusRefusedError):
        bus.ping()
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as plain:
        for command in ("PING", f"XRANGE {FRAMES} - +", "EVAL 'return 1' 0", "INFO", "CONFIG GET *"):
            plain.sendall(f"{command}\r\n".encode())
            assert plain.recv(1000).startswith(b"-NOAUTH ")


def test_a_wrong_password_is_refused_and_not_repeated(server: Server) -> None:
    bus = Bus(f"redis://pose:{server.passwords['ingest']}@127.0.0.1:{server.port}/0")
    with closing(bus), pytest.raises(BusRefusedError, match=r"check user, password and rights") as caught:
        bus.ping()
    assert not any(password in repr(caught.value) for password in server.passwords.values())


def test_a_refused_command_is_said_as_such(server: Server) -> None:
    with closing(server.bus("ingest")) as bus, pytest.raises(BusRefusedError, match="rights"):
        bus.history("tracks", CAMERA, "-", "+")


def test_a_refusal_inside_a_script_is_no_outage(server: Server, administrator: redis.Redis) -> None:
    administrator.execute_command("ACL", "SETUSER", "lame", "on", ">lame", "~*", "+eval", "+evalsha")
    try:
        bus = Bus(f"redis://lame:lame@127.0.0.1:{server.port}/0")
        with closing(bus), pytest.raises(BusRefusedError, match="check the user's rights"):
            bus.beat("pose", "w", 1.0)
    finally:
        administrator.execute_command("ACL", "DELUSER", "lame")
