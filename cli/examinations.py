"""What `das doctor` examines: each function yields what it looked at and saw, and what to do where something is wrong."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from importlib.metadata import requires, version
from pathlib import Path

from cli.servers import LOCK as UI_LOCK
from das_pipeline.disk import RELEASES
from das_pipeline.run import Run
from das_pipeline.settings import Settings

VARIABLES = ("DAS_HOME", "DAS_INBOX", "DAS_KEYS", "DAS_JURISDICTION", "DAS_MEMORY_LIMIT", "DAS_THREADS", "DAS_ENGINE", "DAS_ALERTS")
PACKAGES = ("duckdb", "duckdb-extension-httpfs", "dagster", "dagster-webserver", "pyarrow", "pandas")
OTHERS = stat.S_IRWXG | stat.S_IRWXO
WRITTEN_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Finding:
    """What was looked at and seen; `fix` says what to do, and is empty when all is well."""

    what: str
    seen: str
    fix: str = ""


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
    from das_pipeline.jurisdiction import Jurisdiction
    from das_pipeline.references import find_faults

    jurisdiction = Jurisdiction(Settings.from_environment().jurisdiction)
    seen = f"{jurisdiction.name}: {len(jurisdiction.partners)} partners"
    if not jurisdiction.partners:
        yield Finding("jurisdiction", seen, f"{jurisdiction.folder} has no contracts/<partner>/partner.yaml: set DAS_JURISDICTION.")
    elif faults := find_faults(jurisdiction):
        yield Finding("jurisdiction", f"{seen}; mistakes in its files: {len(faults)}", f"das check lists them. The first: {faults[0]}")
    else:
        yield Finding("jurisdiction", f"{seen}, no mistake in its files")


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


def _address() -> Iterator[Finding]:
    """Address of the figures."""
    from das_pipeline.errors import ConfigurationError
    from das_pipeline.jurisdiction import Jurisdiction
    from das_pipeline.privacy import Keys
    from das_pipeline.publication import table_texts

    settings = Settings.from_environment()
    catalogue = table_texts(Jurisdiction(settings.jurisdiction)).catalogue
    seen = f"{catalogue.address}, {catalogue.email}"
    try:
        catalogue.require_for(is_simulated=Keys.load(settings).is_demo)
    except ConfigurationError as error:
        yield Finding("address of the figures", seen, str(error))
    else:
        yield Finding("address of the figures", seen)


def _known_keys() -> Iterator[Finding]:
    """Keys of the home."""
    from das_pipeline.known_keys import LOSS, is_rotating, replaced_keys
    from das_pipeline.privacy import Keys

    settings = Settings.from_environment()
    if is_rotating(settings.home):
        yield Finding("keys of the home", "the encryption key is being replaced", "das keys rotate goes on where it stopped.")
        return
    replaced = replaced_keys(settings.home, Keys.load(settings))
    for use in replaced:
        fix = f"Put the right one back, or restore it from backup (docs/privacy.md). {LOSS[use]}."
        yield Finding(f"{use} key of the home", "not the one that the home was made with", fix)
    if not replaced:
        yield Finding("keys of the home", "what it was made with")


def _modes() -> Iterator[Finding]:
    """Modes of the home."""
    home = Settings.from_environment().home
    if not home.is_dir():
        return
    entries = [path for path in sorted(home.iterdir()) if not path.is_symlink()]
    closed = [path for path in entries if path.name != RELEASES]
    is_open = [path.name for path in closed if path.stat().st_mode & OTHERS]
    if home.stat().st_mode & (OTHERS & ~(stat.S_IXGRP | stat.S_IXOTH)):
        is_open.insert(0, ".")
    if (home / RELEASES).is_dir() and (home / RELEASES).stat().st_mode & WRITTEN_BY_OTHERS:
        is_open.append(RELEASES)
    seen = f"others may use {', '.join(is_open[:5])}" if is_open else f"its owner only, but for {RELEASES}"
    fix = f"The next das run closes it. Until then: chmod -R go= {home}, then chmod go+x {home}, and chmod -R go+rX {home / RELEASES}."
    yield Finding("modes of the home", seen, fix if is_open else "")


def _alerts() -> Iterator[Finding]:
    """Alerts."""
    from das_pipeline.privacy import Keys
    from orchestration.channels import UNREACHABLE, kind_of, load_configuration

    settings = Settings.from_environment()
    channels = load_configuration(settings.alerts).channels
    if not channels:
        fix = "" if Keys.load(settings).is_demo else f"Name a channel in {settings.alerts} (docs/engineers.md, Alerts)."
        yield Finding("alerts", "no channel: nobody is told what a person must act on; das status shows it", fix)
    for name, channel in channels.items():
        try:
            channel.require_reachable()
        except UNREACHABLE as error:
            yield Finding(f"alerts by {name}", f"not reachable ({kind_of(error)})", f"Correct the channel in {settings.alerts}.")
        else:
            yield Finding(f"alerts by {name}", f"the {channel.kind} answers")


def _leftovers() -> Iterator[Finding]:
    """Leftovers."""
    from das_pipeline.retention import leftovers

    home = Settings.from_environment().home
    left = leftovers(home)
    names = ", ".join(str(found.folder.relative_to(home)) for found in left[:5] if found.folder is not None)
    size = sum(found.bytes for found in left) / 1e6
    seen = f"{len(left)} of killed processes, {size:,.1f} MB: {names}" if left else "of killed processes: none"
    yield Finding("leftovers", seen, "das clean removes them." if left else "")


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


EXAMINATIONS = (
    _environment,
    _jurisdiction,
    _versions,
    _engine,
    _keys,
    _address,
    _known_keys,
    _modes,
    _disk,
    _live_versions,
    _locks,
    _leftovers,
    _releases,
    _dagster,
    _alerts,
)
