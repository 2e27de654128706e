"""What the simulated partners hand over: the same from the same seed, as the manifest says, and adding up day by day."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import json
import re
import shutil
import zipfile
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from das_pipeline.deliveries import Manifest
from das_pipeline.errors import ConfigurationError, DasError
from das_pipeline.jurisdiction import Jurisdiction
from simulation import Simulated, next_day, simulate
from simulation.deliveries.registers import MAPPING
from simulation.deliveries.values import texts
from simulation.draws import Coded
from tests.simulation.conftest import Small


def content(folder: Path) -> dict[str, str]:
    """The hash of every file under `folder`, by its path."""
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def manifests(inbox: Path) -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for path in sorted(inbox.glob("*/*/manifest.json")):
        found[path.parts[-3], path.parts[-2]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def lines_of(data: bytes, name: str) -> int:
    """Lines, rows or records of a delivered file, counted by other means than the pipeline's."""
    match name.rsplit(".", 1)[1]:
        case "xml":
            return data.count(b"<rechtszaak>")
        case "parquet":
            return pq.read_metadata(io.BytesIO(data)).num_rows
        case "xlsx":
            return len(CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python())
        case "gz":
            data = gzip.decompress(data)
        case "zip":
            packed = zipfile.ZipFile(io.BytesIO(data))
            data = packed.read(packed.namelist()[0])
    return len(re.findall(rb"\n\x00" if data.startswith(codecs.BOM_UTF16_LE) else rb"\n", data))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(dutch: Jurisdiction, tmp_path: Path) -> None:
    made = [simulate(dutch, tmp_path / name / "inbox", size="tiny", seed=seed) for name, seed in (("a", 5), ("b", 5), ("c", 6))]
    first, again, other = (content(m.inbox.parent) for m in made)
    assert first == again
    assert first.keys() == other.keys()
    assert first["inbox/om/2025-12-26.1/zaken.simulated.csv"] != other["inbox/om/2025-12-26.1/zaken.simulated.csv"]


@pytest.mark.slow
def test_a_manifest_is_true_but_for_what_broke_in_transport(simulated: Simulated) -> None:
    broken = []
    for (partner, delivery), manifest in manifests(simulated.inbox).items():
        said = Manifest.model_validate(manifest)
        assert said.is_simulated
        for file in said.files:
            data = (simulated.inbox / partner / delivery / file.name).read_bytes()
            if hashlib.sha256(data).hexdigest() != file.sha256:
                broken.append((partner, delivery))
                continue
            assert len(data) == file.bytes
            assert lines_of(data, file.name) == file.lines
    assert broken == [("dji", "2025-12-28.1")]


def test_history_first_then_a_daily_delivery_one_late_and_one_corrected(simulated: Simulated) -> None:
    found = manifests(simulated.inbox)
    days = {(p, d): (m["delivered_on"], m["sequence"], m["replaces"]) for (p, d), m in found.items()}
    assert days["om", "2025-12-26.1"] == ("2025-12-27", 1, None)
    assert [days["om", f"2025-12-{d}.1"][1] for d in (27, 28, 29, 30)] == [2, 3, 4, 5]
    assert days["rvdk", "2025-12-28.1"] == ("2025-12-30", 3, None)  # late, together with the next one
    assert days["rvdk", "2025-12-29.1"] == ("2025-12-30", 4, None)
    assert days["dji", "2025-12-28.1"] == ("2025-12-29", 3, None)  # broken, refused
    assert days["dji", "2025-12-28.2"] == ("2025-12-30", 3, "2025-12-28.1")
    assert max(d for d, _, _ in days.values()) == "2025-12-31"


@pytest.mark.slow
def test_a_day_later_is_the_same_as_having_simulated_until_then(dutch: Jurisdiction, tmp_path: Path) -> None:
    whole = simulate(dutch, tmp_path / "whole" / "inbox", size="tiny", faults="none")
    part = simulate(dutch, tmp_path / "part" / "inbox", size="tiny", faults="none", until=date(2025, 12, 30))
    assert len(part.deliveries) < len(whole.deliveries)
    later = next_day(dutch, part.inbox)
    assert {d.delivered_on for d in later.deliveries} == {date(2025, 12, 31)}
    assert content(part.inbox.parent) == content(whole.inbox.parent)


