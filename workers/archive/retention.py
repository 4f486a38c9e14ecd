"""Which evidence has to go: by age, and by how much there is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Reason = Literal["age", "size"]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A file of evidence, or a row that says why there is none.

    Attributes:
        incident_id, kind: its row; "" for a file without one.
        path: below the folder; None for a row without a file.
        size: bytes.
        made_at: Unix time.
        is_held: people have acknowledged or labelled its incident.
    """

    incident_id: str = ""
    kind: str = ""
    path: str | None
    size: int
    made_at: float
    is_held: bool = False


def outdated(
    pieces: Iterable[Piece], now: float, keep_s: float, keep_bytes: float
) -> list[tuple[Piece, Reason]]:
    """What has to go, the oldest first of each reason.

    Age does not remove what is held: that goes with its incident. The bound on bytes holds for all; what is
    held goes last.

    Args:
        pieces: everything that there is, in any order.
        now: Unix time.
        keep_s: how old a piece may become.
        keep_bytes: what all may come to.
    """
    gone: list[tuple[Piece, Reason]] = []
    rest: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: (piece.made_at, piece.path or "", piece.incident_id)):
        if piece.made_at < now - keep_s and not piece.is_held:
            gone.append((piece, "age"))
        else:
            rest.append(piece)
    left = sum(piece.size for piece in rest)
    for piece in sorted(rest, key=lambda piece: piece.is_held):
        if left <= keep_bytes:
            break
        if piece.size:
            gone.append((piece, "size"))
            left -= piece.size
    return gone
