"""JSON-stat 2.0: a cube per table, with labels in one language, English if there is one.

A cube has a value for every combination of its categories, in the order of `id`, the last dimension fastest: a reader finds a figure by its
place. A combination that the table does not have, and a figure that is not shown, is null. Periods of every kind are one dimension.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from das_pipeline.periods import kind_of
from das_pipeline.publication.formats.format import Format

PERIOD, NOT_SHOWN, CONFIDENTIAL, FINAL = "period", "not_shown", "confidential", "final"
pc: Any = pyarrow.compute  # its functions are made as it is imported, so that no type checker knows them


def write(cells: pa.Table, path: Path) -> None:
    """Write the cells to `path`."""
    facts = json.loads(cells.schema.metadata[b"das"])
    dimensions = {name: _codes(cells, name) for name in facts["dims"]}
    dimensions[PERIOD] = {period: period for period in sorted(cells[PERIOD].unique().to_pylist(), key=lambda p: (kind_of(p), p))}
    sizes = [len(codes) for codes in dimensions.values()]
    places = np.zeros(cells.num_rows, dtype=np.int64)
    for (name, codes), size in zip(dimensions.items(), sizes, strict=True):
        places = places * size + pc.index_in(cells[name], pa.array(list(codes), pa.string())).to_numpy()
    values: list[int | None] = [None] * int(np.prod(sizes))
    statuses: dict[str, str] = {}
    for place, n, status in zip(places.tolist(), cells["n"].to_pylist(), cells["status"].to_pylist(), strict=True):
        values[place] = None if status == NOT_SHOWN else n
        if status != FINAL:
            statuses[str(place)] = status
    content = {
        "version": "2.0",
        "class": "dataset",
        "label": _main(facts["title"]),
        "note": [_main(facts["description"]), _main(facts["notes"])],
        "source": _main(facts["source"]),
        "updated": facts["as_of"],
        "id": list(dimensions),
        "size": sizes,
        "role": {"time": [PERIOD]},
        "dimension": {
            name: {
                "label": _description(cells.schema.field(name)),
                "category": {"index": list(codes), "label": codes},
            }
            for name, codes in dimensions.items()
        },
        "value": values,
        "status": statuses,
        "extension": {
            "unit": _description(cells.schema.field("n")),
            "status": _codes(cells, "status"),
            "licence": facts["licence"],
            "is_simulated": facts["is_simulated"],
        },
    }
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def read(path: Path, schema: pa.Schema) -> pa.Table:
    """Return the cells in `path`, in the order of their keys. A value that is null has a status of its own where there is a cell."""
    cube = json.loads(path.read_bytes())
    order = [cube["dimension"][name]["category"]["index"] for name in cube["id"]]
    statuses, values = cube["status"], cube["value"]
    there = [i for i, n in enumerate(values) if n is not None or str(i) in statuses]
    codes = np.unravel_index(np.array(there, dtype=np.int64), [len(one) for one in order])
    columns: dict[str, Sequence[Any]] = {
        name: pa.array(one, pa.string()).take(pa.array(places)) for name, one, places in zip(cube["id"], order, codes, strict=True)
    }
    columns["period_kind"] = [kind_of(period) for period in columns[PERIOD].to_pylist()]  # type: ignore[attr-defined]
    columns["status"] = [statuses.get(str(i), FINAL) for i in there]
    columns["n"] = [values[i] if status == CONFIDENTIAL else values[i] or 0 for i, status in zip(there, columns["status"], strict=True)]
    columns["is_simulated"] = [cube["extension"]["is_simulated"]] * len(there)
    keys = [name for name in schema.names if name in {*cube["id"], "period_kind"}]
    cells = pa.table({name: columns[name] for name in schema.names if name in columns})
    cells = cells.cast(pa.schema([pa.field(name, schema.field(name).type, schema.field(name).nullable) for name in cells.column_names]))
    return cells.sort_by([(key, "ascending") for key in keys])


def _codes(cells: pa.Table, name: str) -> dict[str, str]:
    """Return the codes of a column with their labels, in the order in which they are shown."""
    return {option["code"]: _main(option) for option in json.loads(cells.schema.field(name).metadata[b"codes"])}


def _description(field: pa.Field) -> str:
    texts = {key.decode().removeprefix("description_"): text.decode() for key, text in field.metadata.items()}
    return _main({code: text for code, text in texts.items() if f"description_{code}".encode() in field.metadata})


def _main(texts: dict[str, str]) -> str:
    """Return a text in English if there is one, otherwise in the first language."""
    return texts["en"] if "en" in texts else next(text for key, text in texts.items() if key != "code")


FORMAT = Format("JSON-stat", "json", "application/json", write, read)
