"""What the UI says of a table: its description and its columns, from the declarations (tables.yaml, contracts), never written twice."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from das_pipeline import deliveries
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import Settings
from orchestration.lineage import lineage, origins


@cache
def declarations() -> dict[str, Any]:
    """The declaration of every table of the lake: description, grain, columns of its main file."""
    return yaml.safe_load(Path(__file__).with_name("tables.yaml").read_text(encoding="utf-8"))


def description(table: str) -> str:
    """What the table is, and what one row of it is."""
    declared = declarations().get(table) or _delivered(table)
    return f"{declared['description']}\n\n**One row**: {declared['grain']}"


def column_schema(table: str) -> dict[str, Any]:
    """The `dagster/column_schema` metadata of the table's main file, descriptions with units."""
    declared = declarations().get(table) or _delivered(table)
    columns = [
        dg.TableColumn(
            name=name, type=column["type"], description=column["description"] + (f" [{column['unit']}]" if "unit" in column else "")
        )
        for name, column in declared["columns"].items()
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}


def column_lineage(table: str) -> dict[str, Any]:
    """The metadata of a materialisation of `table` that leads from a published column to the columns of the contracts.

    The columns of each of its files are added to the schema, with where they were delivered: Dagster's open-source UI stores a lineage but
    does not draw it (1.13.27). It is read here and not with the definitions, whose import it would double.
    """
    jurisdiction = Jurisdiction(Settings.from_environment().jurisdiction)
    made = lineage(table, jurisdiction)
    if not made:
        return {}
    declared = declarations()[table]["columns"]
    columns = [*column_schema(table)["dagster/column_schema"].columns]
    for name in sorted(made):
        own = declared.get(name.rpartition(".")[2], {})
        delivered = ", ".join(
            f"{source.removeprefix('deliveries/')} {column}" for source, column in sorted(origins(table, name, jurisdiction))
        )
        description = f"{own['description']}. Delivered as {delivered}" if own else f"Delivered as {delivered}"
        columns.append(dg.TableColumn(name=name, type=own.get("type", "VARCHAR"), description=description))
    deps = {
        name: [dg.TableColumnDep(asset_key=source.split("/"), column_name=column) for source, column in sources]
        for name, sources in made.items()
    }
    return {"dagster/column_schema": dg.TableSchema(columns=columns), "dagster/column_lineage": dg.TableColumnLineage(deps)}


def _version(contract: deliveries.Contract) -> str:
    """The version of a contract, and from which reference date it is valid."""
    return f"contract {contract.version}{f', from {contract.since} on' if contract.since else ''}"


@cache
def _delivered(table: str) -> dict[str, Any]:
    """The declaration of a partner's accepted records, or of an external source, from its contracts."""
    name = table.split("/")[1]
    jurisdiction = Jurisdiction(Settings.from_environment().jurisdiction)
    contracts = {file: contract for (partner, file), contract in deliveries.load_contracts(jurisdiction).items() if partner == name}
    if not contracts:
        source = deliveries.load_external(jurisdiction, name)
        columns = {c.name: {"type": c.type, "description": c.description.main} for c in source.columns}
        return {
            "description": f"{source.title.main}. {source.description.main}",
            "grain": "one figure as the source published it.",
            "columns": columns,
        }
    columns = {
        f"{file}.{column.name}": {"type": column.type, "description": f"{column.description.main} (privacy: {column.privacy})"}
        for file, contract in contracts.items()
        for column in contract.columns
    }
    titles = "; ".join(f"**{file}**: {contract.title.main} ({_version(contract)})" for file, contract in contracts.items())
    return {
        "description": f"The accepted records of {name}, every version of them, encrypted; identifying columns are kept apart. {titles}.",
        "grain": "one delivered row that made a new version of a record.",
        "columns": columns,
    }
