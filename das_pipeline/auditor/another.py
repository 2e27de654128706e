"""The release of another publisher: a data package, and a file in which they say how its counts are protected and what its columns are.

Its tables are read into the form of ours, so that the same rules judge them. What only our releases have (a site, a database, changes.json,
a signed manifest) is not judged.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from pydantic import BaseModel, Field

from das_pipeline.auditor import history, tables
from das_pipeline.auditor.declared import Groups, Limits
from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.groups import no_group_is_one_category
from das_pipeline.auditor.release import ALL, Published, Table
from das_pipeline.errors import DasError, nearest
from das_pipeline.gate import Verdict
from das_pipeline.jurisdiction import Jurisdiction

PACKAGE = "datapackage.json"
PERIOD = re.compile(r"\d{4}(-Q[1-4]|-(0[1-9]|1[0-2]))?")
Word = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")]  # it becomes part of SQL text
Share = Annotated[float, Field(ge=0, le=1)]


class OneCategory(BaseModel, extra="forbid"):
    """When a group is almost wholly one category of these columns."""

    categories: list[Word]
    share: Share = 0.95
    above: Share = 0.10
    least: int = 10
    most: int = 500


class AnothersTable(BaseModel, extra="forbid"):
    """A resource of the data package: its columns of counts, periods, and categories with the code of their total.

    Tables of one `population` count the same, so that cells which they share must be equal.
    """

    resource: Word
    count: Word
    period: Word
    dimensions: dict[Word, str] = {}
    population: str


class AnothersPolicy(BaseModel, extra="forbid"):
    """How another publisher protects counts: multiples of `base`, and nothing changes in a year `closing_months` after its end.

    `beside` are files that are no data, which this auditor does not read.
    """

    base: Annotated[int, Field(ge=2)]
    closing_months: int | None = None
    groups: OneCategory = OneCategory(categories=[])
    beside: list[str] = []
    tables: Annotated[list[AnothersTable], Field(min_length=1)]


@dataclass(frozen=True)
class _OfAnother(Published):
    """Their release; `created` is the date that its data package gives."""

    created: str = ""

    @property
    def as_of(self) -> str:
        return self.created


def audit_another(folder: Path, earlier: Sequence[Path], policy_file: Path) -> list[Verdict]:
    """The verdicts on the data package in `folder`, given the folders of earlier ones, oldest first; DasError when it cannot be read."""
    policy = Jurisdiction(policy_file.resolve().parent).load(policy_file.name, AnothersPolicy)
    release, before = _read(folder, policy), [_read(path, policy) for path in earlier]
    groups = Groups(tuple(policy.groups.categories), policy.groups.share, policy.groups.above, policy.groups.least, policy.groups.most)
    limits = Limits((policy.base,), least_cells=0, least_cases=0, closing_months=policy.closing_months, groups=groups)
    with duckdb.connect(":memory:", config={"threads": 1, "autoload_known_extensions": "false"}) as connection:
        for name, table in release.tables.items():
            connection.register(name, table.rows)
        return [
            _files_as_described(release, {*policy.beside, policy_file.name}),
            tables.counts_are_rounded(release, limits),
            tables.tables_are_full(release, connection),
            tables.totals_add_up(release, connection),
            tables.tables_agree(release, connection),
            tables.changes_are_rounded(release, before),
            no_group_is_one_category(release, connection, limits.groups),
            history.closed_periods_stand(release, before, limits),
        ]


def _read(folder: Path, policy: AnothersPolicy) -> _OfAnother:
    """Their release in the form of ours."""
    try:
        package = json.loads((folder / PACKAGE).read_bytes())
        resources = {r["name"]: r for r in package["resources"]}
        created = str(package.get("created", ""))[:10]
    except (OSError, ValueError, KeyError, TypeError):
        raise DasError(f"{folder} has no {PACKAGE} with named resources that can be read, so nothing says what its tables are.") from None
    if policy.closing_months is not None and not created:
        raise DasError(f"{folder / PACKAGE} does not say when it was created, so that nobody can tell which years were closed then.")
    for told in policy.tables:
        if told.resource not in resources:
            raise DasError(f"{folder / PACKAGE} has no resource {told.resource}. {nearest(told.resource, resources)}")
    found = {told.resource: _table(folder, resources[told.resource], told, policy.base) for told in policy.tables}
    return _OfAnother(folder, found, [], created=created)


def _table(folder: Path, resource: Mapping[str, Any], told: AnothersTable, base: int) -> Table:
    """One resource with the columns that ours have; codes of totals become the one that the rules know."""
    path = folder / resource["path"]
    wanted = [*told.dimensions, told.period, told.count]
    try:
        rows = pq.read_table(path, columns=wanted) if path.suffix == ".parquet" else _csv(path, resource, told)
        columns = {name: [ALL if c == total else c for c in rows[name].to_pylist()] for name, total in told.dimensions.items()}
        periods, count = rows[told.period].cast(pa.string()).to_pylist(), rows[told.count].cast(pa.int64())
    except (pa.ArrowException, OSError, KeyError) as error:
        problem = str(error).partition("\n")[0]
        raise DasError(f"{path} cannot be read with the columns {', '.join(wanted)}: {problem}") from None
    if not all(PERIOD.fullmatch(period or "") for period in periods):
        raise DasError(f"{path} has periods in column {told.period} that are no 2024, 2024-Q1 or 2024-03.")
    kinds = [{4: "year", 7: "quarter" if "Q" in period else "month"}[len(period)] for period in periods]
    facts = {
        "kind": "protected",
        "base": base,
        "measures": ["n"],
        "is_simulated": False,
        "dims": {name: {"scheme": name, "level": name} for name in told.dimensions},
        "population": {"": told.population},
    }
    return Table(told.resource, path, pa.table(columns | {"period_kind": kinds, "period": periods, "n": count}), facts)


def _csv(path: Path, resource: Mapping[str, Any], told: AnothersTable) -> pa.Table:
    types = dict.fromkeys([*told.dimensions, told.period], pa.string()) | {told.count: pa.int64()}
    reading = pyarrow.csv.ParseOptions(delimiter=resource.get("dialect", {}).get("delimiter", ","))
    convert = pyarrow.csv.ConvertOptions(column_types=types, include_columns=list(types), strings_can_be_null=False)
    return pyarrow.csv.read_csv(path, parse_options=reading, convert_options=convert)


def _files_as_described(release: _OfAnother, beside: set[str]) -> Verdict:
    """D10: every resource is a file with the hash that the data package gives, and no other file is there."""
    faults: dict[str, int] = {}
    present, described = set(release.paths), {r["path"]: r for r in release.package["resources"]}
    for path, resource in described.items():
        given = str(resource.get("hash", ""))
        kind, colon, digest = given.partition(":")
        name, expected = (kind, digest) if colon else ("md5", given)  # a hash without its kind is of MD5, says the standard
        content = (release.folder / path).read_bytes() if path in present else None
        if content is None or name not in hashlib.algorithms_available or (given and hashlib.new(name, content).hexdigest() != expected):
            faults[path] = 1
        if not given:
            faults[f"{path} (no hash)"] = 1
    told = {table.path.relative_to(release.folder).as_posix() for table in release.tables.values()}
    faults |= {f"{path} (not in the policy file)": 1 for path in described.keys() - told}
    faults |= dict.fromkeys(present - described.keys() - beside - {PACKAGE}, 1)
    fix = "Describe every file in the data package with its hash, and every table in the policy file; name what is no data in `beside`."
    return verdict("D10", "Every file is as described, and no other is there", len(present), faults, fix)
