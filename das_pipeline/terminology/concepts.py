"""The table `terminology/concepts`: the schemes, their hierarchies, the code lists and the mappings of one version of the jurisdiction."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from das_pipeline import engine
from das_pipeline.errors import LakeError
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, Version, verify
from das_pipeline.run import Run, code_version
from das_pipeline.terminology.crosswalks import load_crosswalks
from das_pipeline.terminology.file_faults import judge_terminology, require_sound
from das_pipeline.terminology.lists import CodeList, load_lists
from das_pipeline.terminology.schemes import Scheme, load_schemes, text_columns
from das_pipeline.terminology.skos import write_skos

TABLES = {
    "concepts": {  # and its texts in each language, see text_columns
        **dict.fromkeys(("scheme", "concept", "level", "parent", "source"), "string"),
        **dict.fromkeys(("from_age", "to_age"), "int16"),
    },
    "hierarchies": dict.fromkeys(("scheme", "level", "leaf", "node"), "string"),
    "mappings": {"list": "string", "code": "string", "concept": "string", "valid_from": "date32", "valid_until": "date32"},
    "crosswalks": {
        **dict.fromkeys(("crosswalk", "code", "concept"), "string"),
        "millionths": "int32",
        "valid_from": "date32",
        "valid_until": "date32",
    },
    "codes": {"list": "string", "code": "string", "label": "string", "valid_from": "date32", "valid_until": "date32", "kind": "string"},
}
ORDER = {
    "concepts": "scheme, concept",
    "hierarchies": "scheme, leaf, level",
    "mappings": "list, code, valid_from, valid_until, concept",
    "crosswalks": "crosswalk, code, valid_from, valid_until, concept",
    "codes": "list, code, valid_from, valid_until, label",
}


def build_concepts(run: Run, draft: Draft) -> list[Verdict]:
    """Write the jurisdiction's terminology to `draft` as five tables; return the verdicts T03, T04, T05, T10 and T11.

    `concepts`: one row per concept. `hierarchies`: one row per concept and level at or above its own: the node that it belongs to.
    `concepts.ttl` and `concepts.jsonld` say the same in SKOS.
    `mappings` and `codes`: one row per list, code and stretch of days. `crosswalks`: one row per crosswalk, code, concept and stretch of
    days. Nothing in them depends on the day, so a version shares the files of the one before it while code and jurisdiction are the same.
    """
    draft.facts["rules"] = {"jurisdiction": run.jurisdiction.hash, "code": code_version("terminology")}
    if (live := draft.live) is not None and _are_as_now(live, draft.facts["rules"]):
        draft.adopt(live)
        draft.facts.update(live.facts)
        return [Verdict(verdict["rule"], True, verdict["sentence"], verdict["severity"], verdict["facts"]) for verdict in live.verdicts]
    with run.connect() as connection:
        mapping_files(run, draft, connection)
    for name in TABLES:
        draft.facts[name] = draft.rows[f"{name}.parquet"]
    verdicts = judge_terminology(run.jurisdiction)
    if all(verdict.passed for verdict in verdicts):  # what breaks a rule has no place to be written
        write_skos(run.jurisdiction, draft.facts["mapping_version"], draft.folder)
    return verdicts


def _are_as_now(live: Version, rules: dict[str, str]) -> bool:
    """Whether the live terminology was made by the same rules, is undamaged, and was in order."""
    try:
        verify(live)
    except LakeError:
        return False
    return live.facts.get("rules") == rules and all(verdict["passed"] for verdict in live.verdicts)


def export(run: Run, folder: Path) -> list[Path]:
    """Write the terminology in the files now to `folder` as SKOS; return the files. ConfigurationError names rows that break a rule."""
    require_sound(run.jurisdiction)
    with tempfile.TemporaryDirectory() as name, run.connect() as connection:
        draft = Draft("terminology/concepts", Path(name), Path(name), None)
        mapping_files(run, draft, connection)
    folder.mkdir(parents=True, exist_ok=True)
    return write_skos(run.jurisdiction, draft.facts["mapping_version"], folder)


def mapping_files(run: Run, draft: Draft, connection: duckdb.DuckDBPyConnection) -> None:
    """Write the five tables to `draft`, and its fact `mapping_version`: a hash of them and of the rewriting rules."""
    import pyarrow as pa

    rows = _rows(load_schemes(run.jurisdiction).values(), load_lists(run.jurisdiction).values())
    rows["crosswalks"] = [
        vars(part) | {"crosswalk": walk.name} for walk in load_crosswalks(run.jurisdiction).values() for part in walk.parts
    ]
    digest = hashlib.sha256()
    texts = dict.fromkeys(text_columns(run.jurisdiction.languages), "string")
    for name, fixed in TABLES.items():
        columns = fixed | texts if name == "concepts" else fixed
        schema = pa.schema([(column, pa.type_for_alias(kind)) for column, kind in columns.items()])
        connection.register("rows", pa.Table.from_pylist(rows[name], schema=schema))
        file = f"{name}.parquet"
        draft.rows[file] = engine.write_parquet(connection, "SELECT * FROM rows", draft.path(file), order_by=ORDER[name])
        connection.unregister("rows")
        digest.update(draft.path(file).read_bytes())
    for file in run.jurisdiction.files("terminology/canonical/*.csv"):
        digest.update(file.encode() + b"\0" + run.jurisdiction.path(file).read_bytes())
    draft.facts["mapping_version"] = digest.hexdigest()[:12]


def _rows(schemes: Iterable[Scheme], lists: Iterable[CodeList]) -> dict[str, list[dict[str, Any]]]:
    concepts = [c for scheme in schemes for c in scheme.concepts.values()]
    return {
        "concepts": [
            vars(c)
            | {f"label_{language}": text for language, text in c.label.model_dump().items()}
            | {f"definition_{language}": text for language, text in c.definition.model_dump().items()}
            for c in concepts
        ],
        "hierarchies": [
            {"scheme": scheme.name, "level": node.level, "leaf": leaf, "node": node.concept}
            for scheme in schemes
            for leaf in scheme.concepts
            for node in scheme.broader(leaf)
        ],
        "mappings": [vars(m) | {"list": codes.name} for codes in lists for m in codes.mappings],
        "codes": [vars(c) | {"list": codes.name} for codes in lists for c in codes.codes],
    }
