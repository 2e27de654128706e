"""The table `terminology/records`: every record version of every partner with its concepts beside the values as delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from das_pipeline import engine, layered
from das_pipeline.deliveries import judge_completeness, load_contracts, partners_in, register_records
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, Version
from das_pipeline.policy import Block, load_policy
from das_pipeline.run import Run
from das_pipeline.terminology import judging
from das_pipeline.terminology.base import COUNTS, SEEN, Base, facts_of_base, find_base
from das_pipeline.terminology.columns import ConceptColumn, concept_columns
from das_pipeline.terminology.differences import compare
from das_pipeline.terminology.judging import Account, Share
from das_pipeline.terminology.lookup import look_up, with_concepts
from das_pipeline.terminology.readers import live_concepts
from das_pipeline.terminology.recount import recount
from das_pipeline.terminology.sign_offs import SignOff, load_sign_offs
from das_pipeline.terminology.unused import codes_are_in_use

ORDER = "record_no, sub, known_from, delivery, line_no"


def build_records(run: Run, draft: Draft) -> list[Verdict]:
    """Write the records of all partners to `draft` with their concepts; return the verdicts I10, T01, T02, T03, T06, T07, T08 and T09.

    A value is trimmed, rewritten to its canonical form if its contract names one, and looked up in its list as of its date. The value as
    delivered stays beside the concept. A value without a mapping is never guessed: its concept is `unknown`, and it is listed in
    `unmapped`.
    """
    concepts = live_concepts(run)
    limits = load_policy(run.jurisdiction).terminology
    present = set(partners_in(run))
    files = [(partner, file) for partner, file in load_contracts(run.jurisdiction) if partner in present]
    columns = [c for c in concept_columns(run.jurisdiction) if c.partner in present]
    with run.connect(identifying=True) as connection:
        base = find_base(connection, run, draft, concepts, files, columns)
        if base is None:
            views = {(partner, file): register_records(run, connection, partner, file) for partner, file in files}
            accounts = _write_whole(connection, run, draft, concepts, columns, views)
            draft.facts["base"] = facts_of_base(run, concepts, files)
        else:
            layered.expect_few_rows(connection, base.version)
            accounts = _write_overlay(connection, run, draft, concepts, columns, files, base)
            draft.facts["base"] = base.version.facts["base"]
        name = "unmapped.parquet"
        draft.rows[name] = engine.write_parquet(
            connection,
            engine.sql(__package__, "unmapped.sql"),
            draft.path(name),
            order_by='partner, file, "column", month, code',
            encrypted=True,
        )
        ambiguous = int(engine.scalar(connection, f"SELECT COUNT(*) FROM ({engine.sql(__package__, 'ambiguous.sql')})"))
        recounted = recount(connection, run.jurisdiction, columns)
        in_use = codes_are_in_use(connection, run.as_of)
        shares = [Share(*row) for row in connection.execute(engine.sql(__package__, "shares.sql") + "ORDER BY field, month").fetchall()]
    draft.facts["mapping_version"] = concepts.facts["mapping_version"]
    draft.facts["columns"] = {  # exact counts of a whole column: no attribute of persons
        a.column.place: {"rows": a.delivered, "mapped": a.mapped, "unknown": a.unknown, "not_applicable": a.not_applicable}
        for a in accounts
    }
    return [
        judge_completeness(run),
        judging.codes_are_listed(shares),
        judging.unmapped_share_is_small(shares, limits.unmapped_share),
        judging.values_have_one_concept(ambiguous),
        judging.mapping_loses_no_row(accounts),
        judging.concepts_are_recounted(accounts, recounted),
        in_use,
        _changes_are_meant(run, draft, concepts, limits.changed_share),
    ]


def _changes_are_meant(run: Run, draft: Draft, concepts: Version, limits: Block) -> Verdict:
    """Return T07, which compares the live records with the mapping set when it is another than they were made with."""
    if draft.live is None or draft.live.facts["mapping_version"] == concepts.facts["mapping_version"]:
        return judging.changes_are_meant([], [], limits, None)
    with run.connect(confidential=True) as connection:
        changed = compare(run, connection, draft.live, concepts)
    return judging.changes_are_meant(changed.columns, changed.redefined, limits, _signed(run, concepts))


def _signed(run: Run, concepts: Version) -> SignOff | None:
    """Return the sign-off of the mapping set that holds on the run's date."""
    signed = (s for s in load_sign_offs(run.jurisdiction) if s.mapping_version == concepts.facts["mapping_version"])
    return next((s for s in signed if run.as_of <= s.expires_on), None)


Views = Mapping[tuple[str, str], str]


