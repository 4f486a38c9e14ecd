"""One frame of each of the simulated site's cameras, with what the fleet's own detector and tracker saw.

    python -m benchmarks.site_pictures --out docs/images/simulated-site.png

The frames are those in which most is seen of what each camera is there for. Skeletons are as pose publishes
them; predicted joints are left out, and people who are judged violent stand in a red box.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.messages import Tracks, Verdicts
from shared.skeleton import BONES
from workers.classify.stage import build_stage as build_classify
from workers.cli.demo import SITE, recorded
from workers.cli.films import CAMERA, GENERATION, Looker, frames_of, looks, open_looker, opened
from workers.cli.site import Site, compose, load
from workers.ingest.config import CameraOptions
from workers.ingest.simulated.address import parse
from workers.ingest.simulated.site_camera import SiteCamera

Image = NDArray[np.uint8]

SECONDS = 30.0
# Which second of each camera is shown.
MOMENTS = {"yard": 5.0, "lobby": 22.0, "passage": 14.0, "plaza": 16.5}
_LINE, _VIOLENT, _TEXT = (90, 230, 120), (60, 60, 235), (235, 235, 235)
_LEAST = 0.35


def main() -> None:
    """Draws."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", help="other pose weights")
    arguments = parser.parse_args()
    site = load(SITE)
    changed = {"weights": arguments.weights} if arguments.weights else {}
    looker = open_looker(site.pose.model_copy(update=changed))
    contents = recorded(compose(SITE, (), {}), SECONDS, None)
    shown = [_shown(name, camera["source"], looker, site) for name, camera in contents["cameras"].items()]
    rows = [np.hstack(shown[start : start + 2]) for start in range(0, len(shown), 2)]
    cv2.imwrite(str(arguments.out), np.vstack(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def _shown(name: str, source: str, looker: Looker, site: Site) -> Image:
    camera = SiteCamera(parse(source))
    classify = build_classify(site.classify.model_copy(update={"explain": "never"}))
    windows, violent = classify.initial(CAMERA, GENERATION), set[int]()
    for tracks in _tracks(source, looker, camera.size[0]):
        windows, finding = classify.advance(windows, classify.prepare(tracks), None)
        [verdicts] = classify.judge([finding])
        if isinstance(verdicts, Verdicts) and verdicts.verdicts:
            violent = {one.track_id for one in verdicts.verdicts if one.result == "VIOLENCE"}
        if tracks.number >= MOMENTS[name] * camera.address.fps:
            break
    return _drawn(camera.picture(tracks.number), tracks, violent, name)


def _tracks(source: str, looker: Looker, width: int) -> Iterator[Tracks]:
    stage, state = looker.stage, looker.stage.initial(CAMERA, GENERATION)
    options = CameraOptions(source=source, max_width=width)
    with opened(options) as film:
        for _, item, seen in looks(frames_of(film, options), stage):
            state, tracks = stage.advance(state, item, seen)
            yield tracks


def _drawn(image: Image, tracks: Tracks, violent: set[int], name: str) -> Image:
    for row, track_id in enumerate(tracks.track_ids.tolist()):
        keypoints = tracks.keypoints[row]
        colour = _VIOLENT if track_id in violent else _LINE
        for one, other in BONES:
            if min(keypoints[one, 2], keypoints[other, 2]) > _LEAST:
                ends = [tuple((16 * keypoints[j, :2]).astype(int).tolist()) for j in (one, other)]
                cv2.line(image, *ends, colour, 1, cv2.LINE_AA, 4)
        for x, y, seen in keypoints:
            if seen > _LEAST:
                cv2.circle(image, (int(16 * x), int(16 * y)), 28, _TEXT, -1, cv2.LINE_AA, 4)
        if track_id in violent:
            left, top, right, bottom = tracks.boxes[row].astype(int).tolist()
            cv2.rectangle(image, (left, top), (right, bottom), _VIOLENT, 1, cv2.LINE_AA)
    cv2.putText(image, name, (12, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.putText(image, name, (12, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, _TEXT, 1, cv2.LINE_AA)
    return image


if __name__ == "__main__":
    main()
