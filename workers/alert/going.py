"""Which incidents go on, as far as a channel has been told. Pure."""

from __future__ import annotations


class Going:
    """The open incidents of each camera's last generation: no other one has incidents that go on."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, frozenset[str]]] = {}

    def note(self, camera: str, generation: str, incident_id: str, change: str) -> None:
        """The channel has been told of a change; they come in order."""
        known, ids = self._open.get(camera, (generation, frozenset()))
        ids = ids if known == generation else frozenset()
        self._open[camera] = generation, ids - {incident_id} if change == "end" else ids | {incident_id}

    def on(self, camera: str) -> bool:
        """Whether an incident goes on there."""
        _, ids = self._open.get(camera, ("", frozenset()))
        return bool(ids)
