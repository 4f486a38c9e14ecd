"""/api/v1/live: a WebSocket that tells, and does not listen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from shared.messages import CameraId
from shared.store.database import DatabaseAwayError
from workers.serve import access, metrics
from workers.serve.live import wire
from workers.serve.live.hub import FullError, Viewer, names
from workers.serve.live.mailbox import Mailbox
from workers.serve.services import Here, Services

log = logging.getLogger(__name__)

router = APIRouter()

_CHECK_SESSION_S = 10.0
_CLOSE_S = 1.0
# Why a view ends -> the close code, of those that are for us to define (4000 on) but for the first.
CODES = {"left": 1000, "spoke": 1008, "session": 4401, "slow": 4408}


@router.websocket("/api/v1/live")
async def live(
    socket: WebSocket,
    caller: access.Viewer,
    here: Here,
    camera: Annotated[list[CameraId] | None, Query(max_length=1000)] = None,
    frames: bool = True,
) -> None:
    """Frames of these cameras (absent: of all), how they fare, and every incident."""
    try:
        cameras = names(camera or (), here.place.cameras) if frames else frozenset()
    except KeyError:
        raise HTTPException(404, "the site has no such camera") from None
    woken = asyncio.Event()
    loop = asyncio.get_running_loop()
    viewer = Viewer(caller.name, cameras, Mailbox(lambda: _wake(loop, woken)))
    shown = [name for name in here.place.cameras if name in cameras]
    viewer.mailbox.put_event([wire.hello(here.place.name, shown, here.config.picture == "picture")])
    try:
        here.hub.join(viewer)
    except FullError:
        raise HTTPException(503, "too many live views: close one, or raise serve.max_viewers") from None
    try:
        await socket.accept()
        why = await _first_of(
            _send(socket, viewer.mailbox, woken, here.config.viewer_timeout_s),
            _listen(socket),
            _watch_session(socket, here),
        )
    finally:
        here.hub.leave(viewer)
    metrics.VIEWERS_GONE.labels(why).inc()
    if why != "left":
        log.info("live view of user=%s ended: %s", caller.name, why)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(socket.close(CODES[why], why), _CLOSE_S)


def _wake(loop: asyncio.AbstractEventLoop, woken: asyncio.Event) -> None:
    # The worker may be ending, and its loop with it.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(woken.set)


async def _send(socket: WebSocket, mailbox: Mailbox, woken: asyncio.Event, timeout_s: float) -> str:
    """Sends what comes, until the viewer takes nothing for so long."""
    while True:
        woken.clear()
        parcel = mailbox.take()
        if parcel is None:
            await woken.wait()
            continue
        for message in parcel:
            try:
                async with asyncio.timeout(timeout_s):
                    if isinstance(message, bytes):
                        await socket.send_bytes(message)
                    else:
                        await socket.send_text(message)
            except TimeoutError:
                return "slow"
            except (WebSocketDisconnect, RuntimeError):
                return "left"
            metrics.MESSAGES_SENT.labels("picture" if isinstance(message, bytes) else "text").inc()


async def _listen(socket: WebSocket) -> str:
    """Notices that the viewer leaves. Whoever has something to say uses the API."""
    message = await socket.receive()
    return "left" if message["type"] == "websocket.disconnect" else "spoke"


async def _watch_session(socket: WebSocket, here: Services) -> str:
    """Notices that the session or token has ended, or its owner was shut out."""
    while True:
        await asyncio.sleep(_CHECK_SESSION_S)
        with contextlib.suppress(DatabaseAwayError):
            if await run_in_threadpool(access.identify, socket, here) is None:
                return "session"


async def _first_of(*coroutines: object) -> str:
    """What the first of them says; the others are given up."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]  # type: ignore[call-overload]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return str(next(iter(done)).result())
