"""The page's pictures in docs/images, off the demonstration as it runs, and how soon incidents are on it.

    python -m benchmarks.page_pictures [--out docs/images] [--seconds 90]

`nexara up configs/demo.yaml` runs with the cameras' pictures shown; a Chromium is logged in. Told is the time
from the moment at which the stage incidents handed over a new incident (its stamp) to its banner on the wall.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis
import yaml
from PIL import Image

from shared import embedded
from shared.bus.streams import stream_key
from shared.messages import Incidents, decode
from tests.shared.fleet import wait_until
from workers.cli.demo import SITE, recorded
from workers.cli.site import compose
from workers.serve.config import ADDRESS_FILE, FIRST_PASSWORD_FILE, FIRST_USER

ROOT = Path(__file__).resolve().parents[1]
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
_COLOURS = 200
# So much of each of the page's own colours is shown to who chooses the few.
_BAND_PX = 24
_WIDTH_PX = 1200
_PATIENCE_MS = 180_000
_CAMERA = "plaza"
_RECORDED_S = 600.0
_SEED = 1
# Notes when the banner of each incident is there.
_NOTE = """() => {
    window.toldAt = {};
    const look = () => {
        for (const link of document.querySelectorAll(".banner.alarm a"))
            window.toldAt[new URL(link.href).searchParams.get("id")] ??= Date.now() / 1000;
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}"""


def main() -> int:
    """Draws all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--seconds", type=float, default=90.0, help="how long the wall is watched")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nexara-bench-") as name, running(Path(name)) as url:
        password = (Path(name) / "serve" / FIRST_PASSWORD_FILE).read_text(encoding="utf-8").strip()
        with browsing() as browser:
            page = logged_in(browser, url, password)
            page.evaluate(_NOTE)
            page.wait_for_selector(".banner.alarm", timeout=_PATIENCE_MS)
            settle(page, ".tile.alarmed")
            keep(page, options.out / "wall.png")
            phone = logged_in(browser, url, password, viewport=PHONE, device_scale_factor=1.5)
            settle(phone, "[aria-label='People of lobby'] .value")
            keep(phone, options.out / "phone-wall.png")
            phone.close()
            page.wait_for_timeout(1000 * options.seconds)
            print(arrivals(page.evaluate("window.toldAt"), Path(name)))
            others(page, url, options.out)
    return 0


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """The demonstration; gives the page's address."""
    # As recordings: the browser shares the machine, which costs time then, not frames.
    contents = recorded(compose(SITE, (), {}), _RECORDED_S, _SEED)
    contents["ingest"]["stall_s"] = 60
    contents["serve"] = {"port": 0, "picture": "picture"}
    contents["metrics"] = {"port": 0}
    site = folder / "site.yaml"
    site.write_text(yaml.safe_dump(contents), encoding="utf-8")
    command = [sys.executable, "-m", "workers", "up", str(site), "--data", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as fleet:
        try:
            address = folder / "serve" / ADDRESS_FILE
            wait_until(address.exists, "the page")
            yield address.read_text(encoding="utf-8").rstrip("/")
        finally:
            fleet.terminate()


@contextlib.contextmanager
def browsing() -> Iterator[Any]:
    """A Chromium."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("needs chromium: make services")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def logged_in(browser: Any, url: str, password: str, **options: Any) -> Any:
    """The wall of a window of its own, with people on it."""
    page = browser.new_page(**{"viewport": DESK, **options})
    page.set_default_timeout(_PATIENCE_MS)
    page.goto(f"{url}/login")
    page.fill("input[name=name]", FIRST_USER)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_selector(".person .value")
    return page


def settle(page: Any, wanted: str) -> None:
    """Waits for a moment, of four minutes at most, in which this is there and every camera gives pictures."""
    for _ in range(1200):
        page.wait_for_timeout(200)
        if page.locator(".stage.old").count() == 0 and page.locator(wanted).count():
            return


def others(page: Any, url: str, out: Path) -> None:
    """The other pages: the incident that came first is looked at, and said to be violence."""
    page.goto(f"{url}/incidents")
    page.click("tbody tr:last-child a")
    page.wait_for_selector("video")
    page.fill("textarea", "Two people at the bench; both walked away.")
    page.click("#saying >> text=Violence")
    page.wait_for_selector("button[aria-pressed=true]")
    page.evaluate("document.querySelector('video').currentTime = 6")
    page.wait_for_timeout(1500)
    keep(page, out / "incident.png", whole=True)
    for name, path in (
        ("camera", f"/camera?camera={_CAMERA}"),
        ("incidents", "/incidents"),
        ("system", "/system"),
    ):
        page.goto(url + path)
        page.wait_for_timeout(4000)
        if name == "camera":
            page.select_option("#minutes", "2")
            page.wait_for_timeout(4000)
        keep(page, out / f"{name}.png", whole=name == "system")


def keep(page: Any, path: Path, whole: bool = False) -> None:
    """A screenshot with few colours, at most so wide."""
    image = Image.open(io.BytesIO(page.screenshot(full_page=whole))).convert("RGB")
    if image.width > _WIDTH_PX:
        image = image.resize((_WIDTH_PX, round(image.height * _WIDTH_PX / image.width)), Image.LANCZOS)
    few(image).save(path, optimize=True)
    print(f"{path.name}: {image.width} x {image.height}, {path.stat().st_size / 1000:.0f} kB")


def few(image: Image.Image) -> Image.Image:
    """The image in few colours, the page's own among them."""
    styles = (ROOT / "workers" / "serve" / "static" / "app.css").read_text(encoding="utf-8")
    own = sorted(set(re.findall(r"#[0-9a-f]{6}", styles)))
    weighed = Image.new("RGB", (image.width, image.height + _BAND_PX * len(own)))
    weighed.paste(image)
    for place, colour in enumerate(own):
        top = image.height + _BAND_PX * place
        weighed.paste(colour, (0, top, image.width, top + _BAND_PX))
    reduced = weighed.quantize(_COLOURS, dither=Image.Dither.NONE)
    return reduced.crop((0, 0, image.width, image.height))


def arrivals(told_at: dict[str, float], folder: Path) -> str:
    """How long after it was handed over each incident was on the page, in words."""
    delays = []
    with redis.Redis.from_url(embedded.find(folder)) as client:
        for _, fields in client.xrange(stream_key("incidents", _CAMERA)):
            message = decode(fields[b"m"])
            for incident in message.incidents if isinstance(message, Incidents) else ():
                if incident.change == "new" and incident.incident_id in told_at:
                    delays.append(told_at[incident.incident_id] - message.trail[-1].done_at)
    if not delays:
        return "no incident came while the wall was watched"
    return (
        f"{len(delays)} incidents: on the page {1000 * statistics.median(delays):.0f} ms (median) and "
        f"{1000 * max(delays):.0f} ms (at most) after the stage incidents handed them over"
    )


if __name__ == "__main__":
    sys.exit(main())
