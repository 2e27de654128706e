"""Every kind of fault can be made, stands where the ledger says, and touches nothing that other rows depend on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from das_pipeline.deliveries import Contract, load_contracts
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.simulation import Simulated, render
from das_pipeline.simulation.deliver import hand_over
from das_pipeline.simulation.faults import KINDS, Page, Plan, Planned, profile, put_faults
from das_pipeline.simulation.parameters import Faults
from tests.simulation.conftest import Small

REFERENCE = np.datetime64("2025-12-26")
INVISIBLE = {"too_few_fields", "unescaped_delimiter", "invalid_byte", "mixed_charset", "line_break"}  # not in one cell of the file


def page(small: Small, contract: Contract, may_go: bool = True) -> Page:
    register = small.sender.registers[contract.partner, contract.file]
    rows = register.rows_on(REFERENCE)
    columns = render.texts(contract, register.state(rows, REFERENCE), small.parameters.registers)
    if contract.delivery.mutation:  # every tenth row is withdrawn
        words = [contract.delivery.mutation.new[0], contract.delivery.mutation.withdraw[0]]
        columns = {contract.delivery.mutation.column: render.pa.array([words[n % 10 == 9] for n in range(len(rows))]), **columns}
    known_on = register.keeping.known_on[rows]
    return Page(contract, REFERENCE.astype(object), columns, small.sender.expired, known_on, np.full(len(rows), may_go))


def planned(page: Page, profile: Faults) -> Planned:
    return Plan(profile, 1).delivery([page.contract], page.reference_on, f"{page.reference_on}.1", is_history=True)


@pytest.fixture(scope="module")
def default(dutch: Jurisdiction) -> Faults:
    read = profile(dutch, "default")
    assert read is not None
    return read


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_made_in_some_file(kind: str, small: Small) -> None:
    wanted = Faults(source="one kind at a time", share=0.0, least=3, weights={kind: 1.0})
    for register in small.sender.registers.values():
        made = page(small, register.contract)
        log = put_faults(made, planned(made, wanted))
        if log:
            assert {f.fault for f in log} == {kind}
            before = render.lines(register.contract, made.held(), made.form).to_pylist()
            after = render.lines(register.contract, made.finished(), made.form).to_pylist()
            changed = {n for n, line in enumerate(after) if line != before[n]}
            logged = {f.line - render.first_line(register.contract) for f in log if f.line is not None}
            assert len(changed) <= len(logged)
            assert made.broken or made.headers or changed <= logged
            return
    pytest.fail(f"no file lends itself to {kind}")


def test_faults_stand_where_the_ledger_says(simulated: Simulated, dutch: Jurisdiction) -> None:
    contracts = load_contracts(dutch)
    ledger = [json.loads(line) for line in (simulated.truth / "faults.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({f["fault"] for f in ledger}) >= 12
    checked = 0
    for fault in ledger:
        if fault["fault"] in INVISIBLE or fault["line"] is None or fault["column"] is None:
            continue
        contract = contracts[fault["partner"], fault["file"]]
        if contract.format.kind not in ("csv", "fixed"):
            continue
        path = next((simulated.inbox / fault["partner"] / fault["delivery"]).glob(f"{fault['file']}.*"))
        line = path.read_bytes().decode(contract.format.encoding, errors="replace").split("\r\n")[fault["line"] - 1]
        column = contract.by_name[fault["column"]]
        if contract.format.kind == "csv":
            text = line.split(contract.format.delimiter)[[c.name for c in contract.columns].index(column.name)]
        else:
            assert column.at is not None
            text = line[column.at[0] - 1 : sum(column.at) - 1].strip()
        assert text == (fault["after"] or "")
        checked += 1
    assert checked >= 15


def test_rows_that_others_depend_on_stay_accepted(small: Small, default: Faults) -> None:
    register = small.sender.registers["om", "zaken"]
    made = page(small, register.contract, may_go=False)
    log = put_faults(made, planned(made, default.model_copy(update={"share": 0.5})))
    set_aside = {f.fault for f in log if f.outcome == "quarantined"}
    assert set_aside <= {name for name, kind in KINDS.items() if kind.adds}
    assert len(log) >= 10


def test_without_faults_the_ledger_is_empty(small: Small, tmp_path: Path) -> None:
    for handover in small.schedule.of_day(small.schedule.first):
        contracts = small.schedule.of_partner(handover.planned.partner)
        parts = {c.file: [small.sender.write(handover, c, tmp_path)] for c in contracts}
        assert hand_over(tmp_path, handover, contracts, parts)[1] == []
