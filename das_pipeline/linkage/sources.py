"""What linkage reads: the direct halves of the deliveries in force on the run's date, which no other stage may read."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from das_pipeline.deliveries import Contract, load_contracts, partners_in, passes, register_records
from das_pipeline.engine import create_table, identifier
from das_pipeline.errors import ConfigurationError
from das_pipeline.linkage.definition import LinkageDefinition
from das_pipeline.linkage.standardise import bare_number
from das_pipeline.run import Run
from das_pipeline.terminology import records

RECORDS_A_UNIT = 2**40  # more than a unit can have
PROFILE = {"surname": "VARCHAR", "given_names": "VARCHAR", "birth_date": "DATE", "sex": "VARCHAR"}


def delivered_contracts(run: Run) -> list[Contract]:
    """Return the contracts of the partners that have delivered, parents before children."""
    present = set(partners_in(run))
    return [contract for (partner, _), contract in load_contracts(run.jurisdiction).items() if partner in present]


def linked_contracts(run: Run, definition: LinkageDefinition) -> list[Contract]:
    """Return those of the delivered contracts whose rows are records to link."""
    return [contract for contract in delivered_contracts(run) if (contract.partner, contract.file) not in definition.registers]


def read_merged_numbers(run: Run, connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Create `merged_numbers` (role, number, leading_number): the number that each merged number counts as, in force on the run's date.

    A leading number may have been merged later: the last one counts. Numbers that lead to each other in a circle are not merged.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE merged_numbers (role VARCHAR, number VARCHAR, leading_number VARCHAR)")
    contracts, delivered = load_contracts(run.jurisdiction), partners_in(run)
    for key in definition.strong_keys:
        if (merged := key.merged) is None:
            continue
        contract = contracts.get((merged.partner, merged.file))
        if contract is None or not {merged.old, merged.leading} <= {column.name for column in contract.direct}:
            where = f"{run.jurisdiction.folder}/linkage.yaml: merged numbers of {key.role}"
            raise ConfigurationError(
                f"{where}: no file {merged.partner}/{merged.file} has direct columns {merged.old} and {merged.leading}."
            )
        if merged.partner not in delivered:
            continue
        view = register_records(run, connection, merged.partner, merged.file, half="direct")
        old, leading = (bare_number(f"CAST({identifier(name)} AS VARCHAR)") for name in (merged.old, merged.leading))
        connection.execute(
            f"""
            INSERT INTO merged_numbers
            WITH RECURSIVE delivered AS (
                SELECT {old} AS number, MIN({leading}) AS leading_number FROM {view}
                WHERE known_from <= $as_of AND $as_of < known_until AND {old} <> {leading}
                    AND NOT list_contains($sentinels, {old}) AND NOT list_contains($sentinels, {leading})
                GROUP BY ALL),
            followed AS (
                SELECT number, leading_number FROM delivered
                UNION
                SELECT f.number, t.leading_number FROM followed AS f JOIN delivered AS t ON t.number = f.leading_number)
            SELECT $role, number, leading_number FROM followed WHERE leading_number NOT IN (SELECT number FROM delivered) ORDER BY number
            """,
            {"role": key.role, "as_of": run.as_of, "sentinels": key.sentinels},
        )


def create_units(connection: duckdb.DuckDBPyConnection, contracts: Sequence[Contract]) -> None:
    """Create `units` (unit, first_node, is_person): a record's node is `first_node + record_no`, in the order of unit and record_no.

    So a node is the same whatever other records there are. A unit is about persons if a file of it has an identity role.
    """
    of_persons = {contract.unit for contract in contracts if any(column.identity for column in contract.columns)}
    rows = [(unit, n * RECORDS_A_UNIT, unit in of_persons) for n, unit in enumerate(sorted({contract.unit for contract in contracts}))]
    create_table(connection, "units", "unit VARCHAR, first_node BIGINT, is_person BOOLEAN", rows)


def read_identity(run: Run, connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, touched: str | None = None) -> None:
    """Create `identity`, one row per record with its roles as delivered, and `named`, one row per record and case reference.

    A unit may be in several files: the roles come from the first row, in the order of the files, of a file that has any. A record is
    about a person if a file of its unit has a role. `touched` names a table (unit, record_no) of the records to read; None: all.
    """
    contracts = linked_contracts(run, definition)
    create_units(connection, contracts)
    roles = PROFILE | {key.role: "VARCHAR" for key in definition.strong_keys}
    columns = ", ".join(f"{identifier(role)} {kind}" for role, kind in roles.items())
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE delivered (unit VARCHAR, record_no BIGINT, sub VARCHAR, partner VARCHAR, place INTEGER,"
        f" has_role BOOLEAN, {columns})"
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE named (unit VARCHAR, record_no BIGINT, reference VARCHAR, value VARCHAR)")
    for place, contract in enumerate(contracts):
        view = register_records(run, connection, contract.partner, contract.file, half="direct", only=within(contract, touched))
        if touched is not None:  # read once, for the roles and for every reference
            connection.execute(f"CREATE OR REPLACE TEMP TABLE touched_rows AS SELECT * FROM {view}")
            view = "touched_rows"
        _read_roles(run, connection, contract, view, place, list(roles), touched)
        _read_references(run, connection, contract, view, definition)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE identity AS
        SELECT u.first_node + d.record_no AS node, d.unit, d.record_no, d.partner, u.is_person, {", ".join(roles)}
        FROM delivered AS d JOIN units AS u ON u.unit = d.unit
        QUALIFY row_number() OVER (PARTITION BY d.unit, d.record_no ORDER BY has_role DESC, place, sub) = 1
        """
    )
    connection.execute("DROP TABLE delivered")


