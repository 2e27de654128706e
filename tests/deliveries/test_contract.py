"""A contract is checked when it is loaded; a mistake names the file and the place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from das_pipeline.deliveries import contract_schema, load_contracts, load_partners
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from tests.conftest import TOY


@pytest.fixture
def spoiled(tmp_path: Path):
    """The toy jurisdiction with one contract changed."""

    def spoil(file: str, change) -> Jurisdiction:
        folder = tmp_path / "toy"
        shutil.copytree(TOY, folder)
        path = folder / "contracts" / file
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return Jurisdiction(folder)

    return spoil


def test_parents_come_before_the_files_that_refer_to_them(toy: Jurisdiction) -> None:
    assert list(load_contracts(toy)) == [("bench", "cases"), ("bench", "rulings"), ("watch", "reports")]
    assert list(load_partners(toy)) == ["bench", "watch"]


def test_halves_share_the_sex_and_nothing_that_names_a_person(toy: Jurisdiction) -> None:
    reports = load_contracts(toy)["watch", "reports"]
    assert {c.name for c in reports.content} & {c.name for c in reports.direct} == {"sex"}
    assert {c.name for c in reports.direct} == {"report_no", "chain_no", "surname", "given_names", "born_on", "sex"}


def test_a_contract_has_a_json_schema() -> None:
    assert {"partner", "file", "unit_key", "columns"} <= contract_schema()["properties"].keys()


def column(content: dict, name: str) -> dict:
    return next(c for c in content["columns"] if c["name"] == name)


MISTAKES = [
    ("watch/reports.yaml", lambda c: c["columns"].append(dict(column(c, "ward"))), "two columns have one name"),
    ("watch/reports.yaml", lambda c: c.update(unit_key=["nothing"]), "unit_key and sub_key name nothing"),
    ("watch/reports.yaml", lambda c: column(c, "report_no").update(privacy="none"), "privacy must be direct"),
    ("bench/rulings.yaml", lambda c: column(c, "ruling_no").update(privacy="direct"), "privacy cannot be direct"),
    ("bench/rulings.yaml", lambda c: column(c, "ruling").pop("at"), r"needs at: \[first position, width\]"),
    ("bench/rulings.yaml", lambda c: c.update(relations=[{"columns": ["case_no"], "to": "nowhere"}]), "resolves to no other file"),
    ("watch/reports.yaml", lambda c: column(c, "report_no").update(mask="???"), "a mask needs"),
    ("watch/reports.yaml", lambda c: column(c, "born_on").update(formats=["month"]), "month is no form of a date"),
    ("watch/reports.yaml", lambda c: column(c, "born_on").pop("formats"), "a date needs formats"),
    ("watch/reports.yaml", lambda c: column(c, "committed_on").update(sentinels=["never"]), "never is not a date"),
    ("watch/reports.yaml", lambda c: column(c, "ward").update(name="Ward!"), "no identifier"),
    ("watch/reports.yaml", lambda c: column(c, "ward").update(name="line_no"), "adds itself"),
    ("watch/reports.yaml", lambda c: column(c, "offence")["concept"].update(at="ward"), "must name a date column"),
    ("watch/reports.yaml", lambda c: c["delivery"].pop("mutation"), "a delta has a mutation column"),
    ("watch/reports.yaml", lambda c: c["format"].update(record="report"), "for xml"),
    ("watch/reports.yaml", lambda c: c.update(format={"kind": "xlsx", "compression": "gzip"}), "leave out encoding, compression"),
    ("watch/reports.yaml", lambda c: c.update(format={"kind": "parquet", "decimal": ","}), "leave out encoding, compression, decimal"),
    ("bench/cases.yaml", lambda c: c["format"].update(encoding="utf-16"), "utf-16 is for csv and fixed"),
    (
        "watch/reports.yaml",
        lambda c: (c.update(format={"kind": "xlsx"}), column(c, "closed_on").update(formats=["dd-mm-yyyy"])),
        "closed_on: a day in xlsx is read as yyyy-mm-dd",
    ),
    (
        "watch/reports.yaml",
        lambda c: (c.update(format={"kind": "parquet"}), column(c, "ward").update(type="boolean", true_tokens=["J"], concept=None)),
        "ward: parquet has true and false of its own",
    ),
    ("watch/reports.yaml", lambda c: c.update(partner="bench"), "it declares bench/reports"),
    ("watch/reports.yaml", lambda c: c.update(sql="DROP TABLE x"), "sql: this key is not known here"),
]


@pytest.mark.parametrize(("file", "change", "said"), MISTAKES, ids=[said for _, _, said in MISTAKES])
def test_a_mistake_is_named_with_its_file(spoiled, file: str, change, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as error:
        load_contracts(spoiled(file, change))
    assert file in str(error.value)
