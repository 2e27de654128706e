"""Every kind of fault can be made, is where the ledger says, and affects nothing that other rows depend on."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

from das_pipeline.deliveries import Contract, load_contracts
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.rules import catalogue
from simulation import Simulated
from simulation.deliveries import render
from simulation.deliveries.deliver import hand_over
from simulation.deliveries.layout import first_line, layout
from simulation.deliveries.lines import lines
from simulation.deliveries.values import texts
from simulation.faults import FILE_KINDS, KINDS, Page, Plan, Planned, profile, put_faults
from simulation.faults.profile import Faults, Trouble, WholeFiles
from simulation.faults.whole import DELIVERY_KINDS
from tests.simulation.conftest import Small

REFERENCE = np.datetime64("2025-12-26")
INVISIBLE = {"too_few_fields", "unescaped_delimiter", "invalid_byte", "mixed_charset", "line_break"}  # not in one cell of the file


def page(small: Small, contract: Contract, may_go: bool = True) -> Page:
    register = small.sender.registers[contract.partner, contract.file]
    rows = register.rows_on(REFERENCE)
    columns = texts(contract, register.state(rows, REFERENCE), small.parameters.registers)
    if contract.delivery.mutation:  # every tenth row is withdrawn
        words = [contract.delivery.mutation.new[0], contract.delivery.mutation.withdraw[0]]
        columns = {contract.delivery.mutation.column: pa.array([words[n % 10 == 9] for n in range(len(rows))]), **columns}
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
            before = lines(register.contract, made.held(), made.form).to_pylist()
            after = lines(register.contract, made.finished(), made.form).to_pylist()
            changed = {n for n, line in enumerate(after) if line != before[n]}
            logged = {f.line - first_line(register.contract) for f in log if f.line is not None}
            assert len(changed) <= len(logged)
            assert made.broken or made.headers or changed <= logged
            return
    pytest.fail(f"no file lends itself to {kind}")


@pytest.mark.slow
def test_faults_are_where_the_ledger_says(simulated: Simulated, dutch: Jurisdiction) -> None:
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
        line = path.read_bytes().decode(contract.format.encoding, errors="replace").replace("\r\n", "\n").split("\n")[fault["line"] - 1]
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


def test_a_burst_has_so_many_times_the_faults(small: Small) -> None:
    contract = small.sender.registers["politie", "misdrijven"].contract
    made = page(small, contract)
    said = {"source": "a bad half of the year 2024", "share": 0.1, "weights": {"duplicate_row": 1.0}}
    burst = {"partner": "politie", "from": "2024-01-01", "until": "2024-07-01", "times": 5.0}
    log = put_faults(made, planned(made, Faults.model_validate({**said, "bursts": [burst]})))
    inside = (made.known_on >= np.datetime64("2024-01-01")) & (made.known_on < np.datetime64("2024-07-01"))
    repeated = np.isin(np.arange(made.rows), made.extra)
    assert len(log) == len(made.extra) > 50
    times = (repeated[inside].mean()) / (repeated[~inside].mean())
    assert 3.8 < times < 6.2  # five, within two standard errors of some hundred faults


def test_a_burst_is_of_one_office_and_of_its_own_kinds(small: Small) -> None:
    contract = small.sender.registers["politie", "misdrijven"].contract
    made = page(small, contract)
    office = Counter(made.columns["eenheid"].to_pylist()).most_common(1)[0][0]
    said = {"source": "one office, a new system", "share": 0.01, "weights": {"duplicate_row": 1.0}}
    burst = {"partner": "politie", "where": {"eenheid": [office]}, "times": 11.0, "weights": {"date_format": 1.0}}
    log = put_faults(made, planned(made, Faults.model_validate({**said, "bursts": [burst]})))
    of_burst = [change.row for change in made.changes if change.row < made.rows]
    assert len(of_burst) == sum(f.fault == "date_format" for f in log) > 5
    assert {made.text("eenheid", row) for row in of_burst} == {office}


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_each_kind_of_a_whole_file_is_planned_for_some_file(kind: str, small: Small, tmp_path: Path) -> None:
    plan = Plan(Faults(source="one kind at a time", share=0.0, weights={}, files=WholeFiles(share=1.0, weights={kind: 1.0})), 1)
    contracts = [register.contract for register in small.sender.registers.values()]
    later = REFERENCE.astype(object) + timedelta(days=1)
    found = [(c, p) for c in contracts for p in [plan.delivery([c], later, f"{later}.1", is_history=False)] if p.of_file(c)]
    if not found:  # of the history only, and not by chance
        listed = Trouble(partner="om", reference_on=later, fault=kind)
        plan = Plan(Faults(source="one kind at a time", share=0.0, weights={}, deliveries=[listed]), 1)
        found = [(c, plan.delivery([c], later, f"{later}.1", is_history=True)) for c in contracts if c.partner == "om"]
    of_bytes = {name for name, kind in FILE_KINDS.items() if kind.bytes is not None}
    contract, whole = found[0]
    made = page(small, contract)
    log = put_faults(made, whole)
    render.write_part(contract, made.finished(), tmp_path / "part", made.form)
    written = render.assemble(contract, [tmp_path / "part"], tmp_path / "file", whole.form(contract))
    entry = {"sha256": written.sha256, "bytes": written.bytes, "lines": written.lines}
    log += whole.damage(contract, tmp_path / "file", entry)
    assert [(f.fault, f.line) for f in log] == [(kind, None)]
    is_as_said = hashlib.sha256((tmp_path / "file").read_bytes()).hexdigest() == entry["sha256"]
    assert is_as_said == (FILE_KINDS[kind].phase != "transport")
    is_changed = len(made.written) < made.rows or made.columns != page(small, contract).columns
    assert is_changed or made.form != layout(contract, later) or whole.of_file(contract)[0].kind in of_bytes
    assert not plan.delivery([contract], later, f"{later}.2", is_history=False, is_corrected=True).of_file(contract)


def test_blocks_agree_on_the_fault_of_a_file_and_one_of_them_logs_it(small: Small) -> None:
    contract = small.sender.registers["politie", "misdrijven"].contract
    later = REFERENCE.astype(object) + timedelta(days=1)
    trouble = [Trouble(partner="politie", reference_on=later, fault=f, file="misdrijven") for f in ("missing_column", "rows_left_out")]
    whole = Plan(Faults(source="two kinds at once", share=0.1, least=9, weights={"date_format": 1.0}, deliveries=trouble), 1).delivery(
        [contract], later, f"{later}.1", is_history=False
    )
    first, second = page(small, contract), page(small, contract)
    logs = [put_faults(first, whole, block=0), put_faults(second, whole, block=1)]
    assert first.form == second.form != layout(contract, later)
    assert len(first.left_out) == len(second.left_out) > 0
    assert [[f.fault for f in log if f.line is None] for log in logs] == [["rows_left_out"], []]
    assert {f.line for f in logs[0]} != {f.line for f in logs[1]}


def test_rows_that_are_counted_no_longer_are_not_in_the_file(small: Small) -> None:
    contract = small.sender.registers["politie", "verdachten"].contract
    made = page(small, contract)
    change = {"partner": "politie", "file": "verdachten", "from": "2024-07-01", "where": {"vervolg": ["HALT"]}}
    log = put_faults(
        made,
        planned(made, Faults.model_validate({"source": "a definition that changed", "share": 0.0, "weights": {}, "definitions": [change]})),
    )
    counted = [(text, day) for text, day in zip(made.columns["vervolg"].to_pylist(), made.known_on, strict=True)]
    left = sum(text == "HALT" and day >= np.datetime64("2024-07-01") for text, day in counted)
    assert [f.fault for f in log] == ["definition_change"]
    assert len(made.written) == made.rows - left < made.rows
    assert "HALT" in made.finished()["vervolg"].to_pylist()


def test_every_rule_that_should_fire_is_built() -> None:
    built = set(catalogue())
    rules = {kind.rule for kind in KINDS.values()} | {kind.rule for kind in FILE_KINDS.values()} | {"F12"}
    rules |= {rule for kind in DELIVERY_KINDS.values() for rule, _ in (kind.of_delta, kind.of_snapshot)}
    assert rules - built == {None}


@pytest.mark.parametrize(
    ("change", "finds"),
    [
        ({"weights": {"typo": 1}}, "there is no kind typo"),
        ({"files": {"share": 0.1, "weights": {"lost": 1}}}, "there is no kind lost"),
        ({"deliveries": [{"partner": "om", "reference_on": "2025-12-28", "fault": "lost"}]}, "there is no kind lost"),
        ({"deliveries": [{"partner": "nobody", "reference_on": "2025-12-28", "fault": "late"}]}, "nobody/ has no contract"),
        ({"bursts": [{"partner": "om", "where": {"colour": ["red"]}, "times": 2}]}, "om/ has no contract with colour"),
        ({"definitions": [{"partner": "om", "file": "zaken", "from": "2025-01-01", "where": {"colour": ["red"]}}]}, "with colour"),
        ({"share": 2}, "share"),
    ],
)
def test_a_mistake_in_a_profile_is_named(change: dict[str, object], finds: str, dutch: Jurisdiction, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    said = {"source": "a profile of one's own", "share": 0.01, "weights": {"date_format": 1}}
    path.write_text(yaml.safe_dump(said), encoding="utf-8")
    assert profile(dutch, path) == Faults.model_validate(said)
    path.write_text(yaml.safe_dump({**said, **change}), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=finds):
        profile(dutch, path)


def test_a_profile_is_known_by_name(dutch: Jurisdiction) -> None:
    assert profile(dutch, "none") is None
    named = [profile(dutch, name) for name in ("default", "hostile")]
    assert [set(read.weights) == set(KINDS) for read in named if read is not None] == [True, True]
    with pytest.raises(ConfigurationError, match="use none, default, hostile or the path"):
        profile(dutch, "mild")
