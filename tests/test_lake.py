"""Versions, pointers and manifests: what a reader can rely on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from das_pipeline import engine
from das_pipeline.damage import damaged_tables
from das_pipeline.errors import LakeError
from das_pipeline.gate import GateFailed, Verdict
from das_pipeline.lake import Draft, Lake, verify
from das_pipeline.run import Run, produce


def write(text: str, *verdicts: Verdict):
    def build(_: Run, draft: Draft) -> list[Verdict]:
        draft.path("a.txt", rows=1).write_text(text, encoding="utf-8")
        return list(verdicts)

    return build


HOLDS = Verdict("F01", True, "It holds.")
BROKEN = Verdict("F01", False, "1 month does not close.")


def test_a_version_goes_live_with_what_it_was_made_from(run: Run) -> None:
    produce(run, "chain/a", write("one", HOLDS))
    made = produce(run, "chain/b", write("two", HOLDS), inputs=["chain/a"])
    live = run.lake.open("chain/b")
    assert live.id == made.version.id
    assert live.inputs == {"chain/a": run.lake.open("chain/a").id}
    assert live.path("a.txt").read_text(encoding="utf-8") == "two"


def test_doing_it_again_changes_nothing(run: Run) -> None:
    first = produce(run, "chain/a", write("one", HOLDS))
    second = produce(run, "chain/a", write("never written", HOLDS))
    assert (first.is_new, second.is_new) == (True, False)
    assert second.version.id == first.version.id


def test_another_date_is_another_version(run: Run, start) -> None:
    first = produce(run, "chain/a", write("one", HOLDS))
    second = produce(start(date(2024, 4, 30)), "chain/a", write("one", HOLDS))
    assert second.is_new
    assert second.version.id != first.version.id


def test_a_failed_blocking_rule_leaves_the_live_version(run: Run, start) -> None:
    good = produce(run, "chain/a", write("good", HOLDS)).version
    with pytest.raises(GateFailed, match="F01 stock_and_flows_agree: 1 month does not close"):
        produce(start(date(2024, 4, 30)), "chain/a", write("bad", BROKEN))
    assert run.lake.open("chain/a").id == good.id
    assert [p.name.startswith("rejected-") for p in sorted(run.lake.root("chain/a").iterdir()) if p.is_dir()].count(True) == 1


def test_a_warning_does_not_stop_anything(run: Run) -> None:
    assert produce(run, "chain/a", write("x", Verdict("C01", False, "2 %.", severity="warn"))).is_new


def test_a_rejected_version_cannot_be_promoted(run: Run) -> None:
    with pytest.raises(GateFailed):
        produce(run, "chain/a", write("bad", BROKEN))
    rejected = next(run.lake.root("chain/a").glob("rejected-*"))
    with pytest.raises(LakeError, match="failed a blocking check"):
        run.lake.promote(run.lake.version("chain/a", rejected.name))


@pytest.mark.parametrize("damage", ["change", "remove"])
def test_a_damaged_file_stops_every_reader(run: Run, damage: str) -> None:
    path = produce(run, "chain/a", write("one", HOLDS)).version.path("a.txt")
    path.write_text("two", encoding="utf-8") if damage == "change" else path.unlink()
    with pytest.raises(LakeError, match=r"a\.txt"):
        produce(run, "chain/b", write("x"), inputs=["chain/a"])


def test_a_torn_manifest_says_so(run: Run) -> None:
    version = produce(run, "chain/a", write("one", HOLDS)).version
    (version.folder / "manifest.json").write_text('{"table": ', encoding="utf-8")
    with pytest.raises(LakeError, match="torn"):
        run.lake.open("chain/a")


@pytest.mark.parametrize("damaged", ["a.txt", "manifest.json"])
def test_a_damaged_version_is_made_again_as_it_was(run: Run, damaged: str) -> None:
    first = produce(run, "chain/a", write("one", HOLDS)).version
    whole = {path: path.read_bytes() for path in (first.folder / "a.txt", first.folder / "manifest.json")}
    path = first.folder / damaged
    path.write_bytes(b"?" + path.read_bytes()[1:])
    again = produce(run, "chain/a", write("one", HOLDS))
    assert (again.is_new, again.version.id) == (True, first.id)
    assert {path: path.read_bytes() for path in whole} == whole
    assert not produce(run, "chain/a", write("one", HOLDS)).is_new


def test_a_damaged_version_that_remembers_the_one_before_is_not_made_again(run: Run) -> None:
    path = produce(run, "chain/a", write("one", HOLDS), chained=True).version.path("a.txt")
    path.write_text("two", encoding="utf-8")
    with pytest.raises(LakeError, match=r"a\.txt is not what its manifest says. das doctor tells how to mend it."):
        produce(run, "chain/a", write("one", HOLDS), chained=True)


def test_an_input_without_a_live_version_stops_the_build(run: Run) -> None:
    with pytest.raises(LakeError, match="chain/missing has no live version"):
        produce(run, "chain/b", write("x"), inputs=["chain/missing"])


def test_files_are_shared_between_versions(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with lake.begin("deliveries/om") as draft:
        draft.path("content/a.txt", rows=2).write_text("a", encoding="utf-8")
        one = lake.seal(draft, as_of="2024-01-01", inputs={}, inputs_hash="1")
        lake.promote(one)
    with lake.begin("deliveries/om") as draft:
        draft.adopt(one, "content/")
        draft.path("content/b.txt", rows=3).write_text("b", encoding="utf-8")
        two = lake.seal(draft, as_of="2024-01-02", inputs={}, inputs_hash="2", previous=one.id)
        lake.promote(two)
    assert [p.read_text(encoding="utf-8") for p in lake.open("deliveries/om").paths("content/")] == ["a", "b"]
    assert (two.rows, two.previous) == (5, one.id)


def test_a_derived_file_is_verified_but_not_part_of_the_versions_id(run: Run, tmp_path: Path) -> None:
    def build(byte: str):
        def write_both(_: Run, draft: Draft) -> list[Verdict]:
            draft.path("a.txt", rows=1).write_text("one", encoding="utf-8")
            draft.path("a.duckdb").write_text(byte, encoding="utf-8")
            draft.derived.add("a.duckdb")
            return []

        return write_both

    first = produce(run, "chain/a", build("x")).version
    elsewhere = replace(run, lake=Lake(tmp_path / "elsewhere"))
    other = produce(elsewhere, "chain/a", build("y")).version
    assert first.id == other.id
    assert other.files["a.duckdb"].sha256 != first.files["a.duckdb"].sha256


def test_a_changed_byte_of_a_shared_encrypted_table_stops_its_reader_and_is_named(run: Run) -> None:
    """No step reads the whole history to know that it is undamaged: the tags of encrypted blocks say so when they are read."""

    def add(number: int):
        def write_one(run: Run, draft: Draft) -> list[Verdict]:
            if draft.live is not None:
                draft.adopt(draft.live)
            with run.connect(confidential=True) as connection:
                rows = f"SELECT UNNEST(RANGE({number}, {number + 1000})) AS n"
                engine.write_parquet(connection, rows, draft.path(f"{number}.parquet"), order_by="n", encrypted=True)
                for path in draft.paths():
                    engine.scalar(connection, f"SELECT SUM(n) FROM {engine.parquet([path])}")
            return []

        return write_one

    first = produce(run, "linkage/links", add(0), salt="0", chained=True).version.path("0.parquet")
    second = produce(run, "linkage/links", add(1), salt="1", chained=True).version
    content = first.read_bytes()
    first.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
    verify(second)
    with pytest.raises(LakeError, match=r"0\.parquet is not what its manifest says. das doctor tells how to mend it."):
        produce(run, "linkage/links", add(2), salt="2", chained=True)
    assert "0.parquet" in damaged_tables(run.lake)["linkage/links"]
    first.unlink()
    with pytest.raises(LakeError, match=r"0\.parquet is missing"):
        verify(second)
