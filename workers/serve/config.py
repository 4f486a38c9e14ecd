"""What a site file may say about the serve worker."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shared.config import Section

# In the worker's own folder: where the page is (with port 0 nobody else knows), the first user's password.
ADDRESS_FILE = "address"
FIRST_PASSWORD_FILE = "first-password"
FIRST_USER = "admin"

_ORIGIN = re.compile(r"^https?://[A-Za-z0-9.\-\[\]:]+\Z")


def _an_origin(text: str) -> str:
    """Raises ValueError unless it is what a browser sends as Origin."""
    if not _ORIGIN.match(text):
        raise ValueError("an origin is http(s)://HOST or http(s)://HOST:PORT, without a path")
    return text.lower()


def _an_address(text: str) -> str:
    """Raises ValueError unless it is an address or a network."""
    ip_network(text, strict=False)
    return text


class ServeConfig(Section):
    """The serve worker: who may look at the site's page, and from where."""

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Where to serve the page; 0.0.0.0: to everybody who reaches this machine: use TLS then.",
    )
    port: int = Field(8080, ge=0, le=65535, description="The page's port; 0: any free one.")
    certificate: Path | None = Field(
        None, description="TLS certificate (PEM, with its chain); absent: plain HTTP, for this machine alone."
    )
    certificate_key: Path | None = Field(None, description="The certificate's private key (PEM).")
    proxies: list[Annotated[str, AfterValidator(_an_address)]] = Field(
        [],
        description="Reverse proxies (addresses, networks) whose X-Forwarded-For and -Proto are believed.",
    )
    origins: list[Annotated[str, AfterValidator(_an_origin)]] = Field(
        [],
        description="More origins from which the page may be used, as https://cameras.example: its own name "
        "behind a proxy that changes Host.",
    )
    session_hours: float = Field(
        12, ge=0.1, le=24 * 90, description="People have to log in again after so many hours."
    )
    login_tries: int = Field(
        5, ge=1, le=100, description="Wrong passwords in a row before an address, or a name, has to wait."
    )
    login_wait_s: float = Field(
        900,
        ge=1,
        le=86_400,
        description="Longest wait of an address after wrong passwords, in seconds: waits begin at one and "
        "double. Names wait a minute at most.",
    )
    max_viewers: int = Field(32, ge=1, le=1000, description="Most live views at once.")
    viewer_timeout_s: float = Field(
        10, ge=1, le=120, description="A live view that takes nothing for so long is disconnected."
    )
    picture: Literal["skeleton", "picture"] = Field(
        "skeleton",
        description="What live views show: skeletons on black, or over the camera's picture, by which people "
        "can be recognised.",
    )

    @model_validator(mode="after")
    def _a_certificate_has_a_key(self) -> Self:
        if (self.certificate is None) != (self.certificate_key is None):
            raise ValueError("certificate and certificate_key go together")
        return self
