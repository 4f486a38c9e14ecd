"""Gets public pose weights over HTTPS, checks their hash, imports them."""

from __future__ import annotations

import hashlib
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from shared.config import ConfigError
from workers.pose.weights import Weights, models_folder

MAX_BYTES = 600 * 2**20
CHUNK_BYTES = 2**18
TIMEOUT_S = 30.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Public:
    """A release: where it lies and, where its publisher states it, its SHA-256."""

    url: str
    sha256: str | None = None


def _yolo11(size: str, commit: str, sha256: str) -> Public:
    return Public(f"https://huggingface.co/Ultralytics/YOLO11/resolve/{commit}/yolo11{size}-pose.pt", sha256)


# YOLO11: the hashes that the publisher's own repository records at these commits. The YOLO26 release states
# none, so nothing is pinned: give --sha256, or compare the hash that `fetch` prints.
PUBLIC: dict[str, Public] = {
    **{
        f"yolo26{size}-pose": Public(
            f"https://github.com/ultralytics/assets/releases/download/v8.4.0/yolo26{size}-pose.pt"
        )
        for size in "nsmlx"
    },
    "yolo11n-pose": _yolo11(
        "n",
        "ef787449d1fe015a77a27ca4d375ed0fde69495c",
        "869e83fcdffdc7371fa4e34cd8e51c838cc729571d1635e5141e3075e9319dc0",
    ),
    "yolo11s-pose": _yolo11(
        "s",
        "b226622912a4d595fae3705878484a6734079759",
        "1060bda4a27012060eca246f9b2adeea22eabb045a1e58f8d229be29b7ebc2ba",
    ),
    "yolo11m-pose": _yolo11(
        "m",
        "510ba08be5b1246db6d8e8bbcb07efb69ca86cc3",
        "29b17eaf3a3117cbea906090dbedf9159f7c6a49db58ec8b99ed2dfde1cf6eb2",
    ),
    "yolo11l-pose": _yolo11(
        "l",
        "daa93d8d54f3f3463965b19c41e62e94a3f377d1",
        "61921abe1f2ed930bf28328a16b3162278cdb239a1e8280b6ac827119f13cee0",
    ),
    "yolo11x-pose": _yolo11(
        "x",
        "1d41cfddc10550b04b71ce479a791cc3e772a15d",
        "013c43543b0751b8918486ba96e01ee44a59040683a07f96cc22bcc2cb7785f8",
    ),
}


@dataclass(frozen=True)
class Fetched:
    """What came, and whether its hash was one that we or the user knew beforehand."""

    weights: Weights
    sha256: str
    verified: bool


def fetch(name: str, sha256: str | None = None, url: str | None = None) -> Fetched:
    """Download a release and import it under its name.

    Args:
        name: one of `PUBLIC`, or any name together with `url`.
        sha256: the hash it must have; default the pinned one, where there is one.
        url: another address.

    Raises:
        ConfigError: unknown name, no connection, another hash, or no pose checkpoint.
    """
    from workers.pose.checkpoint import convert

    if url is None and name not in PUBLIC:
        raise ConfigError(f"{name}: not a known release: choose one of {', '.join(PUBLIC)}, or give --url")
    address = url or PUBLIC[name].url
    expected = (sha256 or (PUBLIC[name].sha256 if url is None else None) or "").lower()
    with tempfile.TemporaryDirectory(prefix="nexara-") as folder:
        file = Path(folder) / (Path(urlsplit(address).path).name or f"{name}.pt")
        found = download(address, file)
        if expected and found != expected:
            raise ConfigError(f"{address}: its SHA-256 is {found}, expected {expected}: nothing was imported")
        return Fetched(convert(file, models_folder() / name, name), found, verified=bool(expected))


def download(url: str, target: Path) -> str:
    """Write a URL's content to a file; HTTPS only (and plain HTTP on this machine).

    Returns:
        The SHA-256 of what came.

    Raises:
        ConfigError: not HTTPS, no answer, too large or cut short.
    """
    _refuse_plain(url)
    digest, size = hashlib.sha256(), 0
    try:
        with _opener().open(url, timeout=TIMEOUT_S) as answer, target.open("wb") as file:
            while chunk := answer.read(CHUNK_BYTES):
                size += len(chunk)
                if size > MAX_BYTES:
                    raise ConfigError(f"{url}: is larger than {MAX_BYTES} bytes")
                digest.update(chunk)
                file.write(chunk)
            announced = answer.headers.get("Content-Length")
    except urllib.error.HTTPError as error:
        raise ConfigError(f"{url}: the server answered {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise ConfigError(
            f"{url}: {getattr(error, 'reason', None) or error}: is there a connection? A file will do, too: "
            "nexara models import FILE"
        ) from error
    if announced is not None and int(announced) != size:
        raise ConfigError(f"{url}: ended after {size} of {announced} bytes: try again")
    return digest.hexdigest()


def _refuse_plain(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ConfigError(f"{url}: only https addresses are fetched")


class _HttpsRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect may not leave HTTPS either."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _refuse_plain(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_HttpsRedirects)
