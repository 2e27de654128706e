"""Contracts in two open standards: the Open Data Contract Standard (ODCS) 3.1, and Frictionless Data Package 2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from das_pipeline.deliveries import Column, Contract, Partner, load_partners, load_versions, mask_pattern
from das_pipeline.deliveries.dates import date_form
from das_pipeline.disk import replace_file
from das_pipeline.jurisdiction import Jurisdiction

LOGICAL = {"text": "string", "integer": "integer", "decimal": "number", "date": "date", "boolean": "boolean"}
OWN = ("formats", "null_tokens", "true_tokens", "false_tokens", "sentinels", "horizon_days")  # what the standard has no word for
OWN += ("check", "identity", "reference", "since", "until", "empty_from")
SUFFIX = {"csv": "csv", "fixed": "txt", "jsonl": "jsonl", "xml": "xml", "parquet": "parquet", "xlsx": "xlsx"}


def export(jurisdiction: Jurisdiction, folder: Path) -> list[Path]:
    """Write every contract to `folder`: <partner>/<file>.odcs.yaml, and a <partner>/datapackage.json; return the files.

    An earlier version of a contract is <partner>/<file>.v<major>.odcs.yaml. The package has the newest ones.
    """
    written = []
    for name, partner in load_partners(jurisdiction).items():
        versions = {file: of_file for (owner, file), of_file in load_versions(jurisdiction).items() if owner == name}
        own = {file: of_file[-1] for file, of_file in versions.items()}
        (folder / name).mkdir(parents=True, exist_ok=True)
        for contract in (c for of_file in versions.values() for c in of_file):
            earlier = "" if contract is own[contract.file] else f".v{contract.major}"
            document = odcs(jurisdiction.name, partner, contract, own) | ({"status": "deprecated"} if earlier else {})
            text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=140)
            written.append(_write(folder / name / f"{contract.file}{earlier}.odcs.yaml", text))
        written.append(
            _write(folder / name / "datapackage.json", json.dumps(data_package(partner, own), indent=1, ensure_ascii=False) + "\n")
        )
    return written


def _write(path: Path, text: str) -> Path:
    replace_file(path, text.encode())
    return path


def odcs(domain: str, partner: Partner, contract: Contract, files: Mapping[str, Contract]) -> dict[str, Any]:
    """Return a contract as an ODCS document; `files` has the other contracts of the partner. Texts are in one language."""
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"{domain}-{contract.partner}-{contract.file}",
        "version": contract.version,
        "status": "active",
        "name": contract.title.main,
        "domain": domain,
        "description": {"purpose": contract.purpose},
        "team": {"name": contract.owner},
        "schema": [
            {
                "id": contract.file,
                "name": contract.file,
                "logicalType": "object",
                "physicalType": contract.format.kind,
                "description": contract.description.main,
                "dataGranularityDescription": f"One row: {', '.join((contract.unit, *contract.sub_key))}",
                "properties": [_property(contract, column) for column in contract.columns],
            }
            | _relationships(contract, files)
        ],
        "slaProperties": [
            {"property": "frequency", "value": partner.cadence},
            {"property": "latency", "value": partner.due_days, "unit": "d"},
        ],
        "customProperties": [
            {"property": key, "value": value}
            for key, value in {
                "unit": contract.unit,
                "temporality": contract.temporality,
                "deliveryMode": contract.delivery.mode,
                "fileFormat": contract.format.model_dump(mode="json", exclude_none=True),
                "since": contract.since and contract.since.isoformat(),
                "until": contract.until and contract.until.isoformat(),
            }.items()
            if value is not None
        ],
    }


def _relationships(contract: Contract, files: Mapping[str, Contract]) -> dict[str, Any]:
    if not contract.relations:
        return {}
    return {
        "relationships": [
            {
                "type": "foreignKey",
                "from": [f"schema/{contract.file}/properties/{column}" for column in relation.columns],
                "to": [f"{relation.to}.odcs.yaml#/schema/{relation.to}/properties/{key}" for key in files[relation.to].unit_key],
            }
            for relation in contract.relations
        ]
    }


def _property(contract: Contract, column: Column) -> dict[str, Any]:
    key = (*contract.unit_key, *contract.sub_key)
    made: dict[str, Any] = {
        "id": column.name,
        "name": column.name,
        "physicalName": column.source,
        "description": column.description.main,
        "logicalType": LOGICAL[column.type],
        "physicalType": column.type,
        "required": column.required,
        "classification": column.privacy,
    }
    if column.name in key:
        made |= {"primaryKey": True, "primaryKeyPosition": key.index(column.name) + 1}
    if options := _options(column):
        made["logicalTypeOptions"] = options
    if column.one_of:
        made["quality"] = [
            {"type": "library", "metric": "invalidValues", "arguments": {"validValues": list(column.one_of)}, "mustBe": 0, "unit": "rows"}
        ]
    changed = column.model_dump(mode="json", exclude_defaults=True)
    own = {_camel(name): changed[name] for name in OWN if name in changed}
    if column.concept:
        own["concept"] = column.concept.model_dump(exclude_none=True)
    if own:
        made["customProperties"] = [{"property": name, "value": value} for name, value in own.items()]
    return made


def _options(column: Column) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if column.formats:
        options["format"] = column.formats[0]
    if column.range:
        options |= {"minimum": column.range[0], "maximum": column.range[1]}
    if column.length:
        options |= {"minLength": column.length[0], "maxLength": column.length[1]}
    if column.mask:
        options["pattern"] = f"^{mask_pattern(column.mask)}$"
    return options


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def data_package(partner: Partner, files: Mapping[str, Contract]) -> dict[str, Any]:
    """Return a partner's files as a Frictionless data package."""
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": partner.partner.replace("_", "-"),
        "title": partner.title.main,
        "resources": [_resource(contract, files) for contract in files.values()],
    }


