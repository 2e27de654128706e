"""What is true behind the deliveries: who and which case a record is about, which faults were put where, and plain counts.

Lies outside the lake and the inbox. Nothing of the pipeline reads it; tests measure the pipeline against it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.simulation import render
from das_pipeline.simulation.draws import Coded, compute, stream, text_of
from das_pipeline.simulation.faults import Fault
from das_pipeline.simulation.parameters import Registers as Said
from das_pipeline.simulation.persons import People
from das_pipeline.simulation.registers import Register, main_groups

# What the main tables count: the world's table, the day, and what it is broken down by. Offences are counted by main group.
DIMENSIONS = ("offence", "class", "region", "outcome")
COUNTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "registered_crime": ("crimes", "registered_on", {"offence": "police_class", "class": "police_class", "region": "region"}),
    "suspects": ("suspicions", "registered_on", {"offence": "police_class", "region": "residence"}),
    "prosecution_inflow": ("cases", "received_on", {"outcome": "inflow", "region": "district"}),
    "prosecution_decisions": ("decisions", "decided_on", {"outcome": "decision"}),
    "court_dispositions": ("trials", "decided_on", {"outcome": "verdict", "offence": "offence", "region": "district"}),
    "sanctions": ("sanctions", "decided_on", {"outcome": "sanction"}),
}
TABLES, CANARIES_FILE, FAULTS_FILE = "tables", "canaries.txt", "faults.jsonl"
CANARIES = 60  # of each kind: enough to notice a leak, few enough that chance does not make one


def write_truth(
    folder: Path,
    jurisdiction: Jurisdiction,
    registers: Iterable[Register],
    people: People,
    said: Said,
    reference_on: date,
    seed: int,
    block: int = 0,
    blocks: int = 1,
) -> None:
    """The truth about everything that one block of the world delivered about the days until `reference_on`.

    `merge` puts the folders of all blocks together. True numbers of persons and cases are unique over blocks: number in the block · blocks
    + block.
    """
    folder.mkdir(parents=True, exist_ok=True)
    day, groups = np.datetime64(reference_on), main_groups(jurisdiction)
    opened = list(registers)
    records = [_records(r, day, said, block, blocks) for r in opened if not r.contract.sub_key]
    pq.write_table(pa.concat_tables(records), folder / "records.parquet")
    counts = pa.concat_tables([_counts(name, r, groups, day) for name in COUNTS for r in opened if r.table_name == COUNTS[name][0]])
    (folder / TABLES).mkdir(exist_ok=True)
    pq.write_table(counts, folder / TABLES / "counts.parquet")
    (folder / CANARIES_FILE).write_text("\n".join(_canaries(opened, people, day, seed)) + "\n", encoding="utf-8")


def merge(parts: Sequence[Path], target: Path) -> None:
    """Puts the truths of the blocks together, in their order, in the folder `target`; the parts stay.

    Rows of records, events and spells and lines of the fault ledger follow each other, a row group at a time; what was counted is summed;
    the canaries are those of the first block, which are enough. What `target` holds of another name stays.
    """
    target.mkdir(parents=True, exist_ok=True)
    for name in sorted({path.name for part in parts for path in part.glob("*.parquet")}):
        _follow([part / name for part in parts], target / name)
    (target / TABLES).mkdir(exist_ok=True)
    for name in sorted({path.name for part in parts for path in (part / TABLES).glob("*.parquet")}):
        _sum([path for part in parts if (path := part / TABLES / name).exists()], target / TABLES / name)
    if ledgers := [path for part in parts if (path := part / FAULTS_FILE).exists()]:
        with (target / FAULTS_FILE).open("wb") as ledger:
            for path in ledgers:
                ledger.write(path.read_bytes())
    (target / CANARIES_FILE).write_bytes((parts[0] / CANARIES_FILE).read_bytes())


def _follow(parts: Sequence[Path], target: Path) -> None:
    """The rows of Parquet files of one shape, one file after the other; a row group of the result is one of the parts."""
    with pq.ParquetWriter(target, pq.read_schema(parts[0])) as writer:
        for path in parts:
            with pq.ParquetFile(path) as part:
                for group in range(part.num_row_groups):
                    writer.write_table(part.read_row_group(group))


def _sum(parts: Sequence[Path], target: Path) -> None:
    """The sums over files of counts: whole numbers are counts, all other columns say what is counted."""
    rows = pa.concat_tables([pq.read_table(path) for path in parts])
    counted = [field.name for field in rows.schema if pa.types.is_integer(field.type)]
    keys = [name for name in rows.column_names if name not in counted]
    summed = rows.group_by(keys).aggregate([(name, "sum") for name in counted]).rename_columns([*keys, *counted])
    pq.write_table(summed.select(rows.column_names).sort_by([(name, "ascending") for name in keys]), target)


def append_faults(folder: Path, faults: Iterable[Fault]) -> None:
    """Adds faults to the ledger, one JSON object a line."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FAULTS_FILE).open("a", encoding="utf-8") as ledger:
        ledger.writelines(json.dumps(fault.as_dict(), ensure_ascii=False) + "\n" for fault in faults)


