"""The truth behind the deliveries: the person and case of each record, the faults and their places, and the counts to expect.

It is kept outside the lake and the inbox. The pipeline never reads it; tests compare the pipeline with it. Nothing from chain or
statistics is imported here: events, spells and tables are counted from the tables of the world, as `truth.yaml` declares.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.jurisdiction import Jurisdiction
from simulation.deliveries.registers import Register
from simulation.deliveries.values import texts
from simulation.draws import Ints, compute, stream
from simulation.faults import Fault
from simulation.parameters import Registers
from simulation.truth.declared import Truth
from simulation.truth.events import Events, event_table, spell_table, spells_of, unit_events
from simulation.truth.shown import Shown, births
from simulation.truth.tables import (
    Levels,
    cohort_cube_table,
    cube_table,
    flow_table,
    person_cube_table,
    published_table,
    spell_cube_table,
)
from simulation.world.persons import People

TABLES, FLOWS, CANARIES_FILE, FAULTS_FILE = "tables", "flows", "canaries.txt", "faults.jsonl"
CANARIES = 60  # of each kind: enough to detect a leak, few enough to avoid one by coincidence


def write_truth(
    folder: Path,
    jurisdiction: Jurisdiction,
    registers: Iterable[Register],
    people: People,
    recorded: Registers,
    known_on: Mapping[str, date],
    seed: int,
    block: int = 0,
    blocks: int = 1,
) -> None:
    """Write the truth about everything that one block of the world delivered, by partner up to the day in `known_on`.

    `merge` joins the folders of all blocks. True numbers of records, persons and cases are unique across blocks: number in the block ·
    blocks + block.
    """
    (folder / TABLES).mkdir(parents=True, exist_ok=True)
    opened, days = list(registers), {partner: np.datetime64(day) for partner, day in known_on.items()}
    ends = np.cumsum([0, *(len(r.table) for r in opened)]).tolist()
    first = {(r.contract.partner, r.contract.file): end for r, end in zip(opened, ends, strict=False)}  # the number of its first record

    def numbered(numbers: Ints) -> Ints:
        return numbers * blocks + block

    main = [(r, r.contract.partner, r.contract.file) for r in opened if not r.contract.sub_key]
    records = [_records(r, days[partner], recorded, first[partner, file], numbered) for r, partner, file in main]
    _write(folder / "records.parquet", records)
    shown = [Shown(jurisdiction, register, days[register.contract.partner]) for register in opened]
    _write_counted(folder, jurisdiction, shown, max(known_on.values()), first, numbered)
    if block == 0:  # the canaries of one block are enough
        (folder / CANARIES_FILE).write_text("\n".join(_canaries(shown, people, seed)) + "\n", encoding="utf-8")


def _write_counted(
    folder: Path,
    jurisdiction: Jurisdiction,
    registers: Sequence[Shown],
    until: date,
    first: Mapping[tuple[str, str], int],
    numbered: Callable[[Ints], Ints],
) -> None:
    """Write events.parquet, spells.parquet, and one table for every cube, every published table and the balance of spells."""
    truth = jurisdiction.load("simulation/truth.yaml", Truth)
    levels = Levels(jurisdiction)
    events = _events(truth, registers, first, numbered)
    spells = [spells_of(name, spell, e) for name, spell in truth.spells.items() for e in events if e.unit == spell.unit]
    names = sorted({name for e in events for name in e.attributes})
    _write(folder / "events.parquet", [event_table(e, names) for e in events])
    _write(folder / "spells.parquet", [spell_table(s, names) for s in spells])
    event_tables = {"counts": cube_table, "persons": person_cube_table, "cohort": cohort_cube_table}
    cubes = {
        name: (
            cube,
            spell_cube_table(cube, spells, levels, truth.opening_month, until)
            if cube.spell
            else event_tables[cube.counted](cube, events, levels, truth.opening_month, until),
        )
        for name, cube in truth.cubes.items()
    }
    tables = {name: published_table(table, cubes, levels, truth.opening_month, until) for name, table in truth.tables.items()}
    flows = {FLOWS: flow_table(spells, truth.opening_month, until)}
    for name, counted in ({name: counted for name, (_, counted) in cubes.items()} | tables | flows).items():
        pq.write_table(counted, folder / TABLES / f"{name}.parquet")


def _events(
    truth: Truth, registers: Sequence[Shown], first: Mapping[tuple[str, str], int], numbered: Callable[[Ints], Ints]
) -> list[Events]:
    """The events of every unit, for each partner that records it."""
    main = [shown for shown in registers if not shown.register.contract.sub_key]
    born, events = births(main), []
    for number, shown in enumerate(main):
        contract = shown.register.contract
        if contract.unit in truth.units and shown.register.table_name == truth.units[contract.unit].table:
            others = {s.register.table_name: s for s in registers if s.register.contract.partner == contract.partner}
            record = numbered(first[contract.partner, contract.file] + shown.rows)
            events.append(unit_events(contract.unit, truth.units[contract.unit], shown, others, born.get(number), record))
    return events


def merge(parts: Sequence[Path], target: Path) -> None:
    """Join the truths of the blocks, in order, in the folder `target`; the parts are kept.

    Rows of records, events and spells and lines of the fault ledger are concatenated, a row group at a time; counts are summed; the
    canaries of the first block are enough. Files in `target` with other names are kept.
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
    """Concatenate Parquet files with the same schema, row group by row group."""
    texts = [field.name for field in pq.read_schema(parts[0]) if pa.types.is_string(field.type) and field.name != "key"]

    def groups() -> Iterator[pa.Table]:
        for path in parts:
            with pq.ParquetFile(path, read_dictionary=texts) as part:
                yield from (part.read_row_group(group) for group in range(part.num_row_groups))

    _write(target, groups())


