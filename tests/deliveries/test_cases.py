"""Small files that real systems wrote, against the Dutch contracts; the README of each says what is right."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from das_pipeline.deliveries import load_contracts
from das_pipeline.deliveries.checking import header_of, rows_query
from das_pipeline.deliveries.reading import Lines
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.run import Run
from das_pipeline.settings import PROJECT, Settings
from tests.deliveries.conftest import LIMIT

DAY_OF_CASES = date(2026, 1, 31)
CASES = Path(__file__).parent / "cases"
READ = {  # the line, and the rule that sets it aside
    "csv_cp850/zaken.csv": ("om", {n: ["I03 "] for n in (2, 3, 4, 5, 7, 8)}),
    "json_leaf/opdrachten.jsonl": (
        "reclassering",
        {n: ["I03 "] for n in (4, 8, 10)}
        | {3: ["I05 "]}
        | {2: ["K06 voornamen"], 5: ["K06 achternaam"], 9: ["K06 achternaam"], 15: ["K06 uitkomst"], 16: ["K06 uitkomst"]},
    ),
    "xlsx_formula/onderzoeken.xlsx": ("rvdk", {3: ["I05 "]}),
    "xlsx_merged/onderzoeken.xlsx": ("rvdk", {3: ["I05 "], 4: ["I05 "]}),
    "xml_leaf_lost/rechtszaken.xml": ("rechtspraak", {n: ["I05 "] for n in (2, 3, 5, 6)} | {7: ["K06 dat_vonnis"], 8: ["I03 "]}),
}


def judged(settings: Settings, partner: str, path: Path) -> tuple[dict[int, list[str]], str]:
    """The faults of the lines of a file by number, and why it is refused."""
    contract = load_contracts(Jurisdiction(PROJECT / "jurisdictions" / "nl"))[partner, path.stem]
    lines = Lines([path.read_bytes()], contract.format, LIMIT)
    if lines.problem:
        return {}, str(lines.problem)
    header = header_of(contract, lines.names, DAY_OF_CASES)
    with Run.start(settings, DAY_OF_CASES).connect(identifying=True) as connection:
        connection.register("lines", lines.reader())
        query = rows_query(contract, header, {contract.file: contract.unit}, DAY_OF_CASES, "lines")
        found = connection.execute(f"SELECT line_no, faults FROM ({query})", {"header_line": lines.header_line}).fetchall()
    return {line: faults for line, faults in found if faults}, ""


@pytest.mark.parametrize(("path", "partner", "expected"), [(p, *v) for p, v in READ.items()], ids=READ)
def test_a_row_that_is_not_understood_is_set_aside(path: str, partner: str, expected: dict[int, list[str]], settings: Settings) -> None:
    assert judged(settings, partner, CASES / path) == (expected, "")


def test_a_header_with_one_name_twice_is_refused(settings: Settings) -> None:
    refused = judged(settings, "om", CASES / "csv_same_header_twice" / "zaken.csv")[1]
    assert refused == "has two columns of one name. Ask which of them is meant."
