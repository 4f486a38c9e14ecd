"""The browser of benchmarks.viewers: when frames are on the canvas of the wall."""

from __future__ import annotations

import shutil
import sys

from workers.serve.config import FIRST_USER

_FIRST_S = 3.0
# Notes which frame each camera was sent last, and when its canvas is painted over.
_NOTE = """
window.delays = [];
window.counting = false;
const sent = new Map();
const Plain = window.WebSocket;
window.WebSocket = class extends Plain {
    constructor(...words) {
        super(...words);
        this.addEventListener("message", ({ data }) => {
            const message = typeof data === "string" ? JSON.parse(data) : {};
            if (message.type === "frame") sent.set(`Skeletons of ${message.camera}`, message.captured_at);
        });
    }
};
const fill = CanvasRenderingContext2D.prototype.fillRect;
CanvasRenderingContext2D.prototype.fillRect = function (x, y, width, height) {
    fill.call(this, x, y, width, height);
    const camera = this.canvas.getAttribute("aria-label");
    if (width !== this.canvas.width || !sent.has(camera)) return;
    if (window.counting) window.delays.push(Date.now() - 1000 * sent.get(camera));
    sent.delete(camera);
};
"""


def drawn(url: str, password: str, seconds: float) -> list[float]:
    """Milliseconds from the writing of each frame to the canvas, of all cameras on the wall."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("needs chromium: make services")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.add_init_script(_NOTE)
        page.goto(f"{url}/login")
        page.fill("input[name=name]", FIRST_USER)
        page.fill("input[name=password]", password)
        page.keyboard.press("Enter")
        page.wait_for_selector(".person .value")
        page.wait_for_timeout(1000 * _FIRST_S)
        page.evaluate("window.counting = true")
        page.wait_for_timeout(1000 * seconds)
        delays: list[float] = page.evaluate("window.delays")
        browser.close()
    return delays
