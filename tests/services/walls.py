"""What stands between a container's process and this machine, as a shell script for fresh namespaces.

A read-only root (this machine's), the service's volumes, bind mounts and tmpfs, its user, no capabilities, no
new privileges, the image's environment and nothing else of ours; our package as installed from its wheel.
"""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_OURS = "nexara:"
# What other images start, as whom, and who owns the folders that their volumes are mounted on.
_IMAGES = {"redis": ([], "999:1000"), "prom/prometheus": (["/usr/bin/prometheus"], "65534:65534")}


def image_environment() -> dict[str, str]:
    """What the Dockerfile's last stages say with ENV."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    stage = text[text.index(" AS runtime") :]
    words = [shlex.split(line[4:]) for line in stage.splitlines() if line.startswith("ENV ")]
    return dict(word.split("=", 1) for word in itertools.chain.from_iterable(words))


def libraries() -> list[str]:
    """Where this Python's libraries lie."""
    return [path for path in sys.path if path.endswith("site-packages")]


def install(folder: Path) -> Path:
    """Our wheel in an environment of its own, which borrows this one's libraries; returns its `bin`."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    target = folder / "venv" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    sources = folder / "sources"
    ignored = shutil.ignore_patterns(".*", "build", "*.egg-info", "tests", "docs", "nexara-data", "out")
    shutil.copytree(ROOT, sources, ignore=ignored)
    subprocess.run([*pip, "--target", str(target), str(sources)], check=True)
    (target / "borrowed.pth").write_text("\n".join(libraries()) + "\n", encoding="utf-8")
    script = folder / "venv" / "bin" / "nexara"
    script.write_text(
        f"#!{folder}/venv/bin/python\nfrom workers.cli.main import main\nmain()\n", encoding="utf-8"
    )
    script.chmod(0o755)
    shutil.rmtree(sources)
    return script.parent


def script(
    config: Mapping[str, Any],
    command: Sequence[str] | None,
    environ: Mapping[str, str],
    mounts: Mapping[str, str],
    commands: Path,
    volumes: Path,
) -> str:
    """What raises a container's walls in fresh namespaces and then becomes its first process.

    Args:
        config: the service.
        command: instead of the service's.
        environ: beside the service's.
        mounts: further bind mounts, host path -> place, not to be written.
        commands: where `install` has put our command.
        volumes: where named volumes lie.
    """
    root, ours = "/run/nexara-root", config["image"].startswith(_OURS)
    lines = [
        f"mkdir -p {root}; mount -t tmpfs tmpfs {root}; cd {root}; mkdir upper work root",
        "mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root; cd root",
        # This machine's Python may lie in root's home; and what the image would hold may be here, too.
        "chmod 755 root; rm -rf keys etc/nexara var/lib/nexara",
        "install -d -o 10001 -g 10001 keys var/lib/nexara",
        "echo nameserver 127.0.0.11 > /run/nexara-root/resolv.conf; touch etc/resolv.conf",
    ]
    after = ["mount --bind /run/nexara-root/resolv.conf etc/resolv.conf"]
    for text in config.get("tmpfs", ()):
        place, _, options = text.partition(":")
        lines.append(f"mkdir -p .{place}")
        after.insert(0, f"mount -t tmpfs -o {options or 'mode=1777'} tmpfs .{place}")
    mounted = list(config.get("volumes", ()))
    # Also where they would be hidden: a checkout may lie under /tmp.
    more = {**({place: place for place in libraries()} if ours else {}), **mounts}
    mounted += [{"type": "bind", "source": s, "target": t, "read_only": True} for s, t in more.items()]
    for volume in sorted(mounted, key=lambda volume: volume["target"].count("/")):
        source, place = _source(volume, config, volumes), f".{volume['target']}"
        make = (
            f"mkdir -p {place}"
            if source.is_dir()
            else f"[ -e {place} ] || {{ mkdir -p $(dirname {place}); touch {place}; }}"
        )
        lines.append(make)
        after += [make, f"mount --bind {shlex.quote(str(source))} {place}"]
        if volume.get("read_only"):
            after.append(f"mount -o remount,bind,ro {place}")
    if config.get("read_only"):
        lines.append("mount -o remount,ro .")
    lines += after
    lines += ["mount --rbind /dev dev", "mount --bind -o ro /sys sys", "mount -t proc proc proc"]
    variables = [f"{key}={value}" for key, value in _environment(config, environ, commands).items()]
    words = ["env", "-i", *variables, *_command(config, command)]
    start = ["exec", "chroot", ".", *privileges(config), *words]
    return "\n".join([*lines, shlex.join(start), ""])


def _source(volume: Mapping[str, Any], config: Mapping[str, Any], volumes: Path) -> Path:
    if volume["type"] == "bind":
        return (ROOT / volume["source"]).resolve()
    path = volumes / str(volume["source"])
    if not path.is_dir():
        # Docker gives a new volume the owner of the image's folder.
        path.mkdir(parents=True)
        uid, gid = map(int, _user(config).split(":"))
        os.chown(path, uid, gid)
    return path


def _user(config: Mapping[str, Any]) -> str:
    image = str(config["image"])
    default = "10001:10001" if image.startswith(_OURS) else _IMAGES[image.partition(":")[0]][1]
    return str(config.get("user", default))


def privileges(config: Mapping[str, Any]) -> list[str]:
    """The words that give up all rights but the service's own."""
    uid, gid = _user(config).split(":")
    words = ["setpriv", "--reuid", uid, "--regid", gid, "--clear-groups"]
    if config.get("cap_drop") == ["ALL"]:
        words += ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
    return words + (["--no-new-privs"] if "no-new-privileges:true" in config["security_opt"] else [])


def _environment(config: Mapping[str, Any], environ: Mapping[str, str], commands: Path) -> dict[str, str]:
    found = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    if str(config["image"]).startswith(_OURS):
        found |= image_environment()
        found["PATH"] = f"{commands}:/usr/bin:/bin"
    return {**found, **config.get("environment", {}), **environ}


def _command(config: Mapping[str, Any], command: Sequence[str] | None) -> list[str]:
    image = str(config["image"])
    entry = ["nexara"] if image.startswith(_OURS) else list(_IMAGES[image.partition(":")[0]][0])
    return [*entry, *(command if command is not None else config["command"])]
