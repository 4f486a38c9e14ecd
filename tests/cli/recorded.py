"""Made-up recordings: two people who stroll beside one another and now and then flail their arms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from shared.messages import Mark, Message, Tracks, encode
from shared.recording import Head, recording_to
from tests.classify.conftest import save_linear
from tests.classify.people import GENERATION, record
from workers.cli.recorded.takes import Pair

FPS = 10
# How fast people's time goes.
FLAIL, PLAY, STROLL = 3.0, 2.0, 0.4
MADE_AT = 1_700_000_000.0

Spans = Sequence[tuple[float, float]]


def story(
    seconds: float,
    fights: Spans = (),
    *,
    play: Spans = (),
    camera: str = "lobby",
    generation: str = GENERATION,
    first: int = 0,
    rules: str = "",
    end: bool = True,
) -> list[tuple[str, Message]]:
    """Entries of a file's camera: frame n has the id n + 1, a final mark closes it."""
    entries: list[tuple[str, Message]] = []
    phase = 0.0
    for number in range(round(seconds * FPS)):
        at = number / FPS
        phase += (FLAIL if _is_in(at, fights) else PLAY if _is_in(at, play) else STROLL) / FPS
        if number >= first:
            entries.append((f"{number + 1}-0", _tracks(number, phase, camera, generation, rules)))
    if end:
        number = round(seconds * FPS)
        mark = Mark(
            camera=camera, generation=generation, number=number, at=(number - 1) / FPS,
            captured_at=MADE_AT + number / FPS, final=True, reason="end of file", rules=rules,
        )  # fmt: skip
        entries.append((f"{number + 1}-0", mark))
    return entries


def _is_in(at: float, spans: Spans) -> bool:
    return any(begin <= at < over for begin, over in spans)


def _tracks(number: int, phase: float, camera: str, generation: str, rules: str) -> Tracks:
    # Nobody walks out of the picture.
    people = record(phase, [1, 2])
    keypoints = people.keypoints.copy()
    keypoints[..., 0] -= 40 * phase
    keypoints[1, :, 0] += 120
    changed = {
        "camera": camera, "generation": generation, "number": number, "at": number / FPS, "rules": rules,
        "captured_at": MADE_AT + number / FPS, "keypoints": keypoints, "detection_keypoints": keypoints,
    }  # fmt: skip
    return people.model_copy(update=changed)


def payloads(entries: Iterable[tuple[str, Message]]) -> list[Pair]:
    return [(entry_id, encode(message)) for entry_id, message in entries]


def write(path: Path, entries: Iterable[tuple[str, Message]], camera: str = "lobby", **rules: str) -> Path:
    """A recording of these entries; `rules` are documents by digest."""
    with recording_to(path, Head(camera=camera, made_at=MADE_AT, fleet_version="0.1.0")) as writer:
        for digest, content in rules.items():
            writer.rules(digest, content)
        for entry_id, payload in payloads(entries):
            writer.entry(entry_id, payload)
    return path


def experts(folder: Path) -> str:
    """A primary and a veto that both look at hands, for `--set classify.experts=`."""
    primary = save_linear(folder / "primary.safetensors", weight=3.0, bias=1.0)
    veto = save_linear(folder / "veto.safetensors", weight=3.0, bias=0.0)
    return f"[{{weights: {primary}, role: primary}}, {{weights: {veto}, role: veto}}]"


def site_file(folder: Path, cameras: Sequence[str] = ("lobby",), more: str = "") -> Path:
    """A site with these cameras whose experts look at hands."""
    text = "".join(f"  {name}: {{source: nowhere.mp4}}\n" for name in cameras)
    path = folder / "site.yaml"
    path.write_text(
        f"cameras:\n{text}classify: {{experts: {experts(folder)}, sharpness: 1.0}}\n"
        f"bus: {{data: {folder / 'data'}}}\n{more}"
    )
    return path
