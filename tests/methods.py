"""The toy with three more tables: two by suppression, of closed reports, which share cells, and one by cell key, of cases received."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from das_pipeline.disclosure import build_leaves
from das_pipeline.disclosure.ledger import LEDGER
from das_pipeline.lake import Draft
from das_pipeline.run import Run, produce
from das_pipeline.terminology import build_concepts
from tests.conftest import TOY

OFFENCES, WARDS, AGES = ("property", "violence", "unknown_group"), ("north", "south", "unknown"), ("minor", "adult", "unknown")
MONTHS = ("2024-01", "2024-02", "2024-03")
CUBES = """\
  - {cube: closings, type: flow, unit_of_count: report, kind: [report_closed], period: month,
     leaf: {offence: [offence, group], region: [region, ward]}}
  - {cube: closings_sex, type: flow, unit_of_count: report, kind: [report_closed], period: month, adds_up_to: closings,
     leaf: {offence: [offence, group], sex: [sex, sex]}}
  - {cube: received, type: flow, unit_of_count: ruling, kind: [case_received], period: month, leaf: {age: [age, age_class]}}
"""
TABLE = """\
table: {name}
title: {{nl: {name}, en: {name}}}
description: {{nl: Aantallen., en: Numbers.}}
notes: {{nl: Verzonnen., en: Invented.}}
theme: crime
method: {method}
cube: {cube}
by: {{{by}, period: month}}
"""
TABLES = {
    "closed_by_ward": ("suppression", "closings", "offence: group, region: ward"),
    "closed_by_sex": ("suppression", "closings_sex", "offence: group, sex: sex"),
    "received_by_age": ("cell_key", "received", "age: age_class"),
}
LIMITS = {
    "suppression": {"minimum": 5, "width": 4, "reason": "four records can be known to somebody"},
    "cell_key": {"distance": 5, "variance": 3.0, "not_published": 2, "reason": "as the R package cellKey is used by others"},
}
TEXTS = {
    "columns": {
        "region": "Ward",
        "n_suppression": "Number of {unit}; small ones, and those from which they would follow, are not shown",
        "n_cell_key": "Number of {unit}, each changed a little at random",
    },
    "codes": {"confidential": "Not shown: confidential"},
}


def toy_with_methods(root: Path, **limits: object) -> Path:
    """A copy of the toy below `root` with the three tables; `limits` replace those of the policy (None: left out)."""
    toy = Path(shutil.copytree(TOY, root / "toy"))
    cubes = toy / "statistics" / "cubes.yaml"
    cubes.write_text(cubes.read_text(encoding="utf-8") + CUBES, encoding="utf-8")
    for name, (method, cube, by) in TABLES.items():
        (toy / "statistics" / f"{name}.yaml").write_text(TABLE.format(name=name, method=method, cube=cube, by=by), encoding="utf-8")
    received_on = "name: received_on, type: date, formats: [yyyy-mm-dd]"
    cases, events = (toy / "contracts" / "bench" / name for name in ("cases.yaml", "events.yaml"))
    cases.write_text(cases.read_text(encoding="utf-8").replace(received_on, f"{received_on}, age: true"), encoding="utf-8")
    events.write_text(events.read_text(encoding="utf-8").replace("attributes: {}", "attributes: {age: received_on_age}"), encoding="utf-8")
    change(toy / "policy.yaml", disclosure={key: value for key, value in (LIMITS | limits).items() if value is not None})
    change(toy / "texts" / "tables.yaml", **{key: {c: {"nl": t, "en": t} for c, t in texts.items()} for key, texts in TEXTS.items()})
    return toy


def change(path: Path, **more: Mapping[str, object]) -> None:
    """Add keys to parts of a YAML file."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key, added in more.items():
        content[key] |= added
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")


def count(run: Run, draft: Draft, months: tuple[str, ...], more: int = 0) -> list:
    """Cubes by hand: large counts in the toy's own cubes, and small ones in the three others, of which `more` come late in January."""
    random = np.random.default_rng(5)
    own = [("reports_month", ("offence",)), ("rulings_month", ("ruling",))]
    for name, dimensions in own:
        codes = OFFENCES if name == "reports_month" else ("guilty", "acquitted")
        write(draft, name, [{dimensions[0]: code, "period_kind": "month", "period": m, "n": 40} for code in codes for m in months])
    write(
        draft,
        "reports_year",
        [{"offence": o, "sex": "male", "age": "adult", "period_kind": "year", "period": "2024", "n": 40 * len(months)} for o in OFFENCES],
    )
    closed, by_sex, received = [], [], []
    for m in MONTHS:
        for o in OFFENCES:
            wards = random.choice([0, 1, 2, 4, 7, 12, 30], 3) + (more if (m, o) == ("2024-01", "property") else 0)
            men = int(wards.sum() * random.choice([0.2, 0.5, 0.9]))
            keys = random.integers(0, 1 << 63, 3, dtype=np.uint64)
            if m in months:
                closed += [cell(m, int(n), offence=o, region=w) for w, n in zip(WARDS, wards, strict=True)]
                by_sex += [cell(m, men, offence=o, sex="male"), cell(m, int(wards.sum()) - men, offence=o, sex="female")]
                if o == "violence":
                    received += [cell(m, int(n), age=a) | {"key": k} for a, n, k in zip(AGES, wards, keys, strict=True)]
    write(draft, "closings", closed)
    write(draft, "closings_sex", by_sex)
    write(draft, "received", received, key=pa.uint64())
    return []


def cell(month: str, n: int, **codes: str) -> dict[str, object]:
    return codes | {"period_kind": "month", "period": month, "n": n}


def write(draft: Draft, cube: str, rows: list[dict[str, object]], **types: pa.DataType) -> None:
    kept = [row for row in rows if row["n"]]
    columns = {name: pa.array([row[name] for row in kept], types.get(name)) for name in kept[0]}
    pq.write_table(pa.table(columns), draft.path(f"{cube}.parquet", len(kept)))


def leaves(run: Run, more: int = 0) -> None:
    """`disclosure/leaves` of the counts above, of the months that have begun."""
    months = tuple(m for m in MONTHS if m <= run.as_of.isoformat()[:7])
    produce(run, "terminology/concepts", build_concepts)
    produce(run, "statistics/cubes", partial(count, months=months, more=more), salt=f"{months}{more}")
    ledger = [LEDGER] if run.lake.current(LEDGER) else []
    produce(run, "disclosure/leaves", build_leaves, inputs=["statistics/cubes", "terminology/concepts", *ledger])
