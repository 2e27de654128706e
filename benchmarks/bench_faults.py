"""Plant every kind of fault in simulated deliveries, and count which of them the rules notice and how often they cry wolf.

python -m benchmarks.bench_faults [rows] (or `make faults`) writes the table to docs/faults.md.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from das_pipeline import terminology
from das_pipeline.chain import build_events
from das_pipeline.deliveries import account_rows, load_contracts, partners_in, pending, take_in
from das_pipeline.engine import parquet
from das_pipeline.gate import GateFailed
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Version
from das_pipeline.linkage import build_entities, build_links
from das_pipeline.linkage.definition import load_definition
from das_pipeline.privacy import write_demo_keys
from das_pipeline.rules import catalogue
from das_pipeline.run import Run, produce
from das_pipeline.settings import PROJECT, Settings
from simulation import simulate
from simulation.faults import FILE_KINDS, KINDS

PROFILE, PAGE = PROJECT / "benchmarks" / "faults.yaml", PROJECT / "docs" / "faults.md"
UNTIL, SEED = date(2026, 1, 9), 5
RECALL, FALSE_ALARMS = 0.99, 0.001
BY_SHARE = {  # kinds of rows that no rule can notice one by one, and the table whose verdict notices a share of them
    "day_month_swapped": "chain/events",
    "deleted_without_notice": "deliveries/<partner>",
}
SHARE_FROM = 20  # rows from which such a rule judges (policy.yaml: min_rows)
Place = tuple[str, str, str, int]  # partner, delivery, file, line


@dataclass
class Found:
    """What the rules noticed: lines in quarantine by rule, failed rules by delivery and by table, and lines that later stages named."""

    lines: dict[Place, set[str]] = field(default_factory=lambda: defaultdict(set))
    deliveries: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    waiting: set[tuple[str, str]] = field(default_factory=set)
    refused: set[tuple[str, str]] = field(default_factory=set)
    unknown: set[tuple[Any, ...]] = field(default_factory=set)  # partner, delivery, file, line, column
    numbers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # rule -> numbers of persons
    tables: dict[str, set[str]] = field(default_factory=dict)


def main(rows: int) -> None:
    """Simulate, take in, run the chain up to its events, and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        root, jurisdiction = Path(folder), Jurisdiction(PROJECT / "jurisdictions" / "nl")
        settings = Settings(home=root / "home", inbox=root / "inbox", keys=root / "keys", jurisdiction=jurisdiction.folder)
        write_demo_keys(settings.keys, seed=SEED)
        sent = simulate(jurisdiction, settings.inbox, size=rows, seed=SEED, faults=PROFILE, until=UNTIL)
        ledger = [json.loads(line) for line in (sent.truth / "faults.jsonl").read_text(encoding="utf-8").splitlines()]
        run = Run.start(settings, date.max)
        found = taken_in(run)
        in_chain(Run.start(settings, UNTIL), found)
        read = sum(account.read for account in account_rows(run))
    PAGE.write_text(page(rows, ledger, found, read), encoding="utf-8")
    print(f"{PAGE.relative_to(PROJECT)}: {len(ledger):,} faults in {read:,} lines of {len(found.deliveries):,} deliveries")


def taken_in(run: Run) -> Found:
    """Take everything in until nothing is ready; return what was noticed."""
    found = Found()
    while ready := [d for d in pending(run) if d.state == "ready"]:
        place = (ready[0].partner, ready[0].delivery)
        try:
            verdicts = take_in(run, ready[0]).version.verdicts
            found.deliveries[place] = {v["rule"] for v in verdicts if not v["passed"]}
        except GateFailed as failure:
            found.refused.add(place)
            found.deliveries[place] = {v.rule for v in failure.verdicts if not v.passed}
    found.waiting = {(d.partner, d.delivery) for d in pending(run)}
    with run.connect(identifying=True) as connection:
        for partner, version in partners_in(run).items():
            for name in (n for n in version.files if n.startswith("quarantine/")):
                _, file, delivery = name.removesuffix(".parquet").split("/")
                for line, rule in connection.execute(f"SELECT line_no, rule FROM {parquet([version.path(name)])}").fetchall():
                    found.lines[partner, delivery, file, line].add(rule)
    return found


def in_chain(run: Run, found: Found) -> None:
    """Run terminology, linkage and events, and note what their rules notice; a rule that would stop them is noted and does not."""
    delivered = [f"deliveries/{partner}" for partner in partners_in(run)]
    steps = (
        ("terminology/concepts", terminology.build_concepts, []),
        ("terminology/records", terminology.build_records, ["terminology/concepts", *delivered]),
        ("identifying/entities", build_entities, ["terminology/records", *delivered]),
        ("linkage/links", build_links, ["identifying/entities", *delivered]),
        ("chain/events", build_events, ["terminology/records", "linkage/links"]),
    )
    for table, build, inputs in steps:
        try:
            version = produce(run, table, build, inputs=inputs, chained=table == "linkage/links").version
        except GateFailed as failure:
            found.tables[table] = {v.rule for v in failure.verdicts if not v.passed}
            return
        found.tables[table] = {v["rule"] for v in version.verdicts if not v["passed"]}
        if table == "terminology/records":
            _note_unknown(run, version, found)
        if table == "identifying/entities":
            with run.connect(identifying=True) as connection:
                doubtful = parquet([version.path("doubtful_numbers.parquet")])
                for rule, value in connection.execute(f"SELECT DISTINCT rule, value FROM {doubtful}").fetchall():
                    found.numbers[rule].add(value)
    # A declared placeholder is noticed before it can be one of several persons.
    found.numbers["K05"] |= {number for key in load_definition(run.jurisdiction).strong_keys for number in key.sentinels}


