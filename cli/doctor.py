"""`das doctor`: whether this installation can work, from the environment to the last published byte. It changes nothing."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from importlib.metadata import requires, version
from pathlib import Path

import typer
from rich.table import Column, Table

from cli.console import console
from cli.exits import Exit
from cli.servers import LOCK as UI_LOCK
from das_pipeline.errors import DasError
from das_pipeline.run import Run
from das_pipeline.settings import Settings

app = typer.Typer()

VARIABLES = ("DAS_HOME", "DAS_INBOX", "DAS_KEYS", "DAS_JURISDICTION", "DAS_MEMORY_LIMIT", "DAS_THREADS")
PACKAGES = ("duckdb", "duckdb-extension-httpfs", "dagster", "dagster-webserver", "pyarrow", "pandas")
OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Finding:
    """What was looked at and seen; `fix` says what to do, and is empty when all is well."""

    what: str
    seen: str
    fix: str = ""


@app.command()
def doctor() -> None:
    """Examine this installation: environment, versions, keys, disk, every live version, locks, releases, Dagster. Changes nothing."""
    findings = [finding for examine in EXAMINATIONS for finding in _examined(examine)]
    table = Table(Column("what", no_wrap=True), "", Column("seen", overflow="fold"), Column("how to fix it", overflow="fold"))
    for finding in findings:
        table.add_row(finding.what, "[red]wrong[/]" if finding.fix else "[green]ok[/]", finding.seen, finding.fix)
    console.print(table)
    wrong = sum(bool(finding.fix) for finding in findings)
    console.print(f"{wrong} of {len(findings)} are wrong." if wrong else "All is well. Deliveries that wait or were refused: das status.")
    raise typer.Exit(Exit.FAILED if wrong else Exit.DONE)


def _examined(examine: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield what `examine` finds; an error is a finding too, and the other examinations go on."""
    try:
        yield from examine()
    except DasError as error:
        yield Finding((examine.__doc__ or "").rstrip("."), "it cannot be read", str(error))
    except Exception as error:  # what is so wrong that nobody foresaw it: its own text may hold a value, so only its kind is shown
        yield Finding(
            (examine.__doc__ or "").rstrip("."), f"unexpected {type(error).__name__}", "Report it: it was not made by this version."
        )


def _environment() -> Iterator[Finding]:
    """Settings."""
    others = sorted(name for name in os.environ if name.startswith("DAS_") and name not in VARIABLES)
    misspelt = [f"{name} (is it {nearest[0]}?)" for name in others if (nearest := get_close_matches(name, VARIABLES, n=1, cutoff=0.8))]
    seen = ", ".join(f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ) or "no variable is set: all defaults"
    yield Finding("environment", seen, f"No setting is called {', '.join(misspelt)}." if misspelt else "")
    settings = Settings.from_environment()
    yield Finding("home", f"{settings.home}{'' if settings.home.is_dir() else ': not there yet, the first run makes it'}")


def _jurisdiction() -> Iterator[Finding]:
    """Jurisdiction."""
    from das_pipeline import deliveries
    from das_pipeline.jurisdiction import Jurisdiction
    from das_pipeline.policy import load_policy

    jurisdiction = Jurisdiction(Settings.from_environment().jurisdiction)
    load_policy(jurisdiction)
    partners, contracts = deliveries.load_partners(jurisdiction), deliveries.load_contracts(jurisdiction)
    fix = "" if partners else f"{jurisdiction.folder} has no contracts/<partner>/partner.yaml: set DAS_JURISDICTION."
    yield Finding("jurisdiction", f"{jurisdiction.name}: {len(partners)} partners, {len(contracts)} contracts, policy", fix)


def _versions() -> Iterator[Finding]:
    """Versions."""
    from packaging.requirements import Requirement

    wanted = [Requirement(text) for text in requires("das-pipeline") or []]
    odd = [f"{r.name} {version(r.name)} (needs {r.specifier})" for r in wanted if version(r.name) not in r.specifier]
    seen = ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)])
    yield Finding("versions", seen, f"Run make setup: {'; '.join(odd)}." if odd else "")


