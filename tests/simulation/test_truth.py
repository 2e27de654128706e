"""The truths of the blocks of a world, put together."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from das_pipeline.simulation.truth import merge


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Two blocks, of which the second alone has a count of February."""
    folders = [tmp_path / "0", tmp_path / "1"]
    for number, folder in enumerate(folders):
        (folder / "tables").mkdir(parents=True)
        pq.write_table(pa.table({"key": [f"{number}a", f"{number}b"], "person": [number, None]}), folder / "records.parquet")
        months = ["2023-01", "2023-02"][: number + 1]
        counted = {"month": months, "offence": pa.array([None] * len(months), pa.string()), "n": [3, 4][: number + 1]}
        pq.write_table(pa.table(counted), folder / "tables" / "crime_month.parquet")
        (folder / "canaries.txt").write_text(f"name {number}\n", encoding="utf-8")
    (folders[1] / "faults.jsonl").write_text("{}\n", encoding="utf-8")
    return folders


def test_rows_of_blocks_follow_each_other(parts: list[Path], tmp_path: Path) -> None:
    merge(parts, tmp_path / "truth")
    rows = pq.read_table(tmp_path / "truth" / "records.parquet").to_pydict()
    assert rows == {"key": ["0a", "0b", "1a", "1b"], "person": [0, None, 1, None]}


def test_counts_of_blocks_are_summed(parts: list[Path], tmp_path: Path) -> None:
    merge(parts, tmp_path / "truth")
    counted = pq.read_table(tmp_path / "truth" / "tables" / "crime_month.parquet").to_pydict()
    assert counted == {"month": ["2023-01", "2023-02"], "offence": [None, None], "n": [6, 4]}


def test_canaries_are_of_the_first_block_and_faults_of_all(parts: list[Path], tmp_path: Path) -> None:
    merge(parts, tmp_path / "truth")
    assert (tmp_path / "truth" / "canaries.txt").read_text(encoding="utf-8") == "name 0\n"
    assert (tmp_path / "truth" / "faults.jsonl").read_text(encoding="utf-8") == "{}\n"


def test_truth_of_one_block_stays_what_it_is(parts: list[Path], tmp_path: Path) -> None:
    merge(parts[:1], tmp_path / "truth")
    for name in ("records.parquet", "tables/crime_month.parquet"):
        assert pq.read_table(tmp_path / "truth" / name).equals(pq.read_table(parts[0] / name))
