"""An incident's tracks as a file of their own, to be judged again. Skeletons alone, no picture."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

from shared.recording import Head, Writer
from shared.rules import RulesOf
from workers.archive.evidence.spool import Shot

# Before the clip: what the windows of the first verdicts look back at.
HISTORY_S = 10.0
# More than any source is silent without saying so.
_GAP_S = 2.0


def write_recording(path: Path, camera: str, shots: Sequence[Shot], rules_of: RulesOf) -> None:
    """Write a recording of shots; the same shots give the same bytes.

    Args:
        path: a file; what is there is replaced.
        camera: whose tracks they are.
        shots: at least one, in order.
        rules_of: the rules that each names.

    Raises:
        OSError: it cannot be written.
        BusError: rules that are named cannot be asked for just now.
    """
    head = Head(camera=camera, made_at=shots[0].moment.captured_at, fleet_version=version("nexara"))
    with path.open("wb") as file:
        writer, known = Writer(file, head), {""}
        for before, shot in pairwise((None, *shots)):
            if shot is None:
                continue
            if shot.moment.rules not in known:
                known.add(shot.moment.rules)
                rules = rules_of(shot.moment)
                # Where the server has lost them, the reader is told nothing rather than something else.
                if rules.digest == shot.moment.rules:
                    writer.rules(rules.digest, rules.document)
            if before is not None and shot.moment.at - before.moment.at > _GAP_S:
                writer.gap(shot.moment.at - before.moment.at)
            writer.entry(shot.entry_id, shot.payload)
        writer.end()
