"""Toy deliveries of two partners: a history and two later deliveries each, small enough to count by hand.

`watch` delivers changes (csv), `bench` its whole register every time (JSON lines and fixed width). What is in them:

| | watch | bench |
|---|---|---|
| 2024-01-31 | 12 reports, one an exact duplicate (line 13 repeats line 2) | 5 cases, 2 rulings |
| 2024-02-29 | 4 new, R0003 corrected, R0005 withdrawn, R0006 closed; a date in the future (line 6), a bad number (line 8) | 7, 4 |
| 2024-03-31 | 3 new, R0004 closed, R0007 corrected; an unreadable date in an update of R0002 (line 6) | 8, 6; C0002 is gone |

Persons: chain numbers 101 … 108; R0008 and R0012 hold the placeholder 999; R0011 has no chain number, its person is 103 by name.
R0010 has an offence that is in no code list. Case C000n comes from report R000n.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from das_pipeline.deliveries import pending, take_in
from das_pipeline.run import Run
from das_pipeline.settings import Settings

DAYS = (date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31))
# Values that may never be seen outside the identifying zone.
CANARIES = NAMES = ("Abernathy", "Brockhurst", "Castellane", "Drummonder", "Eversleigh", "Fotheringay", "Gainsbury", "Hollingworth")

WATCH_HEADER = "mutation,report_no,chain_no,surname,given_names,born_on,sex,offence,ward,committed_on,reported_on,closed_on,damage"
WATCH = {
    DAYS[0]: [
        "N,R0001,101,Abernathy,Ada,1990-05-01,F,10,n,2024-01-02,2024-01-03,2024-01-20,100.00",
        "N,R0002,102,Brockhurst,Ben,1985-07-12,M,11,n,2024-01-04,2024-01-05,,2500.50",
        "N,R0003,103,Castellane,Cleo,2007-03-09,F,10,s,2024-01-06,2024-01-06,,20.00",
        "N,R0004,104,Drummonder,Dirk,1979-11-30,M,21,s,2024-01-08,2024-01-09,,",
        "N,R0005,105,Eversleigh,Eva,2001-01-15,F,21,n,10-01-2024,11-01-2024,,",
        "N,R0006,106,Fotheringay,Finn,1968-02-28,M,20,s,2023-12-30,2024-01-12,,",
        "N,R0007,101,Abernathy,Ada,1990-05-01,F,10,n,2024-01-15,2024-01-16,,75.00",
        "N,R0008,999,Gainsbury,Gus,2008-08-08,M,11,s,2024-01-17,2024-01-18,,900.00",
        "N,R0009,107,Hollingworth,Hanna,1995-12-24,F,10,,2024-01-19,2024-01-20,2024-01-28,15.25",
        "N,R0010,102,Brockhurst,Ben,1985-07-12,M,77,n,2024-01-21,2024-01-22,,",
        'N,R0011,,Castellane,"Cleo ""C"", junior",2007-03-09,F,10,s,2024-01-23,2024-01-24,,5.00',
        "N,R0001,101,Abernathy,Ada,1990-05-01,F,10,n,2024-01-02,2024-01-03,2024-01-20,100.00",
    ],
    DAYS[1]: [
        "N,R0012,999,Abernathy,Ada,1990-05-01,?,10,n,2024-02-01,2024-02-02,,30.00",
        "C,R0003,103,Castellane,Cleo,2007-03-09,F,11,s,2024-01-06,2024-01-06,,20.00",
        "W,R0005,,,,,,,,,,,",
        "N,R0013,108,Gainsbury,Gus,2008-08-08,M,10,n,2024-02-05,2024-02-06,,60.00",
        "N,R0014,105,Eversleigh,Eva,2001-01-15,F,21,n,2024-02-08,2025-02-08,,",
        "C,R0006,106,Fotheringay,Finn,1968-02-28,M,20,s,2023-12-30,2024-01-12,2024-02-15,",
        "N,X15,104,Drummonder,Dirk,1979-11-30,M,21,s,2024-02-10,2024-02-11,,",
        "N,R0016,104,Drummonder,Dirk,1979-11-30,M,21,s,2024-02-12,2024-02-13,,",
        "N,R0017,107,Hollingworth,Hanna,1995-12-24,F,11,n,2024-02-20,2024-02-21,,450.00",
    ],
    DAYS[2]: [
        "N,R0018,108,Gainsbury,Gus,2008-08-08,M,10,n,2024-03-02,2024-03-03,,10.00",
        "C,R0004,104,Drummonder,Dirk,1979-11-30,M,21,s,2024-01-08,2024-01-09,2024-03-10,",
        "N,R0019,103,Castellane,Cleo,2007-03-09,F,21,n,2024-03-05,2024-03-06,,",
        "C,R0007,101,Abernathy,Ada,1990-05-01,F,11,n,2024-01-15,2024-01-16,,80.00",
        "C,R0002,102,Brockhurst,Ben,1985-07-12,M,11,n,2024-01-04,2024-01-05,31-31-2024,2500.50",
        "N,R0020,106,Fotheringay,Finn,1968-02-28,M,10,s,2024-03-20,2024-03-21,,300.00",
    ],
}

_PEOPLE = {
    1: ("101", "Abernathy", "Ada", "1990-05-01"),
    2: ("102", "Brockhurst", "Ben", "1985-07-12"),
    3: ("103", "Castellane", "Cleo", "2007-03-09"),
    4: ("104", "Drummonder", "Dirk", "1979-11-30"),
    6: ("", "Fotheringay", "Finn", "1968-02-28"),
    7: ("101", "Abernathy", "Ada", "1990-05-01"),
    9: ("107", "Hollingworth", "Hanna", "1995-12-24"),
    13: ("108", "Gainsbury", "Gus", "2008-08-08"),
    16: ("104", "Drummonder", "Dirk", "1979-11-30"),
}
_RECEIVED = {
    1: "2024-01-21", 2: "2024-01-15", 3: "2024-01-25", 4: "2024-01-26", 9: "2024-01-29",
    6: "2024-02-16", 13: "2024-02-20", 7: "2024-03-01", 16: "2024-03-04",
}  # fmt: skip
CASES = {DAYS[0]: (1, 2, 3, 4, 9), DAYS[1]: (1, 2, 3, 4, 9, 6, 13), DAYS[2]: (1, 3, 4, 9, 6, 13, 7, 16)}
# case, sequence number, date, ruling: GU guilty, NG acquitted, RB referred back
RULINGS = {
    DAYS[0]: [(1, 1, "20240130", "GU"), (2, 1, "20240129", "NG")],
    DAYS[1]: [(1, 1, "20240130", "GU"), (2, 1, "20240129", "NG"), (3, 1, "20240214", "RB"), (9, 1, "20240220", "GU")],
    DAYS[2]: [
        (1, 1, "20240130", "GU"), (3, 1, "20240214", "RB"), (9, 1, "20240220", "GU"),
        (4, 1, "20240312", "NG"), (6, 1, "20240315", "GU"), (3, 2, "20240320", "GU"),
    ],
}  # fmt: skip


def watch_csv(rows: list[str]) -> bytes:
    return ("\n".join([WATCH_HEADER, *rows]) + "\n").encode()


def bench_cases(cases: tuple[int, ...]) -> bytes:
    names = ("chain_no", "surname", "given_names", "born_on")
    records = [
        {"case_no": f"C{n:04}", "report_no": f"R{n:04}", **dict(zip(names, _PEOPLE[n], strict=True)), "received_on": _RECEIVED[n]}
        for n in cases
    ]
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def bench_rulings(rulings: list[tuple[int, int, str, str]]) -> bytes:
    return "".join(f"C{case:04}{number:>2}{on}{ruling}\n" for case, number, on, ruling in rulings).encode()


def write_delivery(
    inbox: Path,
    partner: str,
    reference_on: date,
    sequence: int,
    files: Mapping[str, tuple[str, bytes]],
    *,
    number: int = 1,
    complete_for: Mapping[str, Any] | None = None,
    **said: Any,
) -> Path:
    """A delivery as a sender writes it: files (contract name -> file name and bytes), then the manifest, in which `said` overrides."""
    delivery = f"{reference_on}.{number}"
    folder = inbox / partner / delivery
    folder.mkdir(parents=True)
    entries = []
    for file, (name, content) in files.items():
        (folder / name).write_bytes(content)
        entries.append(
            {
                "file": file,
                "name": name,
                "sha256": hashlib.sha256(content).hexdigest(),
                "bytes": len(content),
                "lines": content.count(b"\n") + (not content.endswith(b"\n") and content != b""),
                "sums": _damage(content) if file == "reports" else {},
                "complete_for": (complete_for or {}).get(file, "nothing" if partner == "watch" else "all"),
            }
        )
    manifest = {
        "partner": partner,
        "delivery": delivery,
        "reference_on": reference_on.isoformat(),
        "delivered_on": reference_on.isoformat(),
        "sequence": sequence,
        "replaces": None,
        "is_simulated": True,
        "files": entries,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | said, indent=1), encoding="utf-8")
    return folder


def _damage(content: bytes) -> dict[str, str]:
    """The sum that the sender declares: the last field of every line, as far as it is an amount."""
    last = [line.rsplit(b",", 1)[-1].decode(errors="replace") for line in content.split(b"\n")[1:]]
    return {"damage": str(sum((Decimal(text) for text in last if text.replace(".", "", 1).isdigit()), Decimal(0)))}


def write_toy_deliveries(inbox: Path, days: Sequence[date] = DAYS, real: Collection[str] = ()) -> None:
    """The toy deliveries in `inbox`: two a day, simulated but for those of the partners in `real`."""
    for sequence, day in enumerate(days, start=1):
        files = {
            "watch": {"reports": ("reports.csv", watch_csv(WATCH[day]))},
            "bench": {"cases": ("cases.jsonl", bench_cases(CASES[day])), "rulings": ("rulings.txt", bench_rulings(RULINGS[day]))},
        }
        for partner, of_partner in files.items():
            write_delivery(inbox, partner, day, sequence, of_partner, is_simulated=partner not in real)


def take_in_all(settings: Settings) -> None:
    """Everything in the inbox taken in, in the order in which it became known."""
    run = Run.start(settings, date.max)
    for delivery in pending(run):
        take_in(run, delivery)
