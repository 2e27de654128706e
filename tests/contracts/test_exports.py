"""Contracts as ODCS and Frictionless: valid by the standards' own schemas, with what the contracts say."""

from __future__ import annotations

import json
from pathlib import Path

import frictionless
import jsonschema
import pytest
import yaml

from das_pipeline.contracts.exports import export
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT
from tests.conftest import TOY

# From github.com/bitol-io/open-data-contract-standard, schema/, commit e6a1c66; Apache License 2.0, beside it.
ODCS = json.loads((Path(__file__).parent / "odcs-json-schema-v3.1.0.json").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("folder", [TOY, PROJECT / "jurisdictions" / "nl"], ids=lambda folder: folder.name)
def test_every_contract_is_valid_in_both_standards(folder: Path, tmp_path: Path) -> None:
    written = export(Jurisdiction(folder), tmp_path)
    validator = jsonschema.Draft201909Validator(ODCS)
    documents = [path for path in written if path.suffix == ".yaml"]
    packages = [path for path in written if path.suffix == ".json"]
    assert len(packages) == len(Jurisdiction(folder).partners) < len(documents)
    for path in documents:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert not [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(document)]
    for path in packages:
        descriptor = json.loads(path.read_text(encoding="utf-8"))
        assert not [error.note for error in frictionless.Package.metadata_validate(descriptor)]


def test_a_wrong_document_is_not_valid(tmp_path: Path) -> None:
    path = next(path for path in export(Jurisdiction(TOY), tmp_path) if path.name == "reports.odcs.yaml")
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["schema"][0]["properties"][0]["logicalType"] = "words"
    assert list(jsonschema.Draft201909Validator(ODCS).iter_errors(document))


def test_the_documents_say_what_the_contract_says(tmp_path: Path) -> None:
    export(Jurisdiction(TOY), tmp_path)
    odcs = yaml.safe_load((tmp_path / "bench/rulings.odcs.yaml").read_text(encoding="utf-8"))
    assert (odcs["id"], odcs["version"], odcs["apiVersion"]) == ("toy-bench-rulings", "1.0.0", "v3.1.0")
    columns = {p["name"]: p for p in odcs["schema"][0]["properties"]}
    assert [(name, p["logicalType"], p.get("primaryKeyPosition")) for name, p in columns.items()] == [
        ("case_no", "string", 1),
        ("ruling_no", "integer", 2),
        ("ruled_on", "date", None),
        ("ruling", "string", None),
    ]
    assert odcs["schema"][0]["relationships"] == [
        {"type": "foreignKey", "from": ["schema/rulings/properties/case_no"], "to": ["cases.odcs.yaml#/schema/cases/properties/case_no"]}
    ]
    package = json.loads((tmp_path / "watch/datapackage.json").read_text(encoding="utf-8"))
    fields = {field["name"]: field for field in package["resources"][0]["schema"]["fields"]}
    assert fields["mutation"]["constraints"] == {"required": True, "enum": ["N", "C", "W"]}
    assert (fields["sex"]["missingValues"], fields["committed_on"]["format"], fields["born_on"]["format"]) == (["", "?"], "any", "%Y-%m-%d")


def test_frictionless_reads_a_delivery_by_the_exported_package(tmp_path: Path) -> None:
    export(Jurisdiction(TOY), tmp_path)
    folder = tmp_path / "watch"
    header = "mutation,report_no,chain_no,surname,given_names,born_on,sex,offence,ward,committed_on,reported_on,closed_on,damage\n"
    right = "N,R0001,101,Abernathy,Ada,1990-05-01,F,10,n,2024-01-02,2024-01-03,2024-01-20,100.00\n"
    (folder / "reports.csv").write_text(header + right, encoding="utf-8")
    assert frictionless.validate(str(folder / "datapackage.json")).valid
    (folder / "reports.csv").write_text(header + right.replace("N,R0001", "N,X1"), encoding="utf-8")
    report = frictionless.validate(str(folder / "datapackage.json"))
    assert [error.type for task in report.tasks for error in task.errors] == ["constraint-error"]
