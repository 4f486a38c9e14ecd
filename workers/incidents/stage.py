"""The incidents worker: verdicts in, incidents out."""

from __future__ import annotations

from shared.messages import Incidents, Message, Verdicts
from shared.rules import RulesOf, as_started
from shared.stage import BadInput, Stage
from workers.incidents import life, metrics
from workers.incidents.config import IncidentsConfig
from workers.incidents.state import VERSION, State, dump, load
from workers.incidents.zones import Seen, seen


def build_stage(
    config: IncidentsConfig, rules_of: RulesOf = as_started
) -> Stage[Seen, None, State, Incidents | None]:
    """The stage.

    Args:
        config: the section `incidents`.
        rules_of: finds a record's rules; their zones and shadow mode are followed.
    """
    return Stage(
        name="incidents",
        reads="verdicts",
        writes="incidents",
        # Not the rules: whoever changes one must not lose the incidents that are open, nobody would ever be
        # told that they ended. What is remembered means the same under any rules.
        settings=f"state {VERSION}",
        initial=State,
        prepare=lambda message: _prepare(message, rules_of),
        advance=lambda state, item, _seen: life.advance(config, state, item),
        mark=lambda state, mark: life.pass_mark(config, state, mark),
        renew=life.renewed,
        measure=metrics.measure,
        dump=dump,
        load=load,
        max_batch=64,
        max_wait_ms=0.0,
    )


def _prepare(message: Message, rules_of: RulesOf) -> Seen:
    if not isinstance(message, Verdicts):
        raise BadInput(f"expected verdicts, found {type(message).__name__.lower()}")
    return seen(message, rules_of(message))
