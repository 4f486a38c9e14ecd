"""How often a wrong password may be tried: waits that double, for each address and for each name."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

_FIRST_WAIT_S = 1.0
_LONGEST_FOR_A_NAME_S = 60.0
_REMEMBERED = 10_000


@dataclass
class _Tries:
    """Tries that were wrong, or are not known to be right yet.

    Attributes:
        wait_until: seconds of the caller's clock; before it, nothing is tried.
        last_at: when the last one came.
    """

    count: int = 0
    wait_until: float = 0.0
    last_at: float = 0.0


class Waits:
    """Tries of each key; forgotten after twice the longest wait, or if ten thousand other keys came since.

    Args:
        free: how many wrong tries cost nothing.
        longest_s: where the doubling ends.
    """

    def __init__(self, free: int, longest_s: float) -> None:
        self._free = free
        self._longest_s = longest_s
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def wait_s(self, key: str, now: float) -> float:
        """Seconds until a key may be tried again; 0: now."""
        tries = self._tries.get(key)
        return max(0.0, tries.wait_until - now) if tries else 0.0

    def begin(self, key: str, now: float) -> None:
        """A try begins. It counts as wrong at once, or many at a time would all be free."""
        tries = self._tries.pop(key, None)
        if tries is None or now - tries.last_at > 2 * self._longest_s:
            tries = _Tries()
        tries.count, tries.last_at = tries.count + 1, now
        self._set_wait(tries)
        self._tries[key] = tries
        while len(self._tries) > _REMEMBERED:
            self._tries.popitem(last=False)

    def take_back(self, key: str) -> None:
        """A try was right, which says nothing of those before it."""
        tries = self._tries.get(key)
        if tries is not None:
            tries.count -= 1
            self._set_wait(tries)

    def forget(self, key: str) -> None:
        """A try was right, and those before it were the same person's."""
        self._tries.pop(key, None)

    def _set_wait(self, tries: _Tries) -> None:
        # No power above 2^40: a million tries must not make a number that no float holds.
        doublings = min(tries.count - self._free, 40)
        wait_s = min(_FIRST_WAIT_S * 2.0**doublings, self._longest_s) if doublings >= 0 else 0.0
        tries.wait_until = tries.last_at + wait_s

    def __len__(self) -> int:
        return len(self._tries)


class LoginLimit:
    """Who may try a password now. One thread at a time.

    A name that strangers try has to wait, too, but not where its owner has logged in before: they must not be
    able to lock the owner out.

    Args:
        free: wrong tries that cost nothing, of an address or a name.
        longest_s: the longest wait of an address; of a name it is a minute at most.
    """

    def __init__(self, free: int, longest_s: float) -> None:
        self._addresses = Waits(free, longest_s)
        self._names = Waits(free, min(longest_s, _LONGEST_FOR_A_NAME_S))
        self._at_home: OrderedDict[tuple[str, str], None] = OrderedDict()

    def begin(self, address: str, name: str, now: float) -> float:
        """Begin a try if it may be made now; returns 0, or the seconds to wait instead."""
        place, who = household(address), name.lower()
        at_home = (place, who) in self._at_home
        wait_s = self._addresses.wait_s(place, now)
        if not at_home:
            wait_s = max(wait_s, self._names.wait_s(who, now))
        if wait_s <= 0:
            self._addresses.begin(place, now)
            self._names.begin(who, now)
        return wait_s

    def right(self, address: str, name: str) -> None:
        """The try that was begun last was right."""
        place, who = household(address), name.lower()
        self._addresses.take_back(place)
        self._names.forget(who)
        self._at_home[place, who] = None
        while len(self._at_home) > _REMEMBERED:
            self._at_home.popitem(last=False)


def household(address: str) -> str:
    """What counts as one address: who has an IPv6 address has 2^64 of them."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return address
