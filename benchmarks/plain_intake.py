"""Read, map and deduplicate the files of an inbox in plain DuckDB, with nothing around it: `python plain_intake.py INBOX FOLDER`.

What bench_deliveries.py compares intake with: no check, no quarantine, no version, no encryption. Of a contract it reads how the file is
written, its columns, their code lists and the key; text that cannot be read is dropped. One Parquet file for each delivered one.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml
from lxml import etree
from python_calamine import CalamineWorkbook

JURISDICTION = Path("jurisdictions/nl")


def main(inbox: Path, out: Path) -> None:
    """Write the latest row of every key of every file, its codes mapped, to `out`."""
    out.mkdir()
    rows = 0
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as connection:
        for path in sorted(inbox.glob("*/*/manifest.json")):
            manifest = json.loads(path.read_text(encoding="utf-8"))
            for file in manifest["files"]:
                declared = JURISDICTION / "contracts" / manifest["partner"] / f"{file['file']}.yaml"
                contract = yaml.safe_load(declared.read_text(encoding="utf-8"))
                connection.execute(
                    f"CREATE OR REPLACE TEMP TABLE delivered AS {read(connection, contract, path.with_name(file['name']), out)}"
                )
                rows += connection.execute("SELECT COUNT(*) FROM delivered").fetchall()[0][0]
                target = out / f"{manifest['partner']}_{file['file']}.parquet"
                connection.execute(f"COPY ({latest_mapped(contract)}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
    print(json.dumps({"rows": rows}))


def read(connection: duckdb.DuckDBPyConnection, contract: dict[str, Any], path: Path, out: Path) -> str:
    """The query of a delivered file: line_no, and the columns of its contract as text."""
    form = contract["format"]
    columns = {c["name"]: c.get("path", c["name"]) for c in contract["columns"]}
    if form["kind"] == "parquet":
        listed = ", ".join(f'CAST("{source}" AS VARCHAR) AS {name}' for name, source in columns.items())
        return f"SELECT ROW_NUMBER() OVER () AS line_no, {listed} FROM read_parquet('{path}')"
    if form["kind"] == "xml":
        connection.register("records", pa.Table.from_pylist(list(xml_records(path, form["record"], columns))))
        return "SELECT ROW_NUMBER() OVER () AS line_no, * FROM records"
    if form["kind"] == "xlsx":
        header, *cells = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
        place = {name: header.index(source) for name, source in columns.items()}
        connection.register("cells", pa.table({name: [str(row[n]) for row in cells] for name, n in place.items()}))
        return "SELECT ROW_NUMBER() OVER () AS line_no, * FROM cells"
    plain = out / "plain.txt"
    with opened(path, form) as source, plain.open("w", encoding="utf-8") as file:
        while text := source.read(1 << 20):
            file.write(text)
    if form["kind"] == "csv":
        listed = ", ".join(f'"{source}" AS {name}' for name, source in columns.items())
        options = f"delim='{form['delimiter']}', header=true, all_varchar=true, ignore_errors=true, strict_mode=false"
        return f"SELECT ROW_NUMBER() OVER () AS line_no, {listed} FROM read_csv('{plain}', {options})"
    lines = f"read_csv('{plain}', columns={{'line': 'VARCHAR'}}, header=false, delim='\x1f', quote='', escape='')"
    if form["kind"] == "fixed":
        listed = ", ".join(f"TRIM(SUBSTR(line, {c['at'][0]}, {c['at'][1]})) AS {c['name']}" for c in contract["columns"])
    else:
        listed = ", ".join(f"json_extract_string(line, '/{source}') AS {name}" for name, source in columns.items())
    whole = "TRUE" if form["kind"] == "fixed" else "json_valid(line)"
    return f"SELECT ROW_NUMBER() OVER () AS line_no, {listed} FROM {lines} WHERE {whole}"


def opened(path: Path, form: dict[str, Any]) -> io.TextIOWrapper:
    """The text of a packed or plain file."""
    if form.get("compression") == "zip":
        packed = zipfile.ZipFile(path)
        binary: Any = packed.open(packed.namelist()[0])
    else:
        binary = gzip.open(path) if form.get("compression") == "gzip" else path.open("rb")  # noqa: SIM115  (the wrapper closes it)
    return io.TextIOWrapper(binary, encoding=form["encoding"], errors="replace")


def xml_records(path: Path, record: str, columns: dict[str, str]) -> Iterator[dict[str, str | None]]:
    """The text of the columns in every record of an XML document."""
    for _, element in etree.iterparse(path, tag=f"{{*}}{record}"):
        yield {name: element.findtext(source) for name, source in columns.items()}
        element.clear()


def date_form(column: dict[str, Any]) -> str:
    """How the dates of a column are written, as strptime says it."""
    return column["formats"][0].replace("yyyy", "%Y").replace("mm", "%m").replace("dd", "%d")


def latest_mapped(contract: dict[str, Any]) -> str:
    """The query of the last row of every key, with dates as dates and the concept of every code."""
    selected, joins = [], []
    for n, column in enumerate(contract["columns"]):
        name = column["name"]
        value = f"TRY_STRPTIME(d.{name}, '{date_form(column)}')::DATE" if column["type"] == "date" else f"TRIM(d.{name})"
        selected.append(f"{value} AS {name}")
        if concept := column.get("concept"):
            mapping = JURISDICTION / "terminology" / "mappings" / f"{concept['list']}.csv"
            form = next((date_form(c) for c in contract["columns"] if c["name"] == concept.get("at")), None)
            day = f"TRY_STRPTIME(d.{concept['at']}, '{form}')::DATE" if form else "CURRENT_DATE"
            joins.append(
                f"LEFT JOIN read_csv('{mapping}', all_varchar=true) AS m{n} ON m{n}.code = TRIM(d.{name})"
                f" AND {day} BETWEEN m{n}.valid_from::DATE AND m{n}.valid_until::DATE"
            )
            selected.append(f"m{n}.concept AS {name}_concept")
    key = ", ".join(f"d.{name}" for name in (*contract["unit_key"], *contract.get("sub_key", [])))
    last = f"QUALIFY ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY d.line_no DESC) = 1"
    return f"SELECT {', '.join(selected)} FROM delivered AS d {' '.join(joins)} {last} ORDER BY {key}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
