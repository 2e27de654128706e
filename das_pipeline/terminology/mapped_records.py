"""The table `terminology/records`: every record version of every partner with its concepts beside the values as delivered."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries import judge_completeness, load_contracts, partners_in, register_records
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, Version
from das_pipeline.policy import Block, load_policy
from das_pipeline.run import Run
from das_pipeline.terminology import judging
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
        views = {(partner, file): register_records(run, connection, partner, file) for partner, file in files}
        look_up(connection, run, concepts, columns, views)
        accounts: list[Account] = []
        for (partner, file), view in views.items():
            coded = [c for c in columns if (c.partner, c.file) == (partner, file)]
            accounts += _write(connection, run, draft, view, f"{partner}/{file}.parquet", coded)
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


def _write(
    connection: duckdb.DuckDBPyConnection, run: Run, draft: Draft, view: str, name: str, columns: Sequence[ConceptColumn]
) -> list[Account]:
    """Write the records of one file; return the account of each of its coded columns."""
    path = draft.path(name)
    query, parameters = with_concepts(run, view, columns)
    draft.rows[name] = engine.write_parquet(connection, query, path, order_by=ORDER, encrypted=True, parameters=parameters)
    delivered = dict(connection.execute("SELECT field, SUM(rows) FROM seen GROUP BY field").fetchall())
    accounts = []
    for column in columns:
        concept = engine.identifier(f"{column.column}_concept")
        counts = dict(connection.execute(f"SELECT {concept}, COUNT(*) FROM {engine.parquet([path])} GROUP BY {concept}").fetchall())
        accounts.append(Account(column, int(delivered.get(column.place, 0)), counts))
    return accounts
