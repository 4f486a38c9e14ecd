"""Four real videos at once through the whole fleet: nothing lost, nothing doubled, everything in order.

    python -m benchmarks.end_to_end [--sheet out/sheet.jpg]

The contact sheet shows frames of each video with boxes, skeletons, track ids and the last verdict.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.fleet_run import Record, four_videos, run_fleet, server, site_of
from shared.messages import Tracks, Verdict
from shared.skeleton import BONES
from workers.cli.tail import short

_SHOWN_PER_VIDEO = 4
_TILE_WIDTH = 480
_COLOURS = {
    "SAFE": (80, 200, 80),
    "VETOED": (60, 180, 255),
    "VIOLENCE": (60, 60, 255),
    "UNSURE": (200, 200, 200),
}


def main() -> int:
    """Runs, checks and prints; 0 if everything holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheet", type=Path, default=None, help="Write a contact sheet of overlays here.")
    options = parser.parse_args()
    videos = four_videos()
    with server() as url:
        outcome = run_fleet(site_of(videos), url)
    print(outcome.output)
    good = outcome.exit_code == 0
    for video in videos:
        record, frames = outcome.cameras[video.stem], count_frames(video)
        problems = problems_of(record, frames)
        good = good and not problems
        verdicts = [verdict for _, step in record.verdicts for verdict in step.verdicts]
        results = {result: sum(v.result == result for v in verdicts) for result in _COLOURS}
        print(
            f"{video.stem}: {frames} frames, {len(record.tracks)} Tracks records, verdicts {results}: "
            f"{'; '.join(problems) or 'complete, in order, none lost, none doubled'}"
        )
    print(f"{outcome.seconds:.1f} s in all, {outcome.working_seconds:.1f} s of work")
    if options.sheet:
        options.sheet.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(options.sheet), contact_sheet(videos, outcome.cameras))
        print(f"contact sheet: {options.sheet}")
    return 0 if good else 1


def count_frames(video: Path) -> int:
    """Frames that a decoder gives for a file."""
    with av.open(str(video)) as container:
        return sum(1 for _ in container.decode(video=0))


def problems_of(record: Record, frames: int) -> list[str]:
    """What is wrong with a camera's tracks: empty when there is one record for each frame, in order."""
    numbers = [message.number for _, message in record.tracks]
    ids = [tuple(map(int, entry_id.split("-"))) for entry_id, _ in record.tracks]
    problems = []
    if missing := set(range(frames)) - set(numbers):
        problems.append(f"{len(missing)} frames lost, first {min(missing)}")
    if len(numbers) != len(set(numbers)):
        problems.append(f"{len(numbers) - len(set(numbers))} frames doubled")
    if numbers != sorted(numbers) or ids != sorted(ids):
        problems.append("out of order")
    if record.ends != 1:
        problems.append(f"{record.ends} ends")
    return problems


def contact_sheet(videos: list[Path], cameras: dict[str, Record]) -> NDArray[np.uint8]:
    """One row a video, frames spread over its length, overlays drawn."""
    rows = []
    for video in videos:
        record = cameras[video.stem]
        wanted = {int(n): None for n in np.linspace(0, len(record.tracks) - 1, _SHOWN_PER_VIDEO + 1)[1:]}
        tracks_of = {message.number: message for _, message in record.tracks}
        tiles = []
        with av.open(str(video)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                if number in wanted and number in tracks_of:
                    image = draw(
                        frame.to_ndarray(format="bgr24"), tracks_of[number], verdicts_until(record, number)
                    )
                    tiles.append(cv2.resize(image, (_TILE_WIDTH, _TILE_WIDTH * 9 // 16)))
        rows.append(np.hstack(tiles))
    return np.vstack(rows)


def verdicts_until(record: Record, number: int) -> dict[int, Verdict]:
    """The last verdict of each track up to a frame."""
    last: dict[int, Verdict] = {}
    for _, step in record.verdicts:
        if step.number <= number:
            last.update({verdict.track_id: verdict for verdict in step.verdicts})
    return last


def draw(image: NDArray[np.uint8], tracks: Tracks, verdicts: dict[int, Verdict]) -> NDArray[np.uint8]:
    """Boxes, skeletons, ids and verdicts over a source frame."""
    scale = image.shape[1] / tracks.width
    for row, track_id in enumerate(tracks.track_ids.tolist()):
        verdict = verdicts.get(track_id)
        colour = _COLOURS[verdict.result] if verdict else (220, 220, 220)
        x1, y1, x2, y2 = (int(value * scale) for value in tracks.boxes[row])
        cv2.rectangle(image, (x1, y1), (x2, y2), colour, 2)
        text = short(track_id) + (f" {verdict.score:.2f}" if verdict else "")
        text += " unseen" if tracks.predicted[row] else ""
        cv2.putText(image, text, (x1, max(y1 - 6, 14)), cv2.FONT_HERSHEY_SIMPLEX, 0.7, colour, 2)
        points = tracks.keypoints[row]
        for start, end in BONES:
            if points[start, 2] > 0.3 and points[end, 2] > 0.3:
                ends = [tuple(int(value * scale) for value in points[joint, :2]) for joint in (start, end)]
                cv2.line(image, ends[0], ends[1], (255, 200, 0), 2)
    return image


if __name__ == "__main__":
    sys.exit(main())
