"""The bus's face: every call that touches the server stands here, with its time-outs and errors."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared.bus import streams
from shared.bus.commit import OPEN_SCRIPT, SOURCE_SCRIPT, STAGE_SCRIPT, Opened, Outcome, Run, arguments, keys
from shared.config import ConfigError

SOCKET_TIMEOUT_S = 2.0
CONNECT_TIMEOUT_S = 1.0

# At maxmemory, too: who cannot keep a camera cannot work its streams off.
_BEAT = """#!lua flags=allow-oom
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZADD', KEYS[1], ms, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms - ARGV[2])
return {redis.call('ZCARD', KEYS[1]), ms}
"""
_ACQUIRE = """#!lua flags=allow-oom
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
"""
_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
# A script that may not do what it does says so in words only: Redis in these, Valkey in those.
_REFUSED_IN_A_SCRIPT = ("The user executing the script can't", "ACL failure in script")
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class BusError(RuntimeError):
    """The server did not answer as expected; whether the call had its effect is unknown."""


class BusRefusedError(BusError):
    """The server will not have us: wrong password or missing rights. Trying again does not help."""


def shown(url: str) -> str:
    """A URL without its user and password, for logs and errors."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


@contextlib.contextmanager
def _errors(where: str) -> Iterator[None]:
    try:
        yield
    except (redis.AuthenticationError, redis.exceptions.NoPermissionError) as error:
        raise BusRefusedError(f"{where}: {error}: check user, password and rights in bus.url") from error
    except (redis.RedisError, OSError) as error:
        if any(text in str(error) for text in _REFUSED_IN_A_SCRIPT):
            raise BusRefusedError(f"{where}: {error}: check the user's rights") from error
        raise BusError(f"{where}: {type(error).__name__}: {error}") from error