def _note_unknown(run: Run, records: Version, found: Found) -> None:
    """Note the cells whose concept is unknown."""
    with run.connect(confidential=True) as connection:
        for (partner, file), contract in load_contracts(run.jurisdiction).items():
            for column in (c.name for c in contract.columns if c.concept is not None and not c.is_direct):
                table = parquet([records.path(f"{partner}/{file}.parquet")])
                rows = connection.execute(f"SELECT delivery, line_no FROM {table} WHERE {column}_concept = 'unknown'").fetchall()
                found.unknown |= {(partner, delivery, file, line, column) for delivery, line in rows}


# -- counting


def is_noticed(fault: Mapping[str, Any], found: Found) -> bool:
    """Whether the rule that should detect a fault did."""
    delivery, rule = (fault["partner"], fault["delivery"]), fault["rule"]
    if fault["outcome"] in ("waits", "late"):
        return fault["outcome"] == "late" or any(partner == fault["partner"] for partner, _ in found.waiting)
    if rule in found.numbers or rule in ("K04", "K05"):
        return fault["after"] in found.numbers[rule]
    if fault["fault"] in BY_SHARE:
        table = BY_SHARE[fault["fault"]]
        return rule in (found.tables.get(table, set()) if table in found.tables else found.deliveries.get(delivery, set()))
    if fault["line"] is None:
        return rule in found.deliveries.get(delivery, set())
    place = (*delivery, fault["file"], fault["line"])
    if fault["outcome"] == "accepted_unknown":
        return (*place, fault["column"]) in found.unknown
    return rule in found.lines.get(place, set())


def kinds(ledger: Iterable[dict[str, Any]], found: Found) -> dict[str, tuple[str, int, int]]:
    """Return by kind its rule, how many were planted in deliveries that were judged, and how many of these its rule noticed."""
    counts: dict[str, list[Any]] = {}
    for fault in ledger:
        delivery = (fault["partner"], fault["delivery"])
        if fault["rule"] is None or (fault["outcome"] != "waits" and delivery not in found.deliveries):
            continue
        if fault["line"] is not None and delivery in found.refused:
            continue  # the file was refused for something else: its rows were not judged
        count = counts.setdefault(fault["fault"], [fault["rule"], 0, 0])
        count[1] += 1
        count[2] += is_noticed(fault, found)
    large = {kind: count for kind, count in counts.items() if kind not in BY_SHARE or count[1] >= SHARE_FROM}
    return {kind: (rule, planted, noticed) for kind, (rule, planted, noticed) in sorted(large.items())}


def false_alarms(ledger: Iterable[dict[str, Any]], found: Found) -> Counter[str]:
    """Return by rule how many lines it set aside in which no fault was planted."""
    planted = {(f["partner"], f["delivery"], f["file"], f["line"]) for f in ledger if f["outcome"] == "quarantined"}
    return Counter(rule for place, rules in found.lines.items() if place not in planted for rule in rules)


def page(rows: int, ledger: list[dict[str, Any]], found: Found, read: int) -> str:
    """Return the page: recall by kind, false alarms by rule, and what was not planted."""
    counted, alarms = kinds(ledger, found), false_alarms(ledger, found)
    lines = [
        "# How many faults the rules notice",
        "",
        f"Printed by `make faults SIZE={rows}`: {len(ledger):,} faults of every kind in {read:,} lines of {len(found.deliveries):,}",
        f"simulated deliveries (profile `benchmarks/faults.yaml`, seed {SEED}). Wanted: a recall of {RECALL} and false alarms of at most",
        f"{FALSE_ALARMS}.",
        "",
        "| kind of fault | rule | planted | noticed | recall |",
        "|---|---|---|---|---|",
    ]
    for kind, (rule, planted, noticed) in counted.items():
        share = " (as a share)" if kind in BY_SHARE else ""
        low = "" if noticed >= RECALL * planted else " (below)"
        lines.append(f"| {kind}{share} | {rule} | {planted:,} | {noticed:,} | {noticed / planted:.3f}{low} |")
    missing = sorted({*KINDS, *FILE_KINDS} - {f["fault"] for f in ledger})
    unseen = sorted({f["fault"] for f in ledger} - counted.keys())
    lines += ["", f"Kinds that no rule should notice, or that were too small to be noticed here: {', '.join(unseen) or 'none'}."]
    lines += [f"Kinds that no file had at this size: {', '.join(missing) or 'none'}.", ""]
    lines += ["| rule | lines set aside without a planted fault | share of lines |", "|---|---|---|"]
    for rule in sorted({rule for rules in found.lines.values() for rule in rules}):
        lines.append(f"| {rule} {catalogue()[rule].name} | {alarms[rule]:,} | {alarms[rule] / max(read, 1):.5f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60_000)
