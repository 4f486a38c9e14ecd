"""One step: whose violence it is, what each group's vote is, and who has enough votes."""

from __future__ import annotations

import math
from collections.abc import Iterable

from shared.messages import Incident, Verdict, Verdicts
from workers.incidents.company import around, without_far_partners
from workers.incidents.config import IncidentsConfig
from workers.incidents.group import Candidate, Open, Vote, confirmed
from workers.incidents.state import State
from workers.incidents.zones import Seen

# More fights at once than any picture has: what comes beyond is left out.
MAX_OPEN = MAX_CANDIDATES = 32

Group = Open | Candidate


class Step:
    """One record's verdicts and the groups that they are about."""

    def __init__(self, rules: IncidentsConfig, state: State, seen: Seen) -> None:
        record = seen.record
        self._rules = rules
        self._state = state
        self._record = record
        self._zones = seen.zones
        self._verdicts = without_far_partners(record.verdicts, rules.merge_distance)
        self._by_track = {verdict.track_id: verdict for verdict in self._verdicts}
        self._violent = [verdict for verdict in self._verdicts if verdict.result == "VIOLENCE"]
        self._scene_ids = set(record.scene.track_ids) if self._scene_speaks() else set()
        self._support = _support_score(record, rules)
        self._scene_groups: list[Group] = []
        self._new_votes: list[Candidate] = []

    def _scene_speaks(self) -> bool:
        return self._rules.scene_counts and self._record.scene.result == "VIOLENCE" and not self._violent

    def _supports(self, verdict: Verdict) -> bool:
        return verdict.result == "VIOLENCE" or verdict.score >= self._support

    @property
    def _groups(self) -> list[Group]:
        return [*self._state.opened, *self._state.candidates]

    # --- 1. whose violence it is --------------------------------------------------------------------------

    def gather(self) -> list[Incident]:
        """Gives each violent verdict its group, and joins groups that share one; tells who was swallowed."""
        told = []
        for verdict in self._violent:
            home, *others = self._related([verdict]) or [self._begin()]
            for other in others:
                if isinstance(other, Open) and isinstance(home, Open):
                    told.append(other.tell("end", self._record.at, "merged", home.incident_id))
                self._swallow(home, other)
            self._meet(home, verdict)
        if self._scene_ids:
            self._gather_scene()
        return told

    def _related(self, verdicts: Iterable[Verdict]) -> list[Group]:
        """The groups that share people or place with any of these: open ones first, the older before."""
        since = self._record.at - self._rules.merge_s
        return [
            group
            for group in self._groups
            if any(
                group.company.knows(verdict) or group.company.is_near(verdict, self._rules, since)
                for verdict in verdicts
            )
        ]

    def _begin(self) -> Candidate:
        candidate = Candidate(self._record.at)
        if len(self._state.candidates) < MAX_CANDIDATES:
            self._state.candidates.append(candidate)
        return candidate

    def _swallow(self, home: Group, other: Group) -> None:
        if isinstance(home, Open):
            home.absorb(other)
        elif isinstance(other, Candidate):
            home.absorb(other, self._rules.confirm_of)
        self._state.opened = [group for group in self._state.opened if group is not other]
        self._state.candidates = [group for group in self._state.candidates if group is not other]

    def _meet(self, home: Group, verdict: Verdict) -> None:
        """Adds a violent verdict's people and places to their group."""
        new = home.company.join(verdict, self._record.at)
        if verdict.partner_id is not None:
            partner = self._by_track.get(verdict.partner_id)
            if partner is None:
                new = home.company.meet(verdict.partner_id) or new
            else:
                new = home.company.join(partner, self._record.at) or new
        if isinstance(home, Open) and new:
            home.is_urgent = True

    def _gather_scene(self) -> None:
        """The scene speaks for the groups that are there; it joins none: they may be far apart."""
        people = [verdict for verdict in self._verdicts if verdict.track_id in self._scene_ids]
        theirs = [group for group in self._groups if self._scene_ids & set(group.company.people)]
        self._scene_groups = theirs or self._related(people)
        if self._scene_groups:
            return
        candidate = self._begin()
        for track_id in self._record.scene.track_ids:
            candidate.company.meet(track_id)
        for verdict in people:
            candidate.company.join(verdict, self._record.at)
        self._scene_groups = [candidate]

    # --- 2. what each group is told -----------------------------------------------------------------------

    def vote(self) -> None:
        """Tells every group what the verdicts on its people, and on those beside them, say."""
        own, beside = self._shares()
        for incident in self._state.opened:
            self._support_open(incident, [*own.get(incident, ()), *beside.get(incident, ())])
        for candidate in self._state.candidates:
            # Who stands beside a group may speak for it only while nobody of the group is looked at.
            self._vote_candidate(candidate, own.get(candidate) or beside.get(candidate, []))
        self._state.candidates = [one for one in self._state.candidates if one.made_by]

    def _shares(self) -> tuple[dict[Group, list[Verdict]], dict[Group, list[Verdict]]]:
        """Each verdict's one group: that of its person (first), else of the partner or the place (second)."""
        own: dict[Group, list[Verdict]] = {}
        beside: dict[Group, list[Verdict]] = {}
        groups = self._groups
        for verdict in self._verdicts:
            theirs = [group for group in groups if verdict.track_id in group.company.people]
            if theirs:
                own.setdefault(theirs[0], []).append(verdict)
            elif related := self._related([verdict]):
                beside.setdefault(related[0], []).append(verdict)
        return own, beside

    def _support_open(self, incident: Open, verdicts: list[Verdict]) -> None:
        """Any score that is high enough keeps it going, a guess too: that opens nothing."""
        supporting = list(filter(self._supports, verdicts))
        by_scene = incident in self._scene_groups
        if not supporting and not by_scene:
            return
        for verdict in supporting:
            incident.is_urgent = incident.company.join(verdict, self._record.at) or incident.is_urgent
        incident.take(self._vote_of(supporting, by_scene))
        incident.supported_at = self._record.at

    def _vote_candidate(self, candidate: Candidate, verdicts: list[Verdict]) -> None:
        """Violent if anybody was; against if somebody was judged and nobody was; else none."""
        judged = [verdict for verdict in verdicts if verdict.result != "UNSURE"]
        by_scene = candidate in self._scene_groups
        if not judged and not by_scene:
            return
        candidate.take(self._vote_of(judged, by_scene), self._rules.confirm_of)
        self._new_votes.append(candidate)

    def _vote_of(self, verdicts: list[Verdict], by_scene: bool) -> Vote:
        record = self._record
        violent = [verdict for verdict in verdicts if verdict.result == "VIOLENCE"]
        others = {verdict.partner_id for verdict in violent} | (self._scene_ids if by_scene else set())
        beside = [verdict for verdict in self._verdicts if verdict.track_id in others]
        ids = [verdict.track_id for verdict in violent] or list(record.scene.track_ids if by_scene else ())
        return Vote(
            number=record.number,
            at=record.at,
            captured_at=record.captured_at,
            track_id=ids[0] if ids else 0,
            is_violent=bool(violent) or by_scene,
            violent=len(violent),
            vetoed=sum(verdict.result == "VETOED" for verdict in verdicts),
            score=max((verdict.score for verdict in verdicts if verdict.result != "UNSURE"), default=0.0),
            scene_score=record.scene.score,
            box=around(verdict.box for verdict in (*filter(self._supports, verdicts), *beside)),
            zones=sorted(
                {name for verdict in (*violent, *beside) for name in self._zones.get(verdict.track_id, ())}
            ),
        )

    # --- 3. who has enough --------------------------------------------------------------------------------

    def confirm(self) -> int:
        """Opens the candidates that have enough; returns how many more a cooldown keeps from it now."""
        state, rules, suppressed = self._state, self._rules, 0
        for candidate in self._new_votes:
            if not candidate.votes[-1].is_violent:
                continue
            candidate.held_until = max(candidate.held_until, self._cooldown_of(candidate))
            violent = sum(vote.is_violent for vote in candidate.votes)
            if violent < rules.confirm_violent or len(state.opened) >= MAX_OPEN:
                continue
            if self._record.at < candidate.held_until:
                suppressed += not candidate.is_counted
                candidate.is_counted = True
                continue
            whole = (0.0, 0.0, float(state.width), float(state.height))
            state.opened.append(confirmed(candidate, state.camera, state.generation, whole))
            state.candidates = [kept for kept in state.candidates if kept is not candidate]
        return suppressed

    def _cooldown_of(self, candidate: Candidate) -> float:
        """Until when incidents that ended lately keep a candidate back, by its people or its place."""
        people = set(candidate.company.people)
        violent = [v for v in self._verdicts if v.result == "VIOLENCE" or v.track_id in self._scene_ids]
        theirs = [verdict for verdict in violent if verdict.track_id in people]
        held = [
            ended.ended_at + self._rules.cooldown_s
            for ended in self._state.ended
            if people & set(ended.company.people)
            or any(ended.company.is_near(verdict, self._rules, -math.inf) for verdict in theirs)
        ]
        return max(held, default=-math.inf)


def _support_score(record: Verdicts, rules: IncidentsConfig) -> float:
    """From which score on a verdict keeps an open incident going; none does where no primary judged."""
    thresholds = [e.threshold for e in record.experts if e.role == "primary" and e.threshold is not None]
    return round(thresholds[0] - rules.hysteresis, 6) if thresholds else math.inf
