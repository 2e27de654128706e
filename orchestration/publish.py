"""Write, audit, publish, as Dagster sees it: a promoted version is materialised and then judged, a rejected candidate fails the step.

The order matters: Dagster records a check result against the newest materialisation of the partition (`target_materialization_data`), so
results that come first are recorded against the version before. A step that fails here has materialised nothing: the live version stays,
and what depends on it does not run. `blocking=True` alone does not hold across runs, so downstream steps verify the manifests of their
inputs as well (das_pipeline.run.produce).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData as Target

from checks import check_name
from das_pipeline.errors import DasError
from das_pipeline.gate import GateFailed
from das_pipeline.lake import Version
from das_pipeline.publication.data_docs import PAGE
from das_pipeline.run import Produced
from das_pipeline.settings import PROJECT
from das_pipeline.stages import stage_of, zone_of
from orchestration.attempts import REFUSED
from orchestration.columns import column_lineage

SECTION = "## When something is red"
PREVIEWED = 5  # rows of a published table that the UI shows
Published = Iterator[dg.MaterializeResult | dg.AssetCheckEvaluation | dg.Output[None]]


def publish(context: dg.AssetExecutionContext, table: str, rules: Sequence[str], make: Callable[[], Produced]) -> Published:
    """Yield the materialisation of `table` and its check results when `make` promotes it; else the failed ones, and raise a Failure."""
    begun = time.monotonic()
    # Dagster 1.13.27 shows no partition beside a check of its own: that is a preview there, not ready for production.
    partition = {"partition": context.partition_key} if context.has_partition_key else {}
    try:
        produced = make()
    except GateFailed as failure:
        context.instance.add_run_tags(context.run_id, {REFUSED: table})
        verdicts = [v.as_dict() for v in failure.verdicts]
        name = failure.candidate.name if failure.candidate is not None else "rejected"
        yield from _evaluations(context, _results(table, rules, verdicts, {**partition, "candidate": name}, failure.candidate))
        raise dg.Failure(f"Candidate rejected; the live version of {table} stays. {failure}", allow_retries=False) from None
    except DasError as error:
        raise dg.Failure(f"{table}: {error}", allow_retries=False) from None
    version = produced.version
    context.log.info(f"{table}: version {version.id} {'is live' if produced.is_new else 'was live already: same inputs, same code'}")
    yield dg.MaterializeResult(
        asset_key=dg.AssetKey(table.split("/")),
        data_version=dg.DataVersion(version.id),
        metadata={**described(version), **column_lineage(table), "seconds": round(time.monotonic() - begun, 3)},
    )
    yield from _evaluations(context, _results(table, rules, version.verdicts, {**partition, "candidate": version.id}, version.folder))


def _evaluations(context: dg.AssetExecutionContext, results: Iterator[dg.AssetCheckResult]) -> Published:
    """What Dagster makes of each result, with the materialisation that all of them judge looked up once.

    From an AssetCheckResult, Dagster 1.13.27 makes the same two, and reads the materialisation again for each of some twenty checks.
    """
    outputs = {spec.name: (output, spec) for output, spec in context.assets_def.check_specs_by_output_name.items()}
    partitions = [context.partition_key] if context.has_partition_key else None
    newest = context.instance.fetch_materializations(dg.AssetRecordsFilter(context.asset_key, asset_partitions=partitions), limit=1).records
    target = next((Target(storage_id=r.storage_id, run_id=r.run_id, timestamp=r.timestamp) for r in newest), None)
    for result in results:
        assert result.check_name is not None
        output, spec = outputs[result.check_name]
        yield dg.Output(None, output)
        yield dg.AssetCheckEvaluation(
            asset_key=spec.asset_key,
            check_name=spec.name,
            passed=result.passed,
            metadata=result.metadata,
            target_materialization_data=target,
            severity=result.severity,
            description=result.description,
            blocking=spec.blocking,
        )


def _where_to_look(table: str, folder: Path | None, partition: str | None) -> dict[str, Any]:
    """Where to read more about a failed check: the command that shows the rows, the guide, the partner's receipt."""
    stage, name = stage_of(table), table.split("/")[1]
    command = {"deliveries": f"das quarantine {name}", "terminology": "das terminology unmapped"}.get(stage, "das status")
    places: dict[str, Any] = {"rows": f"`{command}`", "guide": dg.MetadataValue.md(guide())}
    receipt = folder / "receipts" / f"{partition}.json" if folder is not None else None
    if receipt is not None and receipt.exists():
        places["receipt"] = dg.MetadataValue.md(_receipt(receipt))
    return places


