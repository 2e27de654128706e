"""What a full national table costs: 596,400 cells (355 regions, 10 groups, 168 months), written in every format and drawn by the site.

python -m benchmarks.bench_publication

Each part runs in a process of its own: CPU seconds are of the part alone, the peak is that of its process. Beside each stands the most that
it may be; the exit code is 1 when that is exceeded.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.periods import months
from das_pipeline.publication import metadata, table_texts
from das_pipeline.publication.definitions import Dimension, Source, Table
from das_pipeline.publication.tables import write
from das_pipeline.publication.texts import Words, load_words
from das_pipeline.settings import DEFAULT, PROJECT
from das_pipeline.website.cells import PublishedTable
from das_pipeline.website.figures import figure
from das_pipeline.website.language import Language

REGIONS, GROUPS, AS_OF = 354, 9, date(2025, 12, 31)  # and the total of each
FIRST = date(2012, 1, 1)
LIMITS = {"write": (10.0, 1.0), "page": (1.0, 1.0)}  # CPU seconds, GB
NAME = "national"
JURISDICTION = Jurisdiction(PROJECT / "jurisdictions" / DEFAULT.read_text(encoding="utf-8").strip())


def codes() -> dict[str, list[str]]:
    """Return the codes of each dimension, the total first."""
    return {
        "region": ["all", *(f"region_{number:03d}" for number in range(REGIONS))],
        "offence": ["all", *(f"group_{number}" for number in range(GROUPS))],
        "period": [f"{month:%Y-%m}" for month in months(FIRST, AS_OF)],
    }


def cells() -> pa.Table:
    """Return the full grid with rounded counts, in the order of its keys."""
    regions, groups, periods = codes().values()
    rows = len(regions) * len(groups) * len(periods)
    counts = np.random.default_rng(1).poisson(6, rows) * 5
    columns: dict[str, Any] = {
        "region": pa.array(sorted(regions)).take(pa.array(np.repeat(np.arange(len(regions)), len(groups) * len(periods)))),
        "offence": pa.array(sorted(groups)).take(pa.array(np.tile(np.repeat(np.arange(len(groups)), len(periods)), len(regions)))),
        "period_kind": pa.repeat("month", rows),
        "period": pa.array(periods).take(pa.array(np.tile(np.arange(len(periods)), len(regions) * len(groups)))),
        "n": counts,
        "status": pa.repeat("final", rows),
    }
    return pa.table(columns)


def schema(words: Words) -> pa.Schema:
    """Return the schema of the table, with a label for each code."""
    text = Text.model_validate(dict.fromkeys(words.languages, "Registered crime in a region"))
    texts = table_texts(JURISDICTION)
    table = Table(
        name=NAME,
        title=text,
        description=text,
        notes=text,
        theme="crime",
        kind="protected",
        unit="crime",
        base=5,
        dimensions=(Dimension("region", "region", "region"), Dimension("offence", "offence", "scm_group")),
        periods=("month",),
        source=Source(text, texts.licence),
        is_simulated=True,
        population={"": "each registered"},
    )
    labels = {
        name: {code: Text.model_validate(dict.fromkeys(words.languages, code.replace("_", " "))) for code in codes()[name]}
        for name in ("region", "offence")
    }
    described = texts.columns | texts.codes | {"n": texts.columns["n"].filled(unit="crimes", base=5)}
    return metadata.arrow_schema(table, metadata.fields(table, described, labels), AS_OF.isoformat(), "1")


def measured(part: str, folder: Path) -> dict[str, float]:
    """Do a part, and return what it cost."""
    words = load_words(JURISDICTION)
    if part == "write":
        grid, shape, columns = cells(), schema(words), table_texts(JURISDICTION).columns
        begun = time.process_time()
        rows = write(grid, shape, folder / f"{NAME}.parquet", columns, words, is_simulated=True)
    else:
        language, units = Language(next(iter(words.languages)), words), {"crime": "crimes"}
        begun = time.process_time()
        rows = len(figure(PublishedTable(folder / f"{NAME}.parquet"), AS_OF, language, units).grids)
    cost = time.process_time() - begun
    return {"rows": rows, "cpu": cost, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def main() -> int:
    """Run each part in a process of its own; print what it cost beside its limit."""
    exceeded = False
    with tempfile.TemporaryDirectory() as folder:
        for part, (seconds, size) in LIMITS.items():
            command = [sys.executable, "-m", "benchmarks.bench_publication", part, folder]
            cost = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            exceeded |= cost["cpu"] > seconds or cost["peak"] > size
            print(f"{part}: {cost['cpu']:.1f} s CPU (at most {seconds:.0f}), peak {cost['peak']:.2f} GB (at most {size:.0f})")
        for path in sorted(Path(folder).iterdir()):
            print(f"  {path.name} {path.stat().st_size:,} bytes")
    return int(exceeded)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(measured(sys.argv[1], Path(sys.argv[2]))))
    else:
        sys.exit(main())
