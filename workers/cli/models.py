"""`nexara models`: pose weights, listed, fetched and imported; public classifiers, converted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from shared.config import ConfigError
from workers.classify.public import PUBLIC as PUBLIC_CLASSIFIERS
from workers.cli.options import site_options
from workers.pose.fetch import PUBLIC, fetch
from workers.pose.weights import CARD, Weights, models_folder, open_weights, present, resolve

SHA256 = r"[0-9a-fA-F]{64}"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"


def _matching(pattern: str, what: str) -> click.ParamType[str]:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise click.BadParameter(f"expected {what}")
        return value

    return click.types.FuncParamType(check)


Sha256 = _matching(SHA256, "64 hexadecimal digits")
Name = _matching(NAME, "letters, digits, dots, dashes")


@click.group()
def models() -> None:
    """Pose weights: what is here, get public ones, import your own. Public classifiers: convert them.

    Pose weights lie in ~/.cache/nexara/models, or in $NEXARA_CACHE; classifiers wherever you want them.
    """


@models.command("list")
def list_models() -> None:
    """Weights that are here, and releases that `fetch` knows."""
    folders = sorted(path.parent for path in models_folder().glob(f"*/{CARD}"))
    click.echo(f"In {models_folder()}:" if folders else f"In {models_folder()}: nothing yet.")
    for folder in folders:
        try:
            click.echo(f"  {folder.name:<28} {_described(open_weights(folder))}")
        except ConfigError as error:
            click.echo(f"  {folder.name:<28} unusable: {error}")
    click.echo("To fetch:")
    for name, release in PUBLIC.items():
        pinned = (
            f"SHA-256 {release.sha256[:12]}... pinned" if release.sha256 else "hash not pinned: give --sha256"
        )
        click.echo(f"  {name:<28} {pinned}")


@models.command("fetch")
@click.argument("name", type=Name)
@click.option("--sha256", type=Sha256, metavar="HASH", help="Refuse the file unless it has this hash.")
@click.option("--url", metavar="URL", help="Another https address of the checkpoint.")
def fetch_model(name: str, sha256: str | None, url: str | None) -> None:
    """Download a public release over HTTPS, check its hash, import it."""
    fetched = fetch(name, sha256, url)
    click.echo(f"{name}: {_described(fetched.weights)}")
    if fetched.verified:
        click.echo(f"SHA-256 {fetched.sha256} as expected.")
    else:
        click.echo(
            f"SHA-256 {fetched.sha256}; nobody pinned it, so compare it with a source that you trust. "
            "Nothing in the file was run.",
            err=True,
        )


@models.command("prepare")
@site_options
def prepare_models(site: Any) -> None:
    """Get the site's pose weights: fetched or imported if they are not here yet."""
    wanted = site.site.pose.weights
    if wanted in PUBLIC and not present(wanted):
        click.echo(f"{wanted}: fetching", err=True)
        fetch(wanted)
    click.echo(f"{wanted}: {_described(resolve(wanted))}")


@models.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", type=Name, metavar="NAME", help="What to call it; default: the file's name.")
@click.option("--sha256", type=Sha256, metavar="HASH", help="Refuse the file unless it has this hash.")
def import_model(file: Path, name: str | None, sha256: str | None) -> None:
    """Import an ultralytics pose checkpoint (.pt).

    Nothing in the file is run; its tensors are kept as safetensors.
    """
    from workers.pose.cache import file_hash
    from workers.pose.checkpoint import convert

    if sha256 is not None and file_hash(file) != sha256.lower():
        raise ConfigError(f"{file}: its SHA-256 is {file_hash(file)}, expected {sha256}: not imported")
    called = name or file.stem
    weights = convert(file, models_folder() / called, called)
    click.echo(f"{called}: {_described(weights)}")
    click.echo(f"Use it with `pose: {{weights: {called}}}` in a site file, or --weights {called}.")


@models.command("convert")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--as",
    "name",
    type=click.Choice(list(PUBLIC_CLASSIFIERS)),
    metavar="NAME",
    required=True,
    help="NET-DATA-STREAM: stgcnpp or msg3d; ntu60 or ntu120; joint, bone, joint-motion or bone-motion.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The .safetensors file to write; default: NAME.safetensors here.",
)
def convert_model(file: Path, name: str, out: Path | None) -> None:
    """Convert a public classifier of pyskl or mmaction2 (.pth, HRNet 2D key points).

    Nothing in the file is run; its tensors are kept as safetensors. See docs/public-checkpoints.md.
    """
    from workers.classify.checkpoint import convert

    written = out or Path(f"{name}.safetensors")
    card = convert(file, name, written)
    click.echo(f"{written}: {len(card.classes)} classes, {len(card.violent)} of them violence")
    click.echo(f"Use it with `{{weights: {written}, role: veto}}` among `classify: {{experts: ...}}`.")
    click.echo(card.licence, err=True)


def _described(weights: Weights) -> str:
    size = weights.tensors.stat().st_size / 2**20
    return f"{size:6.1f} MiB  {weights.hash[:12]}  heads: {', '.join(weights.heads)}"