def _write_whole(
    connection: duckdb.DuckDBPyConnection, run: Run, draft: Draft, concepts: Version, columns: Sequence[ConceptColumn], views: Views
) -> list[Account]:
    """Write the records of all files, and what is counted of them; return the account of each coded column."""
    look_up(connection, run, concepts, columns, views)
    _create_counts(connection)
    for (partner, file), view in views.items():
        coded = [c for c in columns if (c.partner, c.file) == (partner, file)]
        _count(connection, engine.parquet([_write(connection, run, draft, view, f"{partner}/{file}.parquet", coded)]), coded, 1)
    for name, table, order in ((SEEN, "seen", "field, raw, day"), (COUNTS, "counts", "field, concept")):
        engine.write_parquet(connection, f"SELECT * FROM {table}", draft.path(name), order_by=order, encrypted=True)
    return _accounts(connection, columns)


def _write_overlay(
    connection: duckdb.DuckDBPyConnection,
    run: Run,
    draft: Draft,
    concepts: Version,
    columns: Sequence[ConceptColumn],
    files: Sequence[tuple[str, str]],
    base: Base,
) -> list[Account]:
    """Write the records that were touched since `base`, which stays as it is; return the account of each coded column of all."""
    draft.adopt(base.version, SEEN)
    draft.adopt(base.version, COUNTS)
    new: dict[tuple[str, str], str] = {}
    old: dict[tuple[str, str], str] = {}
    for partner, file in files:
        name = f"{partner}/{file}"
        delivered = base.touched(run, partner, file)
        if delivered is None:
            draft.adopt(base.version, f"{name}.parquet")
            continue
        touched = layered.write_touched(connection, draft, base.version, name, delivered)
        before = engine.parquet([base.version.path(f"{name}.parquet")])
        before = f"(SELECT r.* FROM {before} AS r SEMI JOIN {touched} AS t ON t.record_no = r.record_no)"
        for by_file, kind, source in ((new, "new", register_records(run, connection, partner, file, only=touched)), (old, "old", before)):
            by_file[partner, file] = engine.identifier(f"{kind}_{partner}_{file}")
            connection.execute(f"CREATE TEMP TABLE {by_file[partner, file]} AS SELECT * FROM {source}")
    look_up(connection, run, concepts, columns, new, seen=engine.parquet([base.version.path(SEEN)]), replaced=old)
    _create_counts(connection)
    connection.execute(f"INSERT INTO counts SELECT * FROM {engine.parquet([base.version.path(COUNTS)])}")
    for (partner, file), view in new.items():
        coded = [c for c in columns if (c.partner, c.file) == (partner, file)]
        _count(connection, old[partner, file], coded, -1)
        _count(connection, engine.parquet([_write(connection, run, draft, view, f"{partner}/{file}{layered.OVERLAY}", coded)]), coded, 1)
    return _accounts(connection, columns)


def _write(connection: duckdb.DuckDBPyConnection, run: Run, draft: Draft, view: str, name: str, columns: Sequence[ConceptColumn]) -> Path:
    """Write the records of one view; return the path of the file."""
    path = draft.path(name)
    query, parameters = with_concepts(run, view, columns)
    draft.rows[name] = engine.write_parquet(connection, query, path, order_by=ORDER, encrypted=True, parameters=parameters)
    return path


def _create_counts(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TEMP TABLE counts (field VARCHAR, concept VARCHAR, rows BIGINT)")


def _count(connection: duckdb.DuckDBPyConnection, records: str, columns: Sequence[ConceptColumn], sign: int) -> None:
    """Add to `counts` how many of the records have each concept; a `sign` of -1 takes them off."""
    if not columns:
        return
    names = [engine.identifier(f"{c.column}_concept") for c in columns]
    field = " ".join(f"WHEN GROUPING({name}) = 0 THEN $field{n}" for n, name in enumerate(names))
    concept = " ".join(f"WHEN GROUPING({name}) = 0 THEN {name}" for name in names)
    connection.execute(
        f"""INSERT INTO counts SELECT CASE {field} END, CASE {concept} END, {sign} * COUNT(*) FROM {records}
        GROUP BY GROUPING SETS ({", ".join(f"({name})" for name in names)})""",
        {f"field{n}": c.place for n, c in enumerate(columns)},
    )


def _accounts(connection: duckdb.DuckDBPyConnection, columns: Sequence[ConceptColumn]) -> list[Account]:
    """The account of each coded column, from `seen` and `counts`."""
    delivered = dict(connection.execute("SELECT field, SUM(rows) FROM seen GROUP BY field").fetchall())
    counts: dict[str, dict[str, int]] = {}
    for field, concept, rows in connection.execute(
        "SELECT field, concept, CAST(SUM(rows) AS BIGINT) FROM counts GROUP BY field, concept HAVING SUM(rows) <> 0"
    ).fetchall():
        counts.setdefault(field, {})[concept] = rows
    return [Account(c, int(delivered.get(c.place, 0)), counts.get(c.place, {})) for c in columns]
