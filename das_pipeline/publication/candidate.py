"""The candidate: all published tables with their metadata, a pure function of protected leaves, terminology and definitions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.deliveries import is_real
from das_pipeline.errors import ConfigurationError
from das_pipeline.gate import Verdict
from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.lake import Draft, canonical
from das_pipeline.policy import load_policy
from das_pipeline.publication import (
    api,
    beside,
    breaks,
    catalog,
    csvw,
    database,
    differences,
    expectations,
    formats,
    judging,
    metadata,
    package,
    revisions,
)
from das_pipeline.publication.changes import changes
from das_pipeline.publication.definitions import Table, published_tables, tables_in
from das_pipeline.publication.quality import in_form, quality
from das_pipeline.publication.releases import Release, earlier_releases, require_intact_releases
from das_pipeline.publication.renamed import renamed_categories
from das_pipeline.publication.tables import external_cells, protected_cells, write
from das_pipeline.publication.texts import TableTexts, load_words, table_texts
from das_pipeline.run import Run
from das_pipeline.terminology import Scheme, load_schemes

CONCEPTS = ("concepts.ttl", "concepts.jsonld")  # the terminology as SKOS


def build_candidate(run: Run, draft: Draft) -> list[Verdict]:
    """Write every published table in every format, data package, concepts, changes, quality sheet and das.duckdb; return the verdicts.

    Nothing here comes from a clock: dates are those of `as_of`, so equal inputs give equal bytes.
    """
    require_intact_releases(run)
    texts, words = table_texts(run.jurisdiction), load_words(run.jurisdiction)
    texts.catalogue.require_for(is_simulated=not is_real(run))
    as_of = run.as_of.isoformat()
    mapping_version = run.lake.live("terminology/concepts").facts["mapping_version"]
    policy = load_policy(run.jurisdiction)
    tables = published_tables(run, texts)
    schemes = load_schemes(run.jurisdiction)
    described: list[dict[str, object]] = []
    published = 0
    periods: dict[str, list[str]] = {}
    with run.connect() as connection:
        for table in tables:
            if table.kind != "external":
                cells = protected_cells(connection, run.lake, table, run.as_of, policy)
            else:
                cells = external_cells(connection, run.lake, table)
            columns = _columns(table, cells, texts, schemes)
            parquet = draft.path(f"tables/{table.name}.parquet")
            schema = metadata.arrow_schema(table, columns, as_of, mapping_version)
            rows = write(cells, schema, parquet, texts.columns, words, is_simulated=table.is_simulated)
            draft.rows |= {f"tables/{table.name}.{extension}": rows for extension in formats.extensions(words.languages)}
            published += rows
            periods[table.name] = cells["period"].unique().to_pylist()
            csvw.write(table, columns, parquet.parent, run.jurisdiction.concept_uri)
            described += package.resources(table, columns, draft.folder, texts.columns, words)
        earlier = earlier_releases(run)
        before = earlier[-1] if earlier else None
        changed = changes(draft.folder, before.folder if before else None, before.manifest["version"] if before else None)
        defined = defined_codes(tables, schemes, texts)
        renamed, mapped = renamed_categories(tables, before.folder if before else None, defined, schemes)
        for name, dimensions in renamed.items():
            changed["tables"][name]["renamed"] = dimensions
        changed |= {"as_of": as_of, "previous": before.id if before else None}
        _json(draft, "changes.json", changed)
        draft.rows |= {
            revisions.FILE: revisions.write(draft.folder, run.as_of, earlier),
            differences.FILE: differences.write(draft.folder, texts.differences, texts.simulated, words.languages),
            breaks.FILE: breaks.write(draft.folder, texts.breaks, words.languages),
        }
        files = beside.files(draft.folder, tables, texts, words)
        for file in files:
            csvw.write(file, file.columns, draft.folder, run.jurisdiction.concept_uri)
            described.append(file.resource(draft.folder))
        described_whole = package.data_package(run.jurisdiction.name, as_of, tables, texts, changed["version"], mapping_version, described)
        _json(draft, "datapackage.json", described_whole)
        _json(draft, "quality.json", quality(run, tables))
        _json(
            draft,
            expectations.FILE,
            expectations.suites(tables, defined, before, run.as_of, policy.publication),
        )
        _json(draft, api.TABLES, api.list_tables(draft.folder, described_whole, files))
        draft.path(api.OPENAPI).write_bytes(api.openapi())
        catalog.write(draft.folder, [*tables, *files], periods, texts, described_whole)
        database.write(draft.path("das.duckdb"), tables, draft.folder / "tables", files, words)
        for name in CONCEPTS:
            draft.path(name).write_bytes(run.lake.live("terminology/concepts").path(name).read_bytes())
        verdicts = [*judging.judge(connection, draft.folder), mapped]
    draft.derived.add("das.duckdb")
    draft.facts |= {"tables": len(tables), "cells": published, "version": changed["version"], "mapping_version": mapping_version}
    draft.facts |= {key: changed[key] for key in ("added", "removed", "revised")}
    return verdicts


def descriptors_of(jurisdiction: Jurisdiction, folder: Path, before: Release | None) -> dict[str, bytes]:
    """Return what describes the tables of the release in `folder`, as it follows from them and from the release `before` it.

    The data package and the expectations follow wholly; the quality sheet keeps its figures, which come from inside.
    """
    texts, words, schemes = table_texts(jurisdiction), load_words(jurisdiction), load_schemes(jurisdiction)
    changed = json.loads((folder / "changes.json").read_bytes())
    tables = tables_in(jurisdiction, texts, folder)
    described: list[dict[str, object]] = []
    for table in tables:
        cells = pq.read_table(folder / "tables" / f"{table.name}.parquet", columns=[d.name for d in table.dimensions])
        described += package.resources(table, _columns(table, cells, texts, schemes), folder, texts.columns, words)
    described += [file.resource(folder) for file in beside.files(folder, tables, texts, words)]
    of_any = pq.read_schema(folder / "tables" / f"{tables[0].name}.parquet").metadata
    mapping_version = json.loads(of_any[b"das"])["mapping_version"]
    as_of = date.fromisoformat(changed["as_of"])
    about = jurisdiction.name, changed["as_of"], tables, texts, changed["version"], mapping_version, described
    expected = expectations.suites(
        tables,
        defined_codes(tables, schemes, texts),
        before,
        as_of,
        load_policy(jurisdiction).publication,
    )
    sheet = json.loads((folder / "quality.json").read_bytes())
    made = {
        "datapackage.json": package.data_package(*about),
        expectations.FILE: expected,
        "quality.json": in_form(sheet, jurisdiction, tables, as_of),
    }
    return {name: _bytes(content) for name, content in made.items()}


def _columns(table: Table, cells: pa.Table, texts: TableTexts, schemes: Mapping[str, Scheme]) -> package.Columns:
    return metadata.fields(table, _column_texts(table, texts), _labels(table, cells, schemes, texts))


def _column_texts(table: Table, texts: TableTexts) -> dict[str, Text]:
    """Return the description of every column of `table`; that of the count names its unit."""
    unit = texts.units.get(table.unit)
    columns = [*table.keys, table.count, "status", metadata.STARTS, metadata.ENDS, metadata.MARK]
    missing = [f"columns.{k}" for k in columns if k not in texts.columns]
    missing += [f"codes.{k}" for k in ("true", "false") if k not in texts.codes]
    if unit is None or missing:
        lacking = f"units.{table.unit}" if unit is None else ", ".join(missing)
        raise ConfigurationError(f"texts/tables.yaml has no text for {lacking}, which table {table.name} needs.")
    n = texts.columns[table.count].filled(unit=unit, base=table.base)
    return texts.codes | texts.columns | {"n": n}  # a column and a code may have one name


def _labels(table: Table, cells: pa.Table, schemes: Mapping[str, Scheme], texts: TableTexts) -> dict[str, dict[str, Text]]:
    """Return the label of each code, by dimension, for the codes that occur in `cells`, in the order of their scheme."""
    labels: dict[str, dict[str, Text]] = {}
    for dimension in table.dimensions:
        used: set[str] = set(cells.column(dimension.name).unique().to_pylist())
        concepts = schemes[dimension.scheme].concepts if dimension.scheme and dimension.scheme in schemes else {}
        of_scheme = {c.concept: c.label for c in concepts.values() if c.concept in used}
        order = [*table.codes.get(dimension.name, []), *texts.codes]
        others = {code: texts.codes[code] for code in order if code in texts.codes and code in used and code not in of_scheme}
        if absent := used - set(of_scheme) - set(others):
            raise ConfigurationError(f"texts/tables.yaml: codes has no label for {', '.join(sorted(absent))} of table {table.name}.")
        labels[dimension.name] = of_scheme | others
    return labels


def defined_codes(tables: Iterable[Table], schemes: Mapping[str, Scheme], texts: TableTexts) -> dict[str, dict[str, list[str]]]:
    """Return the codes that definitions allow in each dimension of each table: concepts of its scheme, or the rows of its stack."""
    return {
        table.name: {
            d.name: [*(schemes[d.scheme].concepts if d.scheme and d.scheme in schemes else table.codes.get(d.name, [])), *texts.codes]
            for d in table.dimensions
        }
        for table in tables
    }


def _json(draft: Draft, name: str, content: object) -> None:
    draft.path(name).write_bytes(_bytes(content))


def _bytes(content: object) -> bytes:
    return canonical(content, indent=1) + b"\n"
