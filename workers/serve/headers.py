"""What every answer tells browsers not to do."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Scripts, styles and pictures of our own alone: markup that somebody smuggles into a note has no effect.
_POLICY = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"),
        *("img-src 'self' blob:", "media-src 'self'", "form-action 'self'", "base-uri 'none'"),
        *("frame-ancestors 'none'", "require-trusted-types-for 'script'"),
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
_HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")


class SecurityHeaders:
    """Adds them to every answer of an application, refusals and failures included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                if scope["scheme"] in ("https", "wss"):
                    headers[_HTTPS_ONLY[0]] = _HTTPS_ONLY[1]
            await send(message)

        await self._app(scope, receive, send_with_headers)