def _client(url: str) -> redis.Redis:
    # A retried call could store an entry twice; explicit ids and the rewind make repeating our business.
    return redis.Redis.from_url(
        url,
        protocol=2,
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


class Bus:
    """One worker's way to the server. Safe to share between threads: each call takes a connection of a pool.

    Args:
        url: redis://, rediss:// or unix:// with user and password if any.
        live: cameras whose source cannot wait; the others are files.

    Raises:
        ConfigError: the URL is none.
    """

    def __init__(self, url: str, live: Collection[str] = (), client: redis.Redis | None = None) -> None:
        try:
            self._where = shown(url)
            self._redis: Any = client or _client(url)
        except ValueError:
            # Its text may hold a part of the password.
            raise ConfigError(
                "bus.url: no server's URL: write redis://[user:password@]host[:port] (rediss://, unix://), "
                "percent-encode signs in the password"
            ) from None
        self._live = frozenset(live)
        self._digests: dict[str, str] = {}

    def is_live(self, camera: str) -> bool:
        """Whether a camera's source cannot wait."""
        return camera in self._live

    def close(self) -> None:
        """Closes all connections."""
        self._redis.close()

    def ping(self) -> None:
        """Raises BusError unless the server answers."""
        with _errors(self._where):
            self._redis.ping()

    # --- leases -----------------------------------------------------------------------------------------

    def beat(self, stage: str, worker: str, silent_after_s: float) -> tuple[int, float]:
        """Counts this worker among the stage's members.

        Returns:
            How many there are, and the server's clock, seconds.
        """
        with _errors(self._where):
            members, now_ms = self._redis.eval(
                _BEAT, 1, streams.members_key(stage), worker, int(silent_after_s * 1000)
            )
        return int(members), int(now_ms) / 1000

    def leave(self, stage: str, worker: str) -> None:
        """Takes this worker off the stage's members."""
        with _errors(self._where):
            self._redis.zrem(streams.members_key(stage), worker)

    def acquire(self, key: str, token: str, lease_ms: int) -> bool:
        """Takes a lease if it is free."""
        with _errors(self._where):
            return bool(self._redis.eval(_ACQUIRE, 1, key, token, lease_ms))

    def renew(self, held: Mapping[str, str], lease_ms: int) -> set[str]:
        """Prolongs leases, key -> token; returns the keys that are still ours."""
        if not held:
            return set()
        with _errors(self._where):
            pipeline = self._redis.pipeline(transaction=False)
            for key, token in held.items():
                pipeline.eval(_RENEW, 1, key, token, lease_ms)
            return {key for key, kept in zip(held, pipeline.execute(), strict=True) if kept}

    def release(self, key: str, token: str) -> None:
        """Gives a lease back if it is still ours."""
        with _errors(self._where):
            self._redis.eval(_RELEASE, 1, key, token)

    def release_worker(self, stage: str, worker: str, cameras: Collection[str]) -> None:
        """Frees what a dead worker held, so that nobody waits for its leases to run out."""
        self.leave(stage, worker)
        with _errors(self._where):
            for camera in cameras:
                token = self._redis.get(streams.lease_key(stage, camera))
                if token and token.decode().startswith(f"{worker}:"):
                    self._redis.eval(_RELEASE, 1, streams.lease_key(stage, camera), token)

    # --- the protocol -----------------------------------------------------------------------------------

    def open(self, stage: str, camera: str, token: str, reads: str = "") -> Opened | None:
        """Rewinds a camera to what is stored: cursor, state, and the group at the cursor.

        Returns:
            What is stored, or None if the lease is not ours.
        """
        state = streams.state_key(stage, camera)
        input_keys = [state, state]
        if reads:
            input_keys = [
                streams.stream_key(reads, camera),
                streams.state_key(streams.WRITERS[reads], camera),
            ]
        with _errors(self._where):
            names = [streams.lease_key(stage, camera), state, *input_keys]
            reply = self._redis.eval(OPEN_SCRIPT, 4, *names, token, stage if reads else "")
        if reply is None:
            return None
        cursor, generation, settings, snapshot, floor = reply
        return Opened(
            cursor=cursor.decode(),
            generation=generation.decode(),
            settings=settings.decode(),
            snapshot=snapshot,
            floor=floor.decode(),
        )

    def read(
        self, stage: str, consumer: str, stream: str, cameras: Sequence[str], count: int, block_ms: int
    ) -> dict[str, list[tuple[str, bytes]]]:
        """New entries of the group, at most `count` a camera; waits up to `block_ms` for the first.

        Returns:
            camera -> (entry id, payload) in order. A payload is empty where the entry was trimmed meanwhile.
        """
        wanted = {streams.stream_key(stream, camera): ">" for camera in cameras}
        with _errors(self._where):
            # A block of 0 would wait for ever, none at all returns at once.
            reply = self._redis.xreadgroup(stage, consumer, wanted, count=count, block=block_ms or None)
        by_key = {key.decode(): entries for key, entries in reply or ()}
        found = {}
        for camera in cameras:
            entries = by_key.get(streams.stream_key(stream, camera))
            if entries:
                found[camera] = [
                    (entry_id.decode(), (fields or {}).get(b"m", b"")) for entry_id, fields in entries
                ]
        return found

    def commit(self, runs: Sequence[Run]) -> list[Outcome]:
        """Commits runs of different cameras in one round trip; each stands or falls alone.

        Raises:
            BusError: any of them may or may not have happened. The same run again gives DUPLICATE if it had.
        """
        with _errors(self._where):
            pipeline = self._redis.pipeline(transaction=False)
            scripts = [STAGE_SCRIPT if run.reads else SOURCE_SCRIPT for run in runs]
            for run, script in zip(runs, scripts, strict=True):
                pipeline.evalsha(self._digest(script), *self._call(run))
            replies = pipeline.execute(raise_on_error=False)
            for index, reply in enumerate(replies):
                if isinstance(reply, redis.exceptions.NoScriptError):
                    replies[index] = self._redis.eval(scripts[index], *self._call(runs[index]))
                elif isinstance(reply, Exception):
                    raise reply
        return [Outcome(cast(bytes, reply).decode()) for reply in replies]

    def _call(self, run: Run) -> list[Any]:
        bound = streams.bound(run.writes, run.camera in self._live) if run.writes else streams.Bound((), 0, 0)
        names = keys(run, bound)
        return [len(names), *names, *arguments(run, bound)]

    def _digest(self, script: str) -> str:
        if script not in self._digests:
            self._digests[script] = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        return self._digests[script]

    # --- looking on ---------------------------------------------------------------------------------------

    def history(self, stream: str, camera: str, first: str, last: str) -> list[tuple[str, bytes]]:
        """Entries from `first` to `last`, both included."""
        with _errors(self._where):
            entries = self._redis.xrange(streams.stream_key(stream, camera), first, last)
        return [(entry_id.decode(), fields.get(b"m", b"")) for entry_id, fields in entries]

    def page(
        self, stream: str, camera: str, start: str, count: int, *, backwards: bool = False
    ) -> list[tuple[str, bytes]]:
        """Up to `count` entries from `start` on; `backwards` those before it, the newest first.

        `start` is an entry's id. That entry belongs to the page, unless a "(" stands before the id.
        """
        key = streams.stream_key(stream, camera)
        with _errors(self._where):
            if backwards:
                entries = self._redis.xrevrange(key, start, "-", count=count)
            else:
                entries = self._redis.xrange(key, start, "+", count=count)
        return [(entry_id.decode(), fields.get(b"m", b"")) for entry_id, fields in entries]

    def follow(
        self, cursors: Mapping[str, str], count: int, block_ms: int
    ) -> dict[str, list[tuple[str, dict[str, bytes]]]]:
        """Entries after each key's cursor, without a group: for people who watch. Holds nothing back."""
        with _errors(self._where):
            reply = self._redis.xread(dict(cursors), count=count, block=block_ms or None)
        return {
            key.decode(): [
                (i.decode(), {name.decode(): value for name, value in f.items()}) for i, f in entries
            ]
            for key, entries in reply or ()
        }

    def counters(self, stage: str, camera: str) -> dict[str, str]:
        """What a stage has stored for a camera but the snapshot: cursor, read, added, dead, dropped:*."""
        key = streams.state_key(stage, camera)
        with _errors(self._where):
            # Not HGETALL: a snapshot is a thousand times larger than all the rest, and nobody here reads it.
            names = [name for name in self._redis.hkeys(key) if name != b"snapshot"]
            values = self._redis.hmget(key, names) if names else []
        return {
            name.decode(): value.decode()
            for name, value in zip(names, values, strict=True)
            if value is not None
        }

    def cursors(self, stage: str, cameras: Sequence[str]) -> dict[str, str]:
        """The stored cursor of each camera, START where nothing is stored."""
        if not cameras:
            return {}
        with _errors(self._where):
            pipeline = self._redis.pipeline(transaction=False)
            for camera in cameras:
                pipeline.hget(streams.state_key(stage, camera), "cursor")
            stored = pipeline.execute()
        return {
            camera: cursor.decode() if cursor else streams.START
            for camera, cursor in zip(cameras, stored, strict=True)
        }

    def lags(self, stage: str, stream: str, cameras: Sequence[str]) -> dict[str, int]:
        """Of each camera, how many entries of the stream the stage has not committed yet."""
        if not cameras:
            return {}
        with _errors(self._where):
            pipeline = self._redis.pipeline(transaction=False)
            gone = [f"dropped:{reason}" for reason in (*streams.REMOVED, streams.STALE_MARK)]
            for camera in cameras:
                pipeline.hmget(streams.state_key(streams.WRITERS[stream], camera), "added", *gone)
                pipeline.hget(streams.state_key(stage, camera), "read")
            replies = pipeline.execute()
        lags = {}
        for camera, written, read in zip(cameras, replies[::2], replies[1::2], strict=True):
            added, *removed = (int(number or 0) for number in written)
            lags[camera] = max(0, added - sum(removed) - int(read or 0))
        return lags

    def drops(self, cameras: Sequence[str]) -> dict[str, dict[str, int]]:
        """Of each camera, the frames that ingest has dropped, by reason, since its state was created."""
        if not cameras:
            return {}
        reasons = (*streams.NEVER_ADDED, *streams.REMOVED)
        with _errors(self._where):
            pipeline = self._redis.pipeline(transaction=False)
            for camera in cameras:
                pipeline.hmget(
                    streams.state_key("ingest", camera), [f"dropped:{reason}" for reason in reasons]
                )
            replies = pipeline.execute()
        return {
            camera: {reason: int(number or 0) for reason, number in zip(reasons, numbers, strict=True)}
            for camera, numbers in zip(cameras, replies, strict=True)
        }

    def ask(self, questions: Sequence[Sequence[str | int]]) -> list[Any]:
        """The answers to commands that change nothing, all in one round trip."""
        with _errors(self._where):
            pipeline = self._redis.pipeline(transaction=False)
            for question in questions:
                pipeline.execute_command(*question)
            return list(pipeline.execute())

    def evaluate(self, script: str, key: str, *arguments: str | int) -> Any:
        """The answer of a script that touches one key."""
        with _errors(self._where):
            return self._redis.eval(script, 1, key, *arguments)

    def memory(self) -> tuple[int, int]:
        """Bytes that the server uses, and its bound (0: none)."""
        with _errors(self._where):
            facts = self._redis.info("memory")
        return int(facts["used_memory"]), int(facts["maxmemory"])

    def owner(self, stage: str, camera: str) -> str:
        """The worker that owns a camera in a stage, "" if nobody does."""
        with _errors(self._where):
            token = self._redis.get(streams.lease_key(stage, camera))
        return token.decode().partition(":")[0] if token else ""

    def forget(self, camera: str) -> None:
        """Removes everything that is stored for a camera."""
        with _errors(self._where):
            names = [streams.stream_key(stream, camera) for stream in streams.WRITERS]
            names += [streams.state_key(stage, camera) for stage in streams.STAGES]
            names += [streams.lease_key(stage, camera) for stage in streams.STAGES]
            self._redis.delete(*names, streams.dead_key(camera), streams.rules_key(camera))
