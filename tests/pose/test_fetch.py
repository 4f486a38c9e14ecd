import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from shared.config import ConfigError
from workers.cli.models import models
from workers.pose import fetch as fetching
from workers.pose.cache import file_hash
from workers.pose.fetch import PUBLIC, Public, download, fetch
from workers.pose.weights import resolve


@pytest.fixture
def server(checkpoint) -> Iterator[str]:
    content = checkpoint.read_bytes()

    class Release(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/elsewhere/yolo.pt":
                self.send_response(302)
                self.send_header("Location", "http://example.com/yolo.pt")
                self.end_headers()
            elif self.path == "/moved/yolo.pt":
                self.send_response(302)
                self.send_header("Location", "/yolo.pt")
                self.end_headers()
            elif self.path.endswith("yolo.pt"):
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # who has read enough hangs up
                    self.wfile.write(content[: len(content) // 2] if "short" in self.path else content)
            else:
                self.send_error(404)

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Release) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NEXARA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_pinned_release_is_fetched_verified_and_imported(server, checkpoint, monkeypatch):
    pinned = Public(f"{server}/moved/yolo.pt", file_hash(checkpoint))
    monkeypatch.setitem(PUBLIC, "yolo26n-pose", pinned)
    done = CliRunner().invoke(models, ["fetch", "yolo26n-pose"])
    assert done.exit_code == 0, done.output
    assert "as expected" in done.output
    assert resolve("yolo26n-pose").heads == ("one_to_many",)


def test_an_unpinned_release_says_so_and_shows_its_hash(server, checkpoint):
    done = CliRunner().invoke(models, ["fetch", "mine", "--url", f"{server}/yolo.pt"])
    assert done.exit_code == 0, done.output
    assert file_hash(checkpoint) in done.output
    assert "nobody pinned it" in done.output


def test_another_hash_imports_nothing(server, empty_cache, monkeypatch):
    monkeypatch.setitem(PUBLIC, "yolo26n-pose", Public(f"{server}/yolo.pt", "0" * 64))
    with pytest.raises(ConfigError, match=r"expected 0000.*nothing was imported"):
        fetch("yolo26n-pose")
    with pytest.raises(ConfigError, match="expected 1111"):
        fetch("yolo26n-pose", sha256="1" * 64)
    assert not (empty_cache / "models").exists()


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/short/yolo.pt", "ended after"), ("/none.pt", "404"), ("/elsewhere/yolo.pt", "only https")],
)
def test_a_bad_answer_is_one_line(server, path, reason, empty_cache):
    with pytest.raises(ConfigError, match=reason):
        fetch("mine", url=server + path)
    assert not (empty_cache / "models").exists()


def test_plain_http_and_other_schemes_are_refused(tmp_path):
    for url in ("http://example.com/yolo.pt", "file:///etc/passwd", "ftp://127.0.0.1/x"):
        with pytest.raises(ConfigError, match="only https"):
            download(url, tmp_path / "x")


def test_nobody_listening_and_too_much_are_errors(server, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="is there a connection"):
        download("http://127.0.0.1:9/yolo.pt", tmp_path / "x")
    monkeypatch.setattr(fetching, "MAX_BYTES", 1000)
    with pytest.raises(ConfigError, match="larger than 1000"):
        download(f"{server}/yolo.pt", tmp_path / "x")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigError, match="yolo26n-pose"):
        fetch("yolo99")


def test_every_release_is_https_and_every_pin_a_hash():
    for release in PUBLIC.values():
        assert release.url.startswith("https://")
        assert release.sha256 is None or len(bytes.fromhex(release.sha256)) == 32
