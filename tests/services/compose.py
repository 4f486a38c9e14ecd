"""Runs compose.yaml's services without Docker: real processes, each behind the walls that its container has.

Every service gets a network namespace with an address in each of its networks and a name server of its own
that knows who shares one, behind the walls of `walls.py`. Cgroup limits, seccomp and the images themselves
are not covered.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.services import walls
from tests.services.walls import ROOT

TOOLS = ("unshare", "ip", "nsenter", "setpriv", "dnsmasq", "redis-server", "redis-cli", "prometheus")
_REFERENCE = re.compile(r"\$(?:\$|\{(\w+)(?::-([^}]*))?\})")


def missing_tools() -> list[str]:
    """What this machine lacks for it."""
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    absent = [tool for tool in TOOLS if not shutil.which(tool, path=places)]
    return absent + (["root's rights"] if os.geteuid() else [])


def read(environ: Mapping[str, str]) -> dict[str, Any]:
    """compose.yaml as `docker compose config` would resolve it."""

    def resolve(match: re.Match[str]) -> str:
        name, default = match.groups()
        return "$" if name is None else environ.get(name) or default or ""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(item) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item) for item in value]
        return _REFERENCE.sub(resolve, value) if isinstance(value, str) else value

    return dict(walk(yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))))


def await_port_53(server: subprocess.Popen[bytes]) -> None:
    """Waits until a name server listens: before that, a signal would end it."""
    deadline = time.monotonic() + 10
    sockets = Path(f"/proc/{server.pid}/net/udp")
    while ":0035 " not in sockets.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)


@dataclass
class Container:
    """One running (or ended) service.

    Attributes:
        name: `pose-1`; `service` is `pose`.
        addresses: network -> its address there.
        log: what it wrote.
    """

    name: str
    service: str
    addresses: dict[str, str]
    namespace: str
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def first_process(self) -> int:
        """The id of its own first process; the one that we started only waits for it."""
        if not self.running or self.process is None:
            raise RuntimeError(f"{self.name} does not run: {self.text()[-500:]}")
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        deadline = time.monotonic() + 5
        while not (found := children.read_text().split()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return int(found[0])

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@dataclass
class Project:
    """All services of compose.yaml, in `folder`. Use `running()`.

    Args:
        folder: volumes, logs and our package; must be readable by every user.
        environ: what a `.env` would say.
    """

    folder: Path
    environ: Mapping[str, str]
    containers: dict[str, Container] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.chmod(0o755)
        self.config = read(self.environ)
        self._commands = walls.install(self.folder)
        self._id = f"nx{os.getpid() % 10000}"
        self._networks = {name: f"10.77.{i}" for i, name in enumerate(self.config["networks"], start=1)}
        self._helpers: list[subprocess.Popen[bytes]] = []
        self._namespaces: list[str] = []

    # --- networks ---------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def running(self) -> Iterator[Project]:
        """The networks; everything in them ends with the context."""
        hub = f"{self._id}-hub"
        try:
            self._ip("netns", "add", hub)
            self._namespaces.append(hub)
            for number, network in enumerate(self._networks.values()):
                self._ip("-n", hub, "link", "add", f"br{number}", "type", "bridge")
                self._ip("-n", hub, "addr", "add", f"{network}.1/24", "dev", f"br{number}")
                self._ip("-n", hub, "link", "set", f"br{number}", "up")
            yield self
        finally:
            for container in self.containers.values():
                if container.running:
                    self.stop(container.name, signal.SIGKILL)
            for helper in self._helpers:
                helper.kill()
                helper.wait()
            for namespace in self._namespaces:
                subprocess.run(["ip", "netns", "del", namespace], check=False)

    def _ip(self, *arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True)

    def _plug_in(self, name: str, service: Mapping[str, Any]) -> Container:
        """A namespace with a cable to each of the service's networks."""
        index = len(self._namespaces) + 1
        namespace = f"{self._id}-{index}"
        self._ip("netns", "add", namespace)
        self._namespaces.append(namespace)
        self._ip("-n", namespace, "link", "set", "lo", "up")
        addresses = {}
        for network in service.get("networks", ()):
            number = list(self._networks).index(network)
            addresses[network] = f"{self._networks[network]}.{index + 1}"
            here, there = f"e{number}", f"v{index}x{number}"
            hub = self._namespaces[0]
            self._ip("-n", hub, "link", "add", there, "type", "veth", "peer", here, "netns", namespace)
            self._ip("-n", hub, "link", "set", there, "master", f"br{number}", "up")
            self._ip("-n", namespace, "addr", "add", f"{addresses[network]}/24", "dev", here)
            self._ip("-n", namespace, "link", "set", here, "up")
        hosts = self.folder / f"{name}.hosts"
        hosts.write_text("", encoding="utf-8")
        dns = ["dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", f"--addn-hosts={hosts}"]
        dns += ["--listen-address=127.0.0.11", "--bind-interfaces", "--user=root", "--local-ttl=1"]
        self._helpers.append(subprocess.Popen(["ip", "netns", "exec", namespace, *dns]))
        await_port_53(self._helpers[-1])
        return Container(name, name.rsplit("-", 1)[0], addresses, namespace, self.folder / f"{name}.log")

    def _announce(self) -> None:
        """Tells each name server who is there now; it reads the file again at SIGHUP."""
        for container in self.containers.values():
            lines = [
                f"{other.addresses[network]} {other.service} {other.name}\n"
                for other in self.containers.values()
                for network in other.addresses.keys() & container.addresses.keys()
                if other.running
            ]
            (self.folder / f"{container.name}.hosts").write_text("".join(lines), encoding="utf-8")
        for helper in self._helpers:
            helper.send_signal(signal.SIGHUP)

    # --- containers -------------------------------------------------------------------------------------

    def start(
        self,
        service: str,
        number: int = 1,
        command: Sequence[str] | None = None,
        environ: Mapping[str, str] | None = None,
        mounts: Mapping[str, str] | None = None,
    ) -> Container:
        """Starts a service, or starts it again; what it depends on is the caller's business."""
        config = self.config["services"][service]
        name = f"{service}-{number}"
        container = self.containers.get(name) or self._plug_in(name, config)
        script = self.folder / f"{name}.sh"
        text = walls.script(
            config, command, environ or {}, mounts or {}, self._commands, self.folder / "volumes"
        )
        script.write_text(f"hostname {name}\n{text}", encoding="utf-8")
        apart = ["unshare", "--mount", "--uts", "--pid", "--fork", "--propagation", "private"]
        with container.log.open("ab") as output:
            container.process = subprocess.Popen(
                ["ip", "netns", "exec", container.namespace, *apart, "sh", "-e", str(script)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.containers[name] = container
        self._announce()
        return container

    def run(self, service: str, command: Sequence[str] | None = None, **more: Any) -> tuple[int, str]:
        """Runs a service to its end, as `docker compose run`; returns exit code and output."""
        before = self.containers.get(f"{service}-1")
        said = len(before.text()) if before else 0
        container = self.start(service, 1, command, **more)
        assert container.process is not None
        code = container.process.wait(180)
        return code, container.text()[said:]

    def stop(self, name: str, number: int = signal.SIGTERM) -> float:
        """Signals a container's first process; returns how long it took to end, seconds."""
        container = self.containers[name]
        began = time.monotonic()
        os.kill(container.first_process, number)
        assert container.process is not None
        container.process.wait(30)
        self._announce()
        return time.monotonic() - began

    def inside(self, name: str, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Runs a command in a container's namespaces, as `docker compose exec`."""
        container = self.containers[name]
        config = self.config["services"][container.service]
        pid = container.first_process
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        inside = ["nsenter", "--target", str(pid), "--mount", "--net", "--pid", "--root", "--"]
        inside += [*walls.privileges(config), "env", "-i"]
        return subprocess.run(
            [*inside, *(word.decode() for word in environ if word), *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def healthy(self, name: str) -> bool:
        """What the service's health check says."""
        kind, *test = self.config["services"][self.containers[name].service]["healthcheck"]["test"]
        command = ["sh", "-c", test[0]] if kind == "CMD-SHELL" else test
        return self.containers[name].running and self.inside(name, command).returncode == 0

    def ask(self, name: str, url: str) -> Any:
        """JSON from a URL, as seen from a container's network."""
        program = f"import urllib.request as u; print(u.urlopen({url!r}, timeout=5).read().decode())"
        done = subprocess.run(
            ["ip", "netns", "exec", self.containers[name].namespace, sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(done.stdout) if done.returncode == 0 else None

    def volume(self, name: str) -> Path:
        """A named volume's folder on this machine."""
        return self.folder / "volumes" / name