@cache
def guide() -> str:
    """The section of the guide for a person who sees red, as text: a browser does not open a file of this machine from the UI."""
    text = (PROJECT / "docs" / "engineers.md").read_text(encoding="utf-8")
    return SECTION + text.partition(SECTION)[2].partition("\n## ")[0]


def _receipt(path: Path) -> str:
    """The receipt of a delivery as text: counts by file and the findings, as the partner got them. It has no value of a row."""
    receipt = json.loads(path.read_text(encoding="utf-8"))
    lines = [f"## {receipt['partner']} {receipt['delivery']}", "", "| file | read | accepted | quarantined |", "|---|---:|---:|---:|"]
    lines += [f"| {f['file']} | {f['read']:,} | {f['accepted']:,} | {f['quarantined']:,} |" for f in receipt["files"]]
    lines += ["", *(f"- {f['rule']}: {f['sentence']}" for f in receipt["findings"])]
    return "\n".join([*lines, "", f"The page for the partner: `{path.with_suffix('.html')}`"])


def described(version: Version) -> dict[str, Any]:
    """Counts, place and provenance of a version: totals of tables and files, never a count by an attribute of persons."""
    files = {name: entry.rows for name, entry in version.files.items() if entry.rows is not None}
    return {
        "dagster/row_count": version.rows,
        "dagster/uri": version.folder.as_uri(),
        "as_of": version.as_of,
        "rows_per_file": dg.MetadataValue.md(
            "\n".join(["| file | rows |", "|---|---:|", *(f"| {n} | {r:,} |" for n, r in sorted(files.items()))])
        ),
        **_preview(version),
        **({"data_docs": dg.MetadataValue.path(version.path(PAGE))} if PAGE in version.files else {}),
        "inputs": dg.MetadataValue.json(dict(version.inputs)),
        "facts": dg.MetadataValue.json(dict(version.facts)),
        **dict(_numbers("", version.facts)),
    }


def _preview(version: Version) -> dict[str, dg.MarkdownMetadataValue]:
    """The first rows of each table that a candidate publishes: protected figures; nothing of a table that is not open is ever shown."""
    tables = [path for path in version.paths("tables/") if path.suffix == ".parquet"] if zone_of(version.table) == "open" else []
    return {"preview": dg.MetadataValue.md("\n\n".join(_first_rows(path) for path in tables))} if tables else {}


def _first_rows(path: Path) -> str:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        rows = next(file.iter_batches(PREVIEWED), None)
    cells = [[str(row[name]) for name in names] for row in (rows.to_pylist() if rows is not None else [])]
    return "\n".join([f"### {path.stem}", "", *(f"| {' | '.join(row)} |" for row in (names, ["---"] * len(names), *cells))])


def _numbers(prefix: str, facts: Mapping[str, Any]) -> Iterator[tuple[str, int | float]]:
    """The numbers among the facts, each with a name of its own, so that Dagster plots them: `account.reports.quarantined`."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _numbers(f"{prefix}{name}.", value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", value


def _results(
    table: str, rules: Sequence[str], verdicts: Sequence[dict[str, Any]], about: Mapping[str, str], folder: Path | None
) -> Iterator[dg.AssetCheckResult]:
    """One result for each rule of the table. Several verdicts of one rule (one per file) become one: it passes when all of them do.

    `about` names the candidate and its partition; a failed result also says where to look on, from what the candidate left in `folder`.
    """
    places = _where_to_look(table, folder, about.get("partition"))
    by_rule: dict[str, list[dict[str, Any]]] = {rule: [] for rule in rules}
    for verdict in verdicts:
        if verdict["rule"] not in by_rule:
            raise DasError(f"{table} judged {verdict['rule']}, which das_pipeline/rules.yaml does not list for it: add it there.")
        by_rule[verdict["rule"]].append(verdict)
    for rule, judged in by_rule.items():
        failed = [v for v in judged if not v["passed"]]
        blocks = any(v["severity"] == "block" for v in failed)
        facts = {k: value for v in judged for k, value in v["facts"].items()}
        yield dg.AssetCheckResult(
            asset_key=dg.AssetKey(table.split("/")),
            check_name=check_name(rule),
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR if blocks or not failed else dg.AssetCheckSeverity.WARN,
            description=" ".join(v["sentence"] for v in failed or judged) or "Not judged in this run: nothing it applies to.",
            metadata={**facts, **about, **(places if failed else {})},
        )
