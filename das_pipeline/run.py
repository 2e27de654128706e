"""One run over the lake, and the only way in which a table is made: write, audit, publish.

`produce` writes a candidate version, judges it, and promotes it or leaves it aside as rejected while the live version stays. It is the same
for every stage, with Dagster or without.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

import duckdb

from das_pipeline import engine, spark
from das_pipeline.disk import require_room
from das_pipeline.errors import DasError, LakeError
from das_pipeline.gate import GateFailed, Verdict, blocking
from das_pipeline.home_format import require_current
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.known_keys import claim_home, verify_keys
from das_pipeline.lake import Draft, Lake, Version, canonical, verify
from das_pipeline.privacy import Keys, register_keyed_macro
from das_pipeline.settings import Settings
from das_pipeline.stages import DECISION, code_of, reads_of, stage_of, zone_of
from das_pipeline.waivers import waived

Connections = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]


@dataclass(frozen=True)
class Run:
    """What a stage gets: the lake, the jurisdiction, the keys, and the date as known on which everything is read."""

    settings: Settings
    lake: Lake
    jurisdiction: Jurisdiction
    keys: Keys
    as_of: date
    connections: Connections = engine.in_memory

    @classmethod
    def start(cls, settings: Settings, as_of: date, connections: Connections = engine.in_memory) -> Run:
        """A run with the keys that the home was made with; KeyReplaced when one is another, WrongFormat when the home is.

        ConfigurationError when it is to run on Spark and this machine has none.
        """
        os.umask(0o077)  # whatever a run writes is its owner's alone; a release is opened when it is finished
        require_current(settings.home)
        if settings.engine == "spark":
            spark.require()
        keys = Keys.load(settings)
        verify_keys(settings.home, keys)
        return cls(settings, Lake(settings.home), Jurisdiction(settings.jurisdiction), keys, as_of, connections)

    def known_on(self, as_of: date) -> Run:
        """The same run, as known on another date."""
        return replace(self, as_of=as_of)

    def decided_on(self) -> date:
        """The last day whose figures were decided on; date.min before the first. What arrives later becomes known on a later day."""
        decided = self.lake.current(DECISION)
        return date.min if decided is None else date.fromisoformat(decided.as_of)

    @contextmanager
    def begin(self, table: str, *, is_damaged: bool = False) -> Iterator[Draft]:
        """Hold the lock of `table` with a new draft of it, in a home that remembers the keys of this run."""
        with self.lake.begin(table, is_damaged=is_damaged) as draft:
            claim_home(self.settings, self.keys)
            yield draft

    @contextmanager
    def connect(self, *, confidential: bool = False, identifying: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own; without a flag it cannot read what is encrypted.

        A `confidential` one reads and writes encrypted files; an `identifying` one does too, and has the macro `keyed`.
        """
        with self.connections() as connection:
            engine.configure(connection, self.settings, self.keys.encryption if confidential or identifying else None)
            if identifying:
                register_keyed_macro(connection, self.keys.pseudonym)
            yield connection


Build = Callable[[Run, Draft], list[Verdict]]


@dataclass(frozen=True)
class Produced:
    """The version that is live after `produce`, and whether this call made it."""

    version: Version
    is_new: bool


def produce(
    run: Run,
    table: str,
    build: Build,
    *,
    inputs: Sequence[str] = (),
    salt: str = "",
    chained: bool = False,
) -> Produced:
    """The live version of `table` made by `build` from the live versions of `inputs`, each verified first.

    Equal inputs, `as_of`, code and files of the jurisdiction that the table's stage reads ⇒ nothing is done again, unless a file of the
    live version is damaged. `salt` stands for inputs that are no tables (a delivery's manifest). `chained` makes the version remember the
    one before it (ledgers, deliveries), which is verified too: a damaged one raises LakeError, since no input has what it remembers. A
    failed blocking rule raises GateFailed.
    """
    versions = {name: run.lake.open(name) for name in inputs}
    stage = stage_of(table)
    run = replace(run, jurisdiction=run.jurisdiction.limited_to(reads_of(stage)), lake=Lake(run.lake.home, versions))
    if run.settings.engine == "spark" and stage in spark.STAGES:
        run = replace(run, connections=spark.over(run.connections))
    inputs_hash = _hash_of(run, table, {n: v.id for n, v in versions.items()}, salt)
    is_damaged = False
    try:
        live = run.lake.current(table)
        is_same = live is not None and live.inputs_hash == inputs_hash
        if live is not None and (is_same or chained):
            verify(live, is_whole=not chained)
        if live is not None and is_same:
            return Produced(live, is_new=False)
    except LakeError:
        if chained:  # what it remembers is in no input, and would go on in the next version
            raise
        is_damaged = True
    require_room(run.lake.home)
    with engine.errors_of_engine(table), run.begin(table, is_damaged=is_damaged) as draft:
        if draft.live is not None and draft.live.inputs_hash == inputs_hash:  # made by another process while this one waited
            return Produced(draft.live, is_new=False)
        if any(version.facts.get("is_simulated") for version in versions.values()):  # what comes of simulated deliveries says so
            draft.facts["is_simulated"] = True
        try:
            verdicts = waived(run.jurisdiction, table, build(run, draft), run.as_of)
        except (duckdb.Error, DasError):
            for version in (*versions.values(), *([draft.live] if draft.live is not None and chained else [])):
                verify(version, is_whole=True)  # a damaged file is the cause to name
            raise
        version = run.lake.seal(
            draft,
            as_of=run.as_of.isoformat(),
            inputs={n: v.id for n, v in versions.items()},
            inputs_hash=inputs_hash,
            verdicts=verdicts,
            encrypted=zone_of(table) != "open",
            previous=draft.live.id if draft.live is not None and chained else None,
        )
        if blocking(verdicts):
            raise GateFailed(table, verdicts, version.folder)
        run.lake.promote(version)
    return Produced(version, is_new=True)


def is_made_here(run: Run, version: Version) -> bool:
    """Return whether this code, and the files that the jurisdiction has now, made `version`."""
    stage_run = replace(run, jurisdiction=run.jurisdiction.limited_to(reads_of(stage_of(version.table))))
    as_made = replace(stage_run, as_of=date.fromisoformat(version.as_of))
    return version.inputs_hash == _hash_of(as_made, version.table, version.inputs)


def _hash_of(run: Run, table: str, inputs: Mapping[str, str], salt: str = "") -> str:
    """Return the hash of everything that a version of `table` depends on, of a run that is limited to what the stage reads."""
    basis = {
        "table": table,
        "as_of": run.as_of.isoformat(),
        "inputs": dict(inputs),
        "jurisdiction": run.jurisdiction.hash,
        "code": code_version(stage_of(table)),
        "salt": salt,
    }
    return hashlib.sha256(canonical(basis)).hexdigest()


@cache
def code_version(stage: str = "release") -> str:
    """SHA-256 over the sources that can change a table of `stage`: other code, other version. That of the last stage covers them all."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    folders = {*code_of(stage), "."}
    sources = (p for p in root.rglob("*") if p.suffix in {".py", ".sql", ".html", ".css", ".js", ".json", ".yaml"})
    for path in sorted(p for p in sources if p.relative_to(root).parts[0] in folders or p.parent == root):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
