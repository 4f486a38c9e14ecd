"""Files played as HTTP cameras, seen as a viewer sees them."""

from __future__ import annotations

import contextlib
import itertools
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg
import yaml
from click.testing import CliRunner

from shared.config import ConfigError
from tests.ingest.conftest import QUICK, options, wait_for
from tests.ingest.videos import write
from tests.pose.footage import frame_with
from workers.cli.main import nexara
from workers.ingest import play
from workers.ingest.config import IngestConfig
from workers.ingest.films import STILL_SIZE, Film, built_in_films, camera_name, open_films
from workers.ingest.play import MAX_VIEWERS, Player, serving
from workers.ingest.sources import SourceError, VideoSource
from workers.pose.config import CameraOptions, PoseConfig
from workers.pose.stage import build_stage

ROOT = Path(__file__).resolve().parents[2]


def served(*films: Film) -> contextlib.AbstractContextManager[int]:
    return serving(films, "127.0.0.1", 0)


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@contextlib.contextmanager
def viewing(port: int, name: str) -> Iterator[Iterator[bytes]]:
    """The JPEGs that a viewer of a camera gets."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}.mjpeg", timeout=10) as answer:

        def jpegs() -> Iterator[bytes]:
            while line := answer.readline():
                if line.lower().startswith(b"content-length:"):
                    size = int(line.partition(b":")[2])
                    answer.readline()
                    yield answer.read(size)

        yield jpegs()


def taken(port: int, name: str, count: int) -> list[bytes]:
    with viewing(port, name) as jpegs:
        return list(itertools.islice(jpegs, count))


def decoded(jpeg: bytes) -> np.ndarray:
    return simplejpeg.decode_jpeg(jpeg, "BGR")


def endless(jpeg: bytes = b"jpeg", gap_s: float = 0.01) -> Film:
    return Film("cam", "cam", lambda: itertools.repeat((gap_s, jpeg)))


def still(path: Path, width: int = 900, height: int = 700) -> Path:
    """A picture of soft clouds: the slightest move changes it everywhere, and only slightly."""
    clouds = np.random.default_rng(0).integers(0, 255, (9, 12, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(clouds, (width, height), interpolation=cv2.INTER_CUBIC))
    return path


# --- as a camera --------------------------------------------------------------------------------------------


def test_a_video_is_played_over_and_over(tmp_path):
    films = open_films([write(tmp_path / "yard.mp4", frames=5, fps=25)], None, None)
    with served(*films) as port:
        pictures = taken(port, "yard", 25)
    assert 2 <= len(set(pictures)) <= 5
    assert {decoded(jpeg).shape for jpeg in pictures} == {(48, 64, 3)}


def test_a_video_keeps_its_own_speed(tmp_path):
    films = open_films([write(tmp_path / "yard.mp4", frames=100, fps=10)], None, None)
    with served(*films) as port, viewing(port, "yard") as jpegs:
        next(jpegs)
        began_s = time.monotonic()
        list(itertools.islice(jpegs, 15))
        # 1.5 s, were the machine idle and the clock exact.
        assert 1.0 < time.monotonic() - began_s < 6


def test_two_viewers_see_the_same_pictures(tmp_path):
    films = open_films([write(tmp_path / "yard.mp4", frames=100, fps=25)], None, None)
    with served(*films) as port, viewing(port, "yard") as one, viewing(port, "yard") as other:
        seen, seen_too = set(itertools.islice(one, 20)), set(itertools.islice(other, 20))
    assert len(seen & seen_too) >= 5


def test_the_products_own_source_reads_it(tmp_path):
    films = open_films([write(tmp_path / "yard.mp4", frames=50, fps=25)], None, None)
    with served(*films) as port:
        address = options(f"http://127.0.0.1:{port}/yard.mjpeg")
        source = VideoSource("yard", address, IngestConfig.model_validate(QUICK))
        try:
            pictures = list(itertools.islice(source.pictures(), 10))
        finally:
            source.close()
    assert {(p.frame.width, p.frame.height) for p in pictures} == {(64, 48)}
    assert len({bytes(p.frame.planes[0]) for p in pictures}) >= 5


def test_a_viewer_that_stops_reading_hinders_nobody_and_is_dropped(monkeypatch):
    monkeypatch.setattr(play._Handler, "timeout", 0.3)
    with served(endless(bytes(50_000))) as port, socket.socket() as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.settimeout(10)
        stuck.connect(("127.0.0.1", port))
        stuck.sendall(b"GET /cam.mjpeg HTTP/1.0\r\n\r\n")
        assert len(taken(port, "cam", 150)) == 150
        queued = 0
        with contextlib.suppress(ConnectionResetError):
            while chunk := stuck.recv(65536):
                queued += len(chunk)
                # It would go on for ever.
                assert queued < 5_000_000


def test_nothing_is_made_while_nobody_watches():
    made: list[int] = []

    def film():
        for number in itertools.count():
            made.append(number)
            yield 0.01, b"%d" % number

    player = Player(Film("cam", "cam", film))
    time.sleep(0.2)
    assert made == []
    for _ in range(2):
        before = len(made)
        with contextlib.closing(player.watch()) as pictures:
            numbers = [int(jpeg) for jpeg in itertools.islice(pictures, 5)]
        # It goes on where it stood, with the picture that was on its way when the last viewer left.
        assert before - 1 <= numbers[0] <= before + 20
        assert numbers == sorted(set(numbers))
        time.sleep(0.1)
        left_at = len(made)
        time.sleep(0.2)
        assert len(made) == left_at
    player.close()
    player.join(5)
    assert list(player.watch()) == []


def test_a_film_that_breaks_is_begun_again(monkeypatch, caplog):
    monkeypatch.setattr(play, "_RETRY_S", 0.01)
    turns = itertools.count()

    def breaks():
        for number in range(3):
            yield 0.001, b"%d of %d" % (number, next(turns))
        raise SourceError("no such file")

    with served(Film("cam", "cam", breaks)) as port:
        assert len(taken(port, "cam", 10)) == 10
    assert "camera=cam cannot be played: no such file" in caplog.text


# --- still pictures -----------------------------------------------------------------------------------------


def test_a_virtual_camera_moves_over_a_still_picture_without_a_jump(tmp_path):
    [film] = open_films([still(tmp_path / "yard.png")], 4, (160, 90))
    # Once round, and the first step once more.
    views = [decoded(jpeg).astype(int) for _, jpeg in itertools.islice(film.pictures(), 162)]
    steps = [np.abs(later - earlier).mean() for earlier, later in itertools.pairwise(views)]
    assert min(steps) > 0
    assert max(steps) < 4 * np.median(steps)
    assert max(np.abs(view - views[0]).mean() for view in views) > 2 * max(steps)
    assert np.abs(views[160] - views[0]).mean() < min(steps)


@pytest.mark.parametrize(("width", "height"), [(20, 20), (3000, 200), (100, 4000)])
def test_still_pictures_of_any_shape_fill_the_camera(tmp_path, width, height):
    [film] = open_films([still(tmp_path / "yard.png", width, height)], None, (320, 180))
    gap_s, jpeg = next(film.pictures())
    assert gap_s == pytest.approx(0.1)
    assert decoded(jpeg).shape == (180, 320, 3)
    [usual] = open_films([tmp_path / "yard.png"], None, None)
    assert decoded(next(usual.pictures())[1]).shape == (360, 640, 3)


def test_the_built_in_cameras_come_from_one_place_to_another():
    films = built_in_films(1, None)
    assert [film.name for film in films] == ["street", "door"]
    for film in films:
        first, *_, later = (decoded(jpeg) for _, jpeg in itertools.islice(film.pictures(), 11))
        assert np.abs(first.astype(int) - later).mean() > 5


def test_people_are_found_in_the_built_in_cameras(shared_data, monkeypatch, tmp_path):
    monkeypatch.setenv("NEXARA_CACHE", str(tmp_path))
    config = PoseConfig(
        weights=str(shared_data / "weights" / "yolo26n-pose-o2m.pt"), runtime="torch", image_size=320
    )
    stage = build_stage(config, {"lobby": CameraOptions()})
    for film in built_in_films(0.2, None):
        for _, jpeg in itertools.islice(film.pictures(), 8):
            [found] = stage.look([stage.prepare(frame_with(jpeg, *STILL_SIZE))])
            sure = found.scores > 0.5
            assert sure.sum() >= 2
            assert (found.boxes[sure, 3] - found.boxes[sure, 1]).min() > 120


# --- rate, size, names --------------------------------------------------------------------------------------


def test_fps_leaves_pictures_out_and_keeps_the_speed(tmp_path):
    [film] = open_films([write(tmp_path / "yard.mp4", frames=40, fps=20)], 5, None)
    gaps = [gap_s for gap_s, _ in itertools.islice(film.pictures(), 25)]
    assert gaps == pytest.approx([0.2] * 25, abs=1e-3)


@pytest.mark.parametrize(
    ("wanted", "made"),
    [((80, 80), (80, 60)), ((640, 66), (88, 66)), ((640, 480), (320, 240)), (None, (320, 240))],
)
def test_a_video_is_made_to_fit_and_never_enlarged(tmp_path, wanted, made):
    [film] = open_films([write(tmp_path / "yard.mp4", frames=3, size=(320, 240))], None, wanted)
    _, jpeg = next(film.pictures())
    assert decoded(jpeg).shape == (made[1], made[0], 3)


def test_names_are_safe_and_distinct():
    found: list[str] = []
    for stem in ("yard", "yard", "über den Hof!", "../etc", "", "yard_2", "-" * 300, "x" * 300):
        found.append(camera_name(stem, found))
    assert found == ["yard", "yard_2", "ber_den_Hof", "etc", "video", "yard_2_2", "video_2", "x" * 56]


# --- over HTTP ----------------------------------------------------------------------------------------------


def test_the_list_links_every_camera_and_escapes_what_files_are_called(tmp_path):
    paths = [write(tmp_path / name, frames=2) for name in ('<b>&"yard".mp4', "yard.mp4")]
    with served(*open_films(paths, None, None)) as port:
        status, page = ask(port, "/")
    assert status == 200
    assert '<a href="/b_yard.mjpeg">b_yard</a>' in page
    assert '<a href="/yard.mjpeg">yard</a>' in page
    assert "&lt;b&gt;&amp;&quot;yard&quot;.mp4" in page
    assert "<b>" not in page


def test_other_paths_and_methods_are_refused():
    with served(endless()) as port:
        assert ask(port, "/healthz") == (200, "ok\n")
        assert ask(port, "/healthz", "HEAD") == (200, "")
        assert ask(port, "/cam.mjpeg", "HEAD") == (200, "")
        for path in ("/other.mjpeg", "/cam", "/.mjpeg", "/../cam.mjpeg", "//[", "/%3Cb%3E"):
            status, page = ask(port, path)
            assert status == 404
            assert "/ lists the cameras" in page
        assert ask(port, "/cam.mjpeg", "POST")[0] == 501


def test_viewers_above_the_bound_are_refused_until_one_leaves():
    with served(endless()) as port, contextlib.ExitStack() as stack:
        viewers = [stack.enter_context(viewing(port, "cam")) for _ in range(MAX_VIEWERS - 1)]
        with viewing(port, "cam") as last:
            assert all(next(jpegs) == b"jpeg" for jpegs in [*viewers, last])
            status, page = ask(port, "/cam.mjpeg")
            assert status == 503
            assert f"{MAX_VIEWERS} viewers" in page
        wait_for(lambda: ask(port, "/cam.mjpeg", "HEAD")[0] == 200, "the place of who left")


# --- the command --------------------------------------------------------------------------------------------


def refused(*arguments: str | Path) -> str:
    """The one line that a refusal says."""
    done = CliRunner().invoke(nexara, ["play", *map(str, arguments)])
    assert isinstance(done.exception, ConfigError), done.output
    assert "\n" not in str(done.exception)
    return str(done.exception)


def test_what_cannot_be_played_is_one_clear_line(tmp_path):
    text = tmp_path / "notes.mp4"
    text.write_text("no video\n" * 1000)
    assert refused(text).startswith(f"{text}: ")
    assert "no such file: give a video file or a picture" in refused(tmp_path / "nowhere.mp4")
    assert "is not a file" in refused(tmp_path)
    assert "is not a file" in refused("/dev/null")


def test_a_port_in_use_is_one_clear_line(tmp_path):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        line = refused(write(tmp_path / "yard.mp4", frames=2), "--port", port)
    assert line == f"127.0.0.1:{port} is in use: choose another --port, or 0 for any free one"


def test_a_host_that_is_not_here_is_one_clear_line(tmp_path):
    assert "cannot be used" in refused(write(tmp_path / "yard.mp4", frames=2), "--host", "192.0.2.1")


@pytest.mark.parametrize("size", ["", "640", "640x", "x", "12x640", "640x99999", "640x360x2", "-64x64"])
def test_a_bad_size_is_one_clear_line(size):
    assert "write it as WIDTHxHEIGHT" in refused("--size", size)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_well_while_somebody_watches(tmp_path, number):
    command = [sys.executable, "-m", "workers", "play", str(write(tmp_path / "1.mp4")), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            name, address = process.stdout.readline().split()
            assert name == "1"
            with urllib.request.urlopen(address, timeout=10) as answer:
                answer.read(1000)
                process.send_signal(number)
                rest = process.stdout.read()
                process.wait(10)
        finally:
            process.kill()
    assert process.returncode == 0
    # A name that YAML would take for a number comes as one that a site file can hold.
    assert yaml.safe_load(rest.partition(":\n\n")[2]) == {"cameras": {"1": {"source": address}}}
