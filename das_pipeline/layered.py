"""Files with rows by record, as a base and an overlay: only what was touched since the base was made is written again.

Beside `<name>.parquet`, a version may have `<name>.touched.parquet`, with the key of what was touched (record_no, or other columns that
rows go by), and `<name>.overlay.parquet`, which has all rows of those keys. `relation` reads them as one file, equal, row for row, to one
that is made whole. The base is shared by all versions that build on it. The number of rows of a touched file is negative: those that it
takes from the base.
"""

from __future__ import annotations

import duckdb

from das_pipeline import engine
from das_pipeline.lake import Draft, Version

FEW = 20_000_000  # rows of a base that one thread reads as soon as several, beside the many queries of what was touched
LARGEST = 0.1  # the share of touched records above which making a table whole costs no more
PARQUET, TOUCHED, OVERLAY = ".parquet", ".touched.parquet", ".overlay.parquet"


def names(version: Version | Draft) -> list[str]:
    """The names of the files of `version` without their ending, each once, in order."""
    files = (name for name in version.places() if name.endswith(PARQUET))
    return sorted(name.removesuffix(PARQUET) for name in files if not name.endswith((TOUCHED, OVERLAY)))


def relation(version: Version | Draft, name: str, key: str = "record_no") -> str:
    """The rows of `<name>.parquet` in `version`: those of the overlay, and of the base those whose `key` was not touched since."""
    places = version.places()
    base = engine.parquet([places[f"{name}{PARQUET}"]])
    if f"{name}{TOUCHED}" not in places:
        return base
    touched, overlay = (engine.parquet([places[f"{name}{ending}"]]) for ending in (TOUCHED, OVERLAY))
    untouched = f"SELECT b.* FROM {base} AS b ANTI JOIN {touched} AS t USING ({key})"
    return f"({untouched} UNION ALL SELECT * FROM {overlay})"


def touched_before(version: Version | Draft, name: str, key: str = "record_no") -> str:
    """What of `<name>.parquet` was touched since its base, as a relation with `key`."""
    places = version.places()
    if f"{name}{TOUCHED}" in places:
        return engine.parquet([places[f"{name}{TOUCHED}"]])
    return f"(SELECT {key} FROM {engine.parquet([places[f'{name}{PARQUET}']])} WHERE 1 = 0)"


def rows_touched(version: Version | Draft, name: str) -> str:
    """The rows of `<name>.parquet` of what was touched since its base, as a relation."""
    places = version.places()
    if f"{name}{OVERLAY}" in places:
        return engine.parquet([places[f"{name}{OVERLAY}"]])
    return f"(SELECT * FROM {engine.parquet([places[f'{name}{PARQUET}']])} WHERE 1 = 0)"


def is_over_base(version: Version) -> bool:
    """Whether `version` has what was touched since its base, and not all rows anew."""
    return any(name.endswith(TOUCHED) for name in version.files)


def expect_few_rows(connection: duckdb.DuckDBPyConnection, base: Version) -> None:
    """Prepare `connection` for the queries of what was touched since `base`."""
    if base.rows < FEW:
        engine.use_threads(connection, 1)


def is_overgrown(version: Version, name: str) -> bool:
    """Whether so much of `<name>.parquet` was touched since its base that making it whole costs no more."""
    touched = version.files.get(f"{name}{TOUCHED}")
    return touched is not None and -(touched.rows or 0) > LARGEST * (version.files[f"{name}{PARQUET}"].rows or 0)


def write_touched(
    connection: duckdb.DuckDBPyConnection, draft: Draft, base: Version, name: str, touched: str, key: str = "record_no"
) -> str:
    """Take over `<name>.parquet` of `base`, write what of it was touched (a relation with `key`), and return that as a relation.

    Who calls it writes the rows that they have now to `<name>.overlay.parquet`.
    """
    draft.adopt(base, f"{name}{PARQUET}")
    path = draft.path(f"{name}{TOUCHED}")
    engine.write_parquet(connection, f"SELECT {key} FROM {touched}", path, order_by=key, encrypted=True)
    written = engine.parquet([path])
    replaced = f"SELECT COUNT(*) FROM {engine.parquet([base.path(f'{name}{PARQUET}')])} AS b SEMI JOIN {written} AS t USING ({key})"
    draft.rows[f"{name}{TOUCHED}"] = -int(engine.scalar(connection, replaced))
    return written


def write_over(
    connection: duckdb.DuckDBPyConnection, draft: Draft, base: Version, name: str, rewritten: str, rows: str, *, key: str, order_by: str
) -> None:
    """Write `<name>.parquet` over `base`: the keys in the table `rewritten` have those of the `rows` (a relation) that are theirs now.

    What earlier versions touched since the base stays as they wrote it.
    """
    before = touched_before(base, name, key)
    write_touched(connection, draft, base, name, f"(SELECT {key} FROM {rewritten} UNION SELECT {key} FROM {before})", key)
    query = (
        f"SELECT n.* FROM {rows} AS n SEMI JOIN {rewritten} AS t USING ({key}) UNION ALL"
        f" SELECT b.* FROM {relation(base, name, key)} AS b SEMI JOIN {before} AS w USING ({key}) ANTI JOIN {rewritten} AS t USING ({key})"
    )
    file = f"{name}{OVERLAY}"
    draft.rows[file] = engine.write_parquet(connection, query, draft.path(file), order_by=order_by, encrypted=True)
