"""The incidents worker: verdicts in, incidents out."""

from __future__ import annotations

from shared.messages import Incidents, Message, Verdicts
from shared.stage import BadInput, Stage
from workers.incidents import life, metrics
from workers.incidents.config import IncidentsConfig
from workers.incidents.state import VERSION, State, dump, load


def build_stage(config: IncidentsConfig) -> Stage[Verdicts, None, State, Incidents | None]:
    """The stage."""
    return Stage(
        name="incidents",
        reads="verdicts",
        writes="incidents",
        # Not the rules: whoever changes one must not lose the incidents that are open, nobody would ever be
        # told that they ended. What is remembered means the same under any rules.
        settings=f"state {VERSION}",
        initial=State,
        prepare=_prepare,
        advance=lambda state, record, _seen: life.advance(config, state, record),
        mark=lambda state, mark: life.pass_mark(config, state, mark),
        renew=life.renewed,
        measure=metrics.measure,
        dump=dump,
        load=load,
        max_batch=64,
        max_wait_ms=0.0,
    )


def _prepare(message: Message) -> Verdicts:
    if not isinstance(message, Verdicts):
        raise BadInput(f"expected verdicts, found {type(message).__name__.lower()}")
    return message
