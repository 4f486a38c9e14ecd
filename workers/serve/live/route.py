"""/api/v1/live: a WebSocket that tells, and does not listen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
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
from workers.serve.live.waker import Waker
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
    woken, waker = asyncio.Event(), _waker(socket)
    viewer = Viewer(caller.name, cameras, Mailbox(lambda: waker.wake(woken)))
    shown = [name for name in here.place.cameras if name in cameras]
    viewer.mailbox.put_event([wire.hello(here.place.name, shown, here.config.picture == "picture")])
    try:
        here.hub.join(viewer)
    except FullError:
        raise HTTPException(503, "too many live views: close one, or raise serve.max_viewers") from None
    try:
        await socket.accept()
        sending = _Sending()
        why = await _first_of(
            _send(socket, viewer.mailbox, woken, sending),
            _watch_pace(sending, here.config.viewer_timeout_s),
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


def _waker(socket: WebSocket) -> Waker:
    """That of the event loop, which all views share."""
    state = socket.app.state
    if not hasattr(state, "waker"):
        state.waker = Waker(asyncio.get_running_loop())
    waker: Waker = state.waker
    return waker


@dataclass
class _Sending:
    """Since when a message waits for its viewer to take it; None: none does."""

    since: float | None = None


async def _watch_pace(sending: _Sending, timeout_s: float) -> str:
    """Notices that the viewer has taken nothing for so long."""
    # One look now and then costs less than a time-out for each message.
    while sending.since is None or time.monotonic() - sending.since < timeout_s:
        await asyncio.sleep(min(1.0, timeout_s / 4))
    return "slow"


async def _send(socket: WebSocket, mailbox: Mailbox, woken: asyncio.Event, sending: _Sending) -> str:
    """Sends what comes."""
    text, picture = (metrics.MESSAGES_SENT.labels(kind) for kind in ("text", "picture"))
    while True:
        woken.clear()
        parcel = mailbox.take()
        if parcel is None:
            await woken.wait()
            continue
        for message in parcel:
            sending.since = time.monotonic()
            try:
                if isinstance(message, bytes):
                    await socket.send_bytes(message)
                else:
                    await socket.send_text(message)
            except (WebSocketDisconnect, RuntimeError):
                return "left"
            (picture if isinstance(message, bytes) else text).inc()
        sending.since = None


async def _listen(socket: WebSocket) -> str:
    """Notices that the viewer leaves. Whoever has something to say uses the API."""
    message = await socket.receive()
    return "left" if message["type"] == "websocket.disconnect" else "spoke"


async def _watch_session(socket: WebSocket, here: Services) -> str:
    """Notices that the session or token has ended, or its owner was shut out."""
    while True:
        await asyncio.sleep(_CHECK_SESSION_S)
        with contextlib.suppress(DatabaseAwayError):
            if await run_in_threadpool(access.identify, socket, here, True) is None:
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
