"""The serve worker: a web server, and a thread that looks after what it needs."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn

from shared.bus import Bus
from shared.config import ConfigError
from shared.health import Pulse
from shared.store.database import Database
from workers.serve.app import build_app
from workers.serve.care import Care
from workers.serve.config import ServeConfig
from workers.serve.limits import LoginLimit
from workers.serve.live.hub import Hub
from workers.serve.observer import Observer
from workers.serve.passwords import Passwords
from workers.serve.services import Place, Services

log = logging.getLogger(__name__)


_TURN_S = 1.0
_CLOSE_S = 1
_SPARE_CONNECTIONS = 200
_LONGEST_LIVE_MESSAGE = 4096


def run(
    config: ServeConfig,
    place: Place,
    bus: Bus,
    database_url: str,
    folder: Path,
    stop: threading.Event,
    pulse: Pulse | None = None,
    again: bool = True,
) -> None:
    """Serves the page until `stop` is set.

    Args:
        config: where and to whom.
        place: what there is to show.
        bus: the server; only read.
        database_url: where the archive keeps incidents, and we keep people.
        folder: of our own: the first password, the page's address.
        stop: ends the worker.
        pulse: this role's signs of life.
        again: somebody starts the site: a port in use is told at once. False: a restart, which waits for it.

    Raises:
        ConfigError: port, certificate, database or folder cannot be used.
    """
    pulse = pulse or Pulse("serve")
    with contextlib.ExitStack() as stack:
        _check_certificate(config)
        database = stack.enter_context(contextlib.closing(Database(database_url)))
        services = Services(
            place=place,
            config=config,
            bus=bus,
            database=database,
            passwords=Passwords(),
            limit=LoginLimit(config.login_tries, config.login_wait_s),
            observer=Observer(bus, place.cameras),
            hub=Hub(config.max_viewers),
        )
        listener = _listen(config, stop, again)
        if listener is None:
            return
        stack.enter_context(listener)
        care = Care(services, folder, _address(config, listener))
        stack.enter_context(care.running(stop))
        server = Server(uvicorn_config(config, services))
        asyncio.run(_serve(server, listener, care, stop, pulse))
    if care.broken is not None:
        raise care.broken


class Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Does not."""
        yield


def uvicorn_config(config: ServeConfig, services: Services) -> uvicorn.Config:
    """The web server's settings: bounds, who is believed, and nothing said that nobody asked for."""
    return uvicorn.Config(
        build_app(services),
        loop="asyncio",
        http="h11",
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(config.proxies),
        forwarded_allow_ips=config.proxies,
        limit_concurrency=config.max_viewers + _SPARE_CONNECTIONS,
        ws_max_size=_LONGEST_LIVE_MESSAGE,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_CLOSE_S,
        ssl_certfile=config.certificate,
        ssl_keyfile=config.certificate_key,
    )


async def _serve(
    server: Server, listener: socket.socket, care: Care, stop: threading.Event, pulse: Pulse
) -> None:
    async with _beside(_watch(server, care, stop, pulse)):
        await server.serve(sockets=[listener])


async def _watch(server: Server, care: Care, stop: threading.Event, pulse: Pulse) -> None:
    """Shows that the event loop goes round, and ends the server when it is time."""
    turn_at = 0.0
    while not stop.is_set():
        if time.monotonic() >= turn_at:
            turn_at = time.monotonic() + _TURN_S
            pulse.turn(care.problem)
        await asyncio.sleep(0.05)
    server.should_exit = True


@contextlib.asynccontextmanager
async def _beside(coroutine: object) -> AsyncIterator[None]:
    task = asyncio.ensure_future(coroutine)  # type: ignore[call-overload]
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _listen(config: ServeConfig, stop: threading.Event, again: bool) -> socket.socket | None:
    """A socket that listens; None if `stop` was set while it waited for the port.

    Raises:
        ConfigError: the port is in use (only with `again`) or not ours to take.
    """
    told = False
    while True:
        try:
            listener = socket.create_server(
                (config.host, config.port), family=_family(config.host), backlog=128
            )
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            why = "is in use" if in_use else f"cannot be used ({error.strerror or error})"
            what = f"serve.port: {config.host}:{config.port} {why}"
            if again or not in_use:
                raise ConfigError(
                    f"{what}: choose another with serve.port, or have no page: processes.serve: 0"
                ) from error
            if not told:
                log.warning("%s: waiting for it", what)
            told = True
            if stop.wait(_TURN_S):
                return None
            continue
        # A viewer that takes nothing must not hold its connection for ever, though its machine answers.
        milliseconds = int(1000 * config.viewer_timeout_s)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        return listener


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _address(config: ServeConfig, listener: socket.socket) -> str:
    host = socket.gethostname() if config.host in ("0.0.0.0", "::") else config.host
    scheme = "https" if config.certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/"


def _check_certificate(config: ServeConfig) -> None:
    if config.certificate is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.certificate, config.certificate_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"serve.certificate: {config.certificate}: cannot be used with its key: {error.strerror or error}"
        ) from error
