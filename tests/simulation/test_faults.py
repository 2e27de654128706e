"""Every kind of fault can be made, stands where the ledger says, and touches nothing that other rows depend on."""

from __future__ import annotations

import json

import numpy as np
import pytest

from das_pipeline.deliveries import Contract, load_contracts
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.simulation import Simulated, render
from das_pipeline.simulation.faults import KINDS, Page, put_faults
from tests.simulation.conftest import Small

REFERENCE = np.datetime64("2025-12-26")
INVISIBLE = {"too_few_fields", "unescaped_delimiter", "invalid_byte", "mixed_charset", "duplicate_row", "truncated_file"}


def page(small: Small, contract: Contract) -> Page:
    register = small.sender.registers[contract.partner, contract.file]
    state = register.state(register.rows_on(REFERENCE), REFERENCE)
    columns = render.texts(contract, state, small.parameters.registers)
    if contract.delivery.mutation:
        rows = len(columns[contract.unit_key[0]])
        columns = {contract.delivery.mutation.column: render.pa.array(["N"] * rows), **columns}
    return Page(contract, REFERENCE.astype(object), columns, small.sender.expired)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_made_in_some_file(kind: str, small: Small) -> None:
    wanted = small.parameters.faults.model_copy(update={"weights": {kind: 1.0}, "share": 0.0})
    for register in small.sender.registers.values():
        made = page(small, register.contract)
        log = put_faults(made, "2025-12-26.1", wanted, 3, np.ones(made.rows, dtype=bool), np.random.default_rng(1))
        if log:
            assert {f.fault for f in log} == {kind}
            before, after = render.lines(register.contract, made.columns), render.lines(register.contract, made.finished())
            changed = {n for n in range(len(after)) if n >= len(before) or before[n].as_py() != after[n].as_py()}
            logged = {f.line - render.first_line(register.contract) for f in log if f.line is not None}
            assert changed | made.cut <= logged
            return
    pytest.fail(f"no file lends itself to {kind}")


def test_faults_stand_where_the_ledger_says(simulated: Simulated, dutch: Jurisdiction) -> None:
    contracts = load_contracts(dutch)
    ledger = [json.loads(line) for line in (simulated.truth / "faults.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({f["fault"] for f in ledger}) >= 12
    checked = 0
    for fault in ledger:
        contract = contracts[fault["partner"], fault["file"]]
        if fault["fault"] in INVISIBLE or contract.format.kind not in ("csv", "fixed"):
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
    assert checked > 20


def test_rows_that_others_depend_on_stay_accepted(small: Small) -> None:
    register = small.sender.registers["om", "zaken"]
    made = page(small, register.contract)
    wanted = small.parameters.faults.model_copy(update={"share": 0.5})
    log = put_faults(made, "2025-12-26.1", wanted, 10, np.zeros(made.rows, dtype=bool), np.random.default_rng(1))
    assert {f.outcome for f in log} <= {"accepted", "accepted_unknown", "duplicate"}
    assert len(log) >= 10


def test_without_faults_the_ledger_is_empty(small: Small, tmp_path: object) -> None:
    log: list[object] = []
    list(small.sender.send_day(tmp_path, small.parameters.period.history_until, log))  # type: ignore[arg-type]
    assert log == []