def _engine() -> Iterator[Finding]:
    """DuckDB's cipher."""
    import duckdb

    from das_pipeline import engine
    from das_pipeline.privacy import Keys

    settings = Settings.from_environment()
    with engine.in_memory() as connection:
        try:
            engine.configure(connection, settings, Keys.load(settings).encryption)
        except duckdb.Error as error:
            yield Finding("DuckDB's cipher", type(error).__name__, "Install duckdb-extension-httpfs of DuckDB's version: make setup.")
            return
    yield Finding("DuckDB's cipher", "loads from its wheel, without a download")


def _keys() -> Iterator[Finding]:
    """Keys."""
    from das_pipeline.privacy import USES, Keys

    settings = Settings.from_environment()
    keys = Keys.load(settings)
    yield Finding("keys", f"{len(USES)} keys{', demo keys: for simulated deliveries only' if keys.is_demo else ''}")
    folder = settings.keys
    paths = [path for path in (folder, *(folder / use for use in USES)) if path.exists()]
    is_open = [path.name for path in paths if path.stat().st_mode & OTHERS]
    seen = f"{folder}: {'others may use ' + ', '.join(is_open) if is_open else 'its owner only'}"
    yield Finding("modes of the keys", seen, f"chmod -R go= {folder}" if is_open else "")


def _disk() -> Iterator[Finding]:
    """Disk."""
    home = Settings.from_environment().home
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    used = sum(path.stat().st_size for path in home.rglob("*") if path.is_file() and not path.is_symlink())
    fix = "Make room: a run writes new versions beside the live ones." if free < max(used, 1 << 30) else ""
    yield Finding("disk", f"{_gigabytes(free)} free, {_gigabytes(used)} used by the home", fix)


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"


def _live_versions() -> Iterator[Finding]:
    """Live versions."""
    from das_pipeline.damage import damaged_tables, how_to_mend, live_tables

    run = Run.start(Settings.from_environment(), date.max)
    damaged = damaged_tables(run.lake)
    for table, damage in damaged.items():
        yield Finding(f"live version of {table}", damage, how_to_mend(run, table))
    whole = len(live_tables(run.lake)) - len(damaged)
    yield Finding("live versions", f"{whole} tables: every file has the hash in its manifest")


def _locks() -> Iterator[Finding]:
    """Locks."""
    from das_pipeline.lake import LOCK

    home = Settings.from_environment().home
    names = {home / "dagster" / UI_LOCK: "das ui"} | {path: path.parent.relative_to(home).as_posix() for path in home.glob(f"*/*/{LOCK}")}
    held = [f"{name} by {holder}" for path, name in sorted(names.items()) if (holder := _holder(path))]
    yield Finding("locks", f"held: {'; '.join(held)}" if held else "none is held")


def _holder(path: Path) -> str:
    """Return who holds a lock file; nothing when it is free."""
    if not path.exists():
        return ""
    with path.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"process {file.read().removeprefix('process ')}"
    return ""


def _releases() -> Iterator[Finding]:
    """Releases."""
    from das_pipeline import publication
    from das_pipeline.release import is_done, verify_release

    run = Run.start(Settings.from_environment(), date.max)
    releases = publication.releases(run)
    if not releases:
        yield Finding("releases", "none yet")
        return
    for release in releases:
        wrong = verify_release(release.folder)
        yield Finding(
            f"release {release.id}",
            "signed, every file as released" if not wrong else " ".join(wrong),
            f"Restore {release.folder} from backup: a release is never made again." if wrong else "",
        )
    live = publication.current_release(run)
    fix = "" if is_done(run) else "Run das run: it ends what was interrupted."
    yield Finding("live release", f"the link leads to {live.id if live else 'nothing'}", fix)


def _dagster() -> Iterator[Finding]:
    """Dagster."""
    from orchestration.runs import instance

    settings = Settings.from_environment()
    if not (settings.home / "dagster").exists():
        yield Finding("Dagster", "no run yet")
        return
    with instance(settings) as store:
        yield Finding("Dagster", f"its storage answers: {store.get_runs_count():,} runs")


EXAMINATIONS = (_environment, _jurisdiction, _versions, _engine, _keys, _disk, _live_versions, _locks, _releases, _dagster)