def _records(register: Register, day: np.datetime64, said: Said, block: int, blocks: int) -> pa.Table:
    """One row per unit that was ever delivered: its key, its true person and its true case (null for none)."""
    contract, keeping = register.contract, register.keeping
    rows = np.flatnonzero(keeping.is_delivered & (keeping.known_on <= day))
    shown = register.state(rows, day)
    texts = render.texts(contract, {name: shown[name] for name in contract.unit_key}, said)
    about = {"partner": contract.partner, "file": contract.file, "unit": contract.unit}
    person, case = register.table.person[rows], register.table.case[rows]
    return pa.table(
        {
            **{name: pa.array([word] * len(rows)) for name, word in about.items()},
            "key": compute.binary_join_element_wise(*[texts[name] for name in contract.unit_key], "/"),
            "person": pa.array(person * blocks + block, mask=person < 0),
            "case": pa.array(case * blocks + block, mask=case < 0),
        },
        schema=pa.schema([(c, pa.string()) for c in ("partner", "file", "unit", "key")] + [(c, pa.int64()) for c in ("person", "case")]),
    )


def _counts(name: str, register: Register, groups: Mapping[str, str], day: np.datetime64) -> pa.Table:
    """Rows in the register by month and by what its table is broken down by, as known on `day`."""
    _, when, by = COUNTS[name]
    rows = register.rows_on(day)
    happened = register.table.days(when)
    rows = rows[register.known_on[register.column_of(when)][rows] <= day]
    month = pa.array(np.datetime_as_string(happened[rows], unit="M").tolist(), pa.string())
    columns = {"table": pa.array([name] * len(rows), pa.string()), "month": month}
    for dimension in DIMENSIONS:
        columns[dimension] = pa.nulls(len(rows), pa.string())
        if dimension in by:
            columns[dimension] = text_of(_shown(register, by[dimension], rows, day, groups if dimension == "offence" else None))
    keys = ["table", "month", *DIMENSIONS]
    counted = pa.table(columns).group_by(keys).aggregate([([], "count_all")]).rename_columns([*keys, "n"])
    return counted.sort_by([(k, "ascending") for k in keys])


def _shown(register: Register, field: str, rows: np.ndarray, day: np.datetime64, groups: Mapping[str, str] | None) -> Coded:
    """The concepts behind what the register shows: before a correction, the wrong ones."""
    column = register.column_of(field)
    where = rows
    if column in register.corrected_on:
        where = np.where(register.corrected_on[column][rows] > day, register.wrong_row[rows], rows)
    value = register.table.coded(field).at(where)
    return value.translated(dict(groups)) if groups else value


def _canaries(registers: list[Register], people: People, day: np.datetime64, seed: int) -> list[str]:
    """Names and numbers that occur in deliveries and, in all likelihood, nowhere else."""
    draw = stream(seed, "canaries")
    found: set[str] = set()
    persons = np.unique(np.concatenate([r.table.person[r.rows_on(day)] for r in registers]))
    persons = persons[persons >= 0]
    who = pa.array(persons)
    double = compute.binary_join_element_wise(people.surname.take(who), people.second_surname.take(who), "-")
    pools: list[Any] = [double, people.citizen_number.take(who), people.chain_number.take(who)]
    for register in registers:
        key: Any = register.columns[register.contract.unit_key[0]]
        if isinstance(key, pa.Array):
            pools.append(key.take(pa.array(register.rows_on(day))))
    for pool in pools:
        distinct = sorted({text for text in pool.drop_null().to_pylist() if len(text) >= 6})
        found.update(distinct[i] for i in draw.permutation(len(distinct))[:CANARIES])
    return sorted(found)
