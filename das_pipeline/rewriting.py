"""Writing files of sealed versions again, with the same rows and the same ids: first beside the home's files, then in their places.

The files that replace others are staged in a folder of the home. A mark in it says that they are complete; from then on they are moved, and
whoever goes on after a kill moves what is left. What is half staged is thrown away and staged again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import duckdb

from das_pipeline import engine
from das_pipeline.disk import make_folder, move, replace_file, sha256_of, sync_folder
from das_pipeline.lake import MANIFEST, canonical


def write_again(connection: duckdb.DuckDBPyConnection, key: str, home: Path, paths: Iterable[Path], staged: Path) -> None:
    """Stage the Parquet files `paths` of `home`, encrypted with the key of that name, and every manifest that names one of them."""
    written: dict[Path, Path] = {}
    for path in paths:
        written[path] = staged / path.relative_to(home)
        copy_table(connection, key, path, written[path])
    for path in sorted(home.glob(f"*/*/*/{MANIFEST}")):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        changed = {name: entry for name, entry in manifest.get("files", {}).items() if path.parent.parent / entry["path"] in written}
        for entry in changed.values():
            copy = written[path.parent.parent / entry["path"]]
            entry |= {"sha256": sha256_of(copy), "bytes": copy.stat().st_size}
        if changed:
            replace_file(staged / path.relative_to(home), canonical(manifest, indent=1))


def copy_table(connection: duckdb.DuckDBPyConnection, key: str, path: Path, target: Path) -> None:
    """Copy a Parquet file, row by row in its order, encrypted with the key of that name."""
    make_folder(target.parent)
    place = str(target).replace("'", "''")
    connection.execute(
        f"COPY (SELECT * FROM {engine.parquet([path])}) TO '{place}'"
        f" ({engine.OPTIONS}, ENCRYPTION_CONFIG {{footer_key: '{engine.identifier(key)}'}})"
    )


def put_in_place(home: Path, staged: Path, mark: str) -> list[Path]:
    """Move every staged file but the mark to its place in `home`; return what was moved."""
    moved = [path for path in sorted(staged.rglob("*")) if path.is_file() and path != staged / mark]
    for path in moved:
        move(path, home / path.relative_to(staged))
    return moved


def remove_staged(staged: Path, mark: str) -> None:
    """Remove the staging folder whose files are in their places, the mark first."""
    (staged / mark).unlink()
    sync_folder(staged)
    shutil.rmtree(staged)