def _resource(contract: Contract, files: Mapping[str, Contract]) -> dict[str, Any]:
    form = contract.format
    schema: dict[str, Any] = {"fields": [_field(contract, column) for column in contract.columns]}
    schema["primaryKey"] = [*contract.unit_key, *contract.sub_key]
    if contract.relations:
        schema["foreignKeys"] = [
            {"fields": list(r.columns), "reference": {"resource": r.to.replace("_", "-"), "fields": list(files[r.to].unit_key)}}
            for r in contract.relations
        ]
    resource: dict[str, Any] = {
        "name": contract.file.replace("_", "-"),
        "title": contract.title.main,
        "description": contract.description.main,
        "path": f"{contract.file}.{SUFFIX[form.kind]}",
        "format": form.kind,
        "schema": schema,
    }
    if not form.has_cells:
        resource["encoding"] = form.encoding
    if form.kind == "csv":
        resource["dialect"] = {"delimiter": form.delimiter, "quoteChar": form.quote, "header": form.header}
    return resource


def _field(contract: Contract, column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "title": column.source, "description": column.description.main}
    field["type"] = LOGICAL[column.type]
    if column.type == "date" and not contract.format.has_cells:
        field["format"] = _strftime(column.formats[0]) if len(column.formats) == 1 else "any"
    if column.type == "decimal" and not contract.format.has_cells:
        field["decimalChar"] = contract.format.decimal
    if column.type == "boolean":
        field |= {"trueValues": list(column.true_tokens), "falseValues": list(column.false_tokens)}
    constraints: dict[str, Any] = {key: value for key, value in _options(column).items() if key not in ("format", "pattern")}
    if column.required:
        constraints["required"] = True
    if column.mask:
        constraints["pattern"] = mask_pattern(column.mask)
    if column.one_of:
        constraints["enum"] = list(column.one_of)
    return field | {"constraints": constraints, "missingValues": list(column.null_tokens)}


def _strftime(format: str) -> str:
    """Return a form of dates in the words of Frictionless; `any` for one with a time, which is not kept."""
    form = date_form(format)
    return "any" if form.rest else form.separator.join({"y": "%Y", "m": "%m", "d": "%d"}[part[0]] for part in form.parts)