@pytest.mark.slow
def test_a_monthly_partner_delivers_about_month_ends(dutch: Jurisdiction, tmp_path: Path) -> None:
    shutil.copytree(dutch.folder, tmp_path / "nl")
    said = tmp_path / "nl" / "contracts" / "halt" / "partner.yaml"
    said.write_text(said.read_text(encoding="utf-8").replace("cadence: daily", "cadence: monthly"), encoding="utf-8")
    made = simulate(Jurisdiction(tmp_path / "nl"), tmp_path / "inbox", size=20_000, faults="none", until=date(2026, 1, 3))
    halt = [d for d in made.deliveries if d.partner == "halt"]
    assert [(str(d.reference_on), str(d.delivered_on), d.sequence) for d in halt] == [
        ("2025-11-30", "2025-12-01", 1),
        ("2025-12-31", "2026-01-01", 2),
    ]
    assert len([d for d in made.deliveries if d.partner == "om"]) == 8
    assert halt[0].rows > 30
    assert halt[1].rows > 0.9 * halt[0].rows  # a snapshot: the register as a whole, not what a month added


def test_history_and_what_came_after_add_up_to_the_register(small: Small) -> None:
    """The rows of the first delivery, changed by each later one, are the rows in the register at the end."""
    days = list(np.arange("2025-12-22", "2025-12-29", dtype="datetime64[D]"))  # long enough for a small world to change
    seen = {"new": 0, "change": 0, "withdraw": 0}
    for register in small.sender.registers.values():

        def text(rows: np.ndarray, day: np.datetime64, register: Any = register) -> dict[int, tuple[str | None, ...]]:
            columns = texts(register.contract, register.state(rows, day), small.parameters.registers)
            return dict(zip(rows.tolist(), zip(*[c.to_pylist() for c in columns.values()], strict=True), strict=True))

        held = text(register.rows_on(days[0]), days[0])
        for before, day in pairwise(days):
            parts = register.changes(before, day)
            assert not set(parts["new"]) & set(held)
            assert set(parts["change"]) | set(parts["withdraw"]) <= set(held)
            held |= text(parts["new"], day) | text(parts["change"], day)
            held = {row: line for row, line in held.items() if row not in set(parts["withdraw"].tolist())}
            for kind, rows in parts.items():
                seen[kind] += len(rows)
        assert held == text(register.rows_on(days[-1]), days[-1]), register.contract.file
    assert seen["new"] > 0
    assert seen["change"] > 0


def test_files_are_in_the_dialects_of_their_contracts(simulated: Simulated) -> None:
    history = {p: simulated.inbox / p / "2025-12-26.1" for p in ("politie", "cjib", "reclassering", "rechtspraak")}
    assert (history["politie"] / "misdrijven.simulated.csv").read_bytes().startswith(b"mutatie;bvh_nr;volgnr;")
    assert {len(line) for line in (history["cjib"] / "executiezaken.simulated.txt").read_bytes().split(b"\r\n")[:3]} == {173}
    first = json.loads((history["reclassering"] / "opdrachten.simulated.jsonl").read_bytes().split(b"\n")[0])
    assert list(first)[:3] == ["mutatie", "opdracht_nr", "skn"]
    assert (
        (history["rechtspraak"] / "rechtszaken.simulated.xml")
        .read_bytes()
        .startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<rechtszaken>\n')
    )


def test_what_cannot_be_simulated_is_refused_with_the_reason(dutch: Jurisdiction, toy: Jurisdiction, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="The size huge is not known: use tiny, demo"):
        simulate(dutch, tmp_path / "inbox", size="huge")
    with pytest.raises(ConfigurationError, match=r"simulation/parameters\.yaml: this file is missing"):
        simulate(toy, tmp_path / "inbox", size="tiny")
    with pytest.raises(ConfigurationError, match="Nothing is delivered by 2025-01-01"):
        simulate(dutch, tmp_path / "inbox", size="tiny", until=date(2025, 1, 1))
    with pytest.raises(DasError, match="there is no simulation to continue"):
        next_day(dutch, tmp_path / "inbox")


def test_codes_are_spelled_in_ways_that_come_back_to_the_list(small: Small, dutch: Jurisdiction) -> None:
    rules = [
        (r["pattern"], r["replacement"]) for r in dutch.csv("terminology/canonical/law_article.csv", ("pattern", "replacement", "note"))
    ]
    codes = {r["code"] for r in dutch.csv("terminology/mappings/om_artikel.csv", MAPPING)}
    for place in (("om", "feiten"), ("rechtspraak", "rechtszaken")):
        column = small.sender.registers[place].columns["artikel"]
        assert isinstance(column, Coded)
        assert set(column.words) != codes
        for written in column.words:
            word = written
            for pattern, replacement in rules:
                word = re.sub(pattern, replacement, word).strip()
            assert word in codes, written
