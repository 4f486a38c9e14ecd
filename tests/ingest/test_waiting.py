from __future__ import annotations

from workers.ingest.config import IngestConfig
from workers.ingest.waiting import Entry, Waiting


def test_what_nobody_took_in_time_has_to_go_and_marks_are_no_frames() -> None:
    waiting = Waiting(IngestConfig(max_age_s=0.5), [], 0.0)
    frame, mark, fresh = Entry((1, 0), 0.0, 900), Entry((2, 0), 0.1, 0), Entry((3, 0), 0.9, 900)
    waiting.commit(waiting.after(0, [frame, mark, fresh]))
    assert waiting.due(1.0, 1, 900) == [("1-0", "age"), ("2-0", "mark")]


def test_too_many_and_too_large_ones_go_before_their_time() -> None:
    waiting = Waiting(IngestConfig(max_entries=2), [], 0.0)
    waiting.commit(waiting.after(0, [Entry((n, 0), 0.0, 10) for n in (1, 2)]))
    assert waiting.due(0.1, 1, 10) == [("1-0", "entries")]
    waiting = Waiting(IngestConfig(max_stream_mb=1), [], 0.0)
    waiting.commit(waiting.after(0, [Entry((n, 0), 0.0, 2**19) for n in (1, 2)]))
    assert waiting.due(0.1, 1, 10) == [("1-0", "bytes")]