def _write(target: Path, groups: Iterable[pa.Table]) -> None:
    """Write a Parquet file with a row group for each table; frequent texts are stored once."""
    writer: pq.ParquetWriter | None = None
    for table in groups:
        writer = writer or pq.ParquetWriter(target, table.schema, store_schema=False)  # columns are read as texts
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _sum(parts: Sequence[Path], target: Path) -> None:
    """Sum files of counts: integer columns are counts, all other columns say what is counted."""
    rows = pa.concat_tables([pq.read_table(path) for path in parts])
    counted = [field.name for field in rows.schema if pa.types.is_integer(field.type)]
    keys = [name for name in rows.column_names if name not in counted]
    summed = rows.group_by(keys).aggregate([(name, "sum") for name in counted]).rename_columns([*keys, *counted])
    pq.write_table(summed.select(rows.column_names).sort_by([(name, "ascending") for name in keys]), target)


def append_faults(folder: Path, faults: Iterable[Fault]) -> None:
    """Append faults to the ledger, one JSON object per line."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FAULTS_FILE).open("a", encoding="utf-8") as ledger:
        ledger.writelines(json.dumps(fault.as_dict(), ensure_ascii=False) + "\n" for fault in faults)


def _records(register: Register, day: np.datetime64, recorded: Registers, first: int, numbered: Callable[[Ints], Ints]) -> pa.Table:
    """One row per unit that was ever delivered: its number, its key, its true person and true case (null for none)."""
    contract, keeping = register.contract, register.keeping
    rows = np.flatnonzero(keeping.is_delivered & (keeping.known_on <= day))
    keys = texts(contract, register.state(rows, day, contract.unit_key), recorded)
    about = {"partner": contract.partner, "file": contract.file, "unit": contract.unit}
    person, case = register.table.person[rows], register.table.case[rows]
    return pa.table(
        {
            **{name: pa.repeat(word, len(rows)).dictionary_encode() for name, word in about.items()},
            "key": compute.binary_join_element_wise(*[keys[name] for name in contract.unit_key], "/"),
            "record": pa.array(numbered(first + rows)),
            "person": pa.array(numbered(person), mask=person < 0),
            "case": pa.array(numbered(case), mask=case < 0),
        },
    )


def _canaries(shown: Sequence[Shown], people: People, seed: int) -> list[str]:
    """Names and numbers that occur in deliveries and most likely nowhere else."""
    draw = stream(seed, "canaries")
    canaries: set[str] = set()
    persons = np.unique(np.concatenate([s.table.person[s.rows] for s in shown]))
    persons = persons[persons >= 0]
    who = pa.array(persons)
    double = compute.binary_join_element_wise(people.surname.take(who), people.second_surname.take(who), "-")
    pools: list[Any] = [double, people.citizen_number.take(who), people.chain_number.take(who)]
    for register, rows in ((s.register, s.rows) for s in shown):
        key: Any = register.columns[register.contract.unit_key[0]]
        if isinstance(key, pa.Array):
            pools.append(key.take(pa.array(rows)))
    for pool in pools:
        distinct = sorted({text for text in pool.drop_null().to_pylist() if len(text) >= 6})
        canaries.update(distinct[i] for i in draw.permutation(len(distinct))[:CANARIES])
    return sorted(canaries)