def within(contract: Contract, records: str | None) -> str | None:
    """Return the records of the contract's unit that are in the table `records`, as a relation with record_no; None: all."""
    return None if records is None else f"(SELECT record_no FROM {records} WHERE unit = '{contract.unit}')"


def number_references(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `case_references` (node, reference, value) from `named` and the nodes in `records`, without case and punctuation."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE case_references AS
        SELECT DISTINCT r.node, n.reference, {bare_number("n.value")} AS value
        FROM named AS n JOIN records AS r ON r.unit = n.unit AND r.record_no = n.record_no
        WHERE regexp_matches(upper(n.value), '[0-9A-Z]')
        """
    )


def _read_roles(
    run: Run,
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    view: str,
    place: int,
    roles: Sequence[str],
    touched: str | None,
) -> None:
    by_role = {column.identity: column for column in contract.columns if column.identity}
    meaning, joined = {}, ""
    for role in roles:
        column = by_role.get(role)
        if column is None:
            meaning[role] = "NULL"
        elif column.check:  # a contract that only warns lets wrong numbers in
            meaning[role] = f"CASE WHEN {passes(column.check, f'd.{identifier(column.name)}')} THEN d.{column.name} END"
        elif column.concept:  # each partner has codes of its own for sex: their concepts are compared
            content = records(run, connection, contract.partner, contract.file)
            if (only := within(contract, touched)) is not None:
                content = f"(SELECT r.* FROM {content} AS r SEMI JOIN {only} AS t ON t.record_no = r.record_no)"
            joined = f"LEFT JOIN {content} AS c ON c.record_no = d.record_no AND c.sub = d.sub AND c.known_from = d.known_from"
            meaning[role] = f"CASE WHEN c.{column.name}_concept NOT IN ('unknown', 'not_applicable') THEN c.{column.name}_concept END"
        else:
            meaning[role] = f"d.{identifier(column.name)}"
    connection.execute(
        f"""
        INSERT INTO delivered SELECT $unit, d.record_no, d.sub, $partner, $place, $has_role, {", ".join(meaning[role] for role in roles)}
        FROM {view} AS d {joined} WHERE d.known_from <= $as_of AND $as_of < d.known_until
        """,
        {
            "unit": contract.unit,
            "partner": contract.partner,
            "place": place,
            "has_role": bool(by_role),
            "as_of": run.as_of,
        },
    )


def _read_references(run: Run, connection: duckdb.DuckDBPyConnection, contract: Contract, view: str, definition: LinkageDefinition) -> None:
    pointing = {column.name: column.reference for column in contract.columns if column.reference}
    homes = {r.column: name for name, r in definition.references.items() if r.unit == contract.unit and r.column in contract.by_name}
    for column, reference in (homes | pointing).items():
        name = identifier(column)
        connection.execute(
            f"""
            INSERT INTO named SELECT DISTINCT $unit, record_no, $reference, CAST({name} AS VARCHAR) FROM {view}
            WHERE {name} IS NOT NULL AND known_from <= $as_of AND $as_of < known_until
            """,
            {"unit": contract.unit, "reference": reference, "as_of": run.as_of},
        )
