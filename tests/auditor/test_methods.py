"""The auditor on releases with tables by suppression and by cell key: what it finds in them, whoever made the release."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from das_pipeline import release
from das_pipeline.auditor import audit
from das_pipeline.disclosure import build_leaves, cells_file
from das_pipeline.gate import GateFailed, Verdict
from das_pipeline.lake import Draft
from das_pipeline.policy import load_policy
from das_pipeline.publication import build_candidate, readers, release_folders
from das_pipeline.publication.formats import parquet
from das_pipeline.run import Run, produce
from das_pipeline.settings import Settings
from das_pipeline.website import build_site
from tests import methods
from tests.auditor.plants import edit, facts, footer, hashes, page, paragraph
from tests.conftest import toy_settings
from tests.disclosure.test_methods import true_counts

pytestmark = [pytest.mark.slow]
FEBRUARY, MARCH = date(2024, 2, 29), date(2024, 3, 31)
TABLE = "closed_by_ward"
Rows = list[dict]
Change = Callable[[Rows], object]


def publish(run: Run, change: Change | None = None, table: str = TABLE) -> None:
    """Make and release the candidate of the run's date; `change` is what an insider does to the cells of a table."""

    def build(run: Run, draft: Draft) -> list[Verdict]:
        verdicts = build_leaves(run, draft)
        path = draft.folder / cells_file(table)
        if change is not None:
            cells = pq.read_table(path)
            change(rows := cells.to_pylist())
            pq.write_table(pa.Table.from_pylist(rows, schema=cells.schema), path)
        return verdicts

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(methods, "build_leaves", build)
        methods.leaves(run)
    produce(run, "publication/candidate", build_candidate, inputs=["disclosure/leaves", "terminology/concepts"])
    produce(run, "website/site", build_site, inputs=["publication/candidate", "terminology/concepts"])
    release.go_live(run)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A home with two releases."""
    root = tmp_path_factory.mktemp("methods")
    settings = toy_settings(root, methods.toy_with_methods(root))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "as_expected", lambda folder, page: [])
        for as_of in (FEBRUARY, MARCH):
            publish(Run.start(settings, as_of))
        yield Run.start(settings, MARCH)


@pytest.fixture(scope="module")
def judged(home: Run) -> Callable[[Path], set[str]]:
    """The rules that the auditor finds broken in a folder, beside the release of February."""
    limits = release.limits_of(load_policy(home.jurisdiction).disclosure)
    concepts = home.lake.live("terminology/concepts").files
    declared = release.declared(home.jurisdiction, {n: concepts[n].sha256 for n in ("concepts.ttl", "concepts.jsonld")})
    earlier = release_folders(home)[:1]
    return lambda folder: {v.rule for v in audit(folder, earlier, limits, readers(), declared) if not v.passed}


@pytest.fixture
def folder(home: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(release_folders(home)[-1], tmp_path / "2024-03-31.1"))


@pytest.fixture
def remade(home: Run, tmp_path: Path) -> Callable[..., Path]:
    """The release of March with other cells, made by the right code throughout."""

    def make(change: Change, table: str = TABLE) -> Path:
        settings = Settings(home=tmp_path / "home", inbox=tmp_path, keys=home.settings.keys, jurisdiction=home.settings.jurisdiction)
        with pytest.MonkeyPatch.context() as patch:  # the gate would stop it
            patch.setattr(release, "as_expected", lambda folder, page: [])
            publish(Run.start(settings, FEBRUARY))
            patch.setattr(release, "audit", lambda *arguments: [])
            publish(Run.start(settings, MARCH), change, table)
        return release_folders(Run.start(settings, MARCH))[-1]

    return make


def hidden(rows: Rows, period: str = "2024-03") -> Rows:
    return [row for row in rows if row["n"] is None and row["period"] == period]


def test_honest_releases_pass(home: Run, judged: Callable[[Path], set[str]]) -> None:
    for folder in release_folders(home):
        assert judged(folder) == set()


def test_what_is_not_shown_is_empty_in_every_file_and_has_its_status(home: Run) -> None:
    folder = release_folders(home)[-1] / "tables"
    rows = pq.read_table(folder / f"{TABLE}.parquet").to_pylist()
    confidential = [row["status"] == "confidential" for row in rows]
    assert 0 < sum(confidential) < len(rows)
    assert confidential == [row["n"] is None for row in rows]
    lines = (folder / f"{TABLE}.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert [',,"confidential"' in line or ",,confidential," in line for line in lines] == confidential
    cube = json.loads((folder / f"{TABLE}.json").read_bytes())
    assert sum(status == "confidential" for status in cube["status"].values()) == sum(confidential)
    assert all(cube["value"][int(place)] is None for place, status in cube["status"].items() if status == "confidential")
    with duckdb.connect(str(folder.parent / "das.duckdb"), read_only=True) as connection:
        stored = connection.execute(f"SELECT n IS NULL, status = 'confidential' FROM {TABLE}").fetchall()
    assert [n for n, _ in stored] == [is_hidden for _, is_hidden in stored] == confidential
    for_people = (folder / f"{TABLE}.en.csv").read_text(encoding="utf-8-sig").splitlines()[1:]
    assert sum(re.search(r',,"?Not shown: confidential', line) is not None for line in for_people) == sum(confidential)
    page = (folder.parent / "site" / "en" / "reports.html").read_text(encoding="utf-8")
    article = page[page.index(f'id="{TABLE}"') :].partition("</article>")[0]
    assert '<td class="n">·</td>' in article
    assert "small ones, and those from which they would follow, are not shown" in article
    assert "<svg" not in article


@pytest.mark.breaks("D26")
def test_secondary_cells_that_are_shown(home: Run, remade: Callable[..., Path], judged: Callable[[Path], set[str]]) -> None:
    """Each count that is not small: the small ones follow from them."""
    true = true_counts(home, "closings", "offence", "region")

    def change(rows: Rows) -> None:
        for row in hidden(rows):
            if (n := true[row["offence"], row["region"], "month", row["period"]]) >= 5:
                row["n"] = n

    assert "D26" in judged(remade(change))


@pytest.mark.breaks("D01")
def test_a_small_count_that_is_shown(remade: Callable[..., Path], judged: Callable[[Path], set[str]]) -> None:
    assert "D01" in judged(remade(lambda rows: hidden(rows)[0].update(n=3)))


def test_a_count_that_is_shown_as_0_in_place_of_nothing(remade: Callable[..., Path]) -> None:
    def change(rows: Rows) -> None:
        for row in hidden(rows):
            row["n"] = 0

    with pytest.raises(GateFailed, match="D03"):
        remade(change)


@pytest.mark.breaks("D05")
def test_an_earlier_count_that_moved(remade: Callable[..., Path], judged: Callable[[Path], set[str]]) -> None:
    def change(rows: Rows) -> None:
        row = next(row for row in rows if row["period"] == "2024-02" and row["n"])
        row["n"] += 1

    assert "D05" in judged(remade(change, "received_by_age"))


@pytest.mark.breaks("D05")
def test_an_earlier_count_that_is_shown_now(remade: Callable[..., Path], judged: Callable[[Path], set[str]]) -> None:
    assert "D05" in judged(remade(lambda rows: hidden(rows, "2024-02")[0].update(n=12)))


@pytest.mark.breaks("D01")
def test_a_count_that_no_change_by_cell_key_gives(remade: Callable[..., Path], judged: Callable[[Path], set[str]]) -> None:
    def change(rows: Rows) -> None:
        next(row for row in rows if row["period"] == "2024-03" and row["n"]).update(n=2)

    assert "D01" in judged(remade(change, "received_by_age"))


@pytest.mark.breaks("D03")
def test_a_cell_that_two_tables_share_shown_in_one_of_them(remade: Callable[..., Path]) -> None:
    def change(rows: Rows) -> None:
        for row in hidden(rows, "2024-01"):
            if row["region"] == "all":
                row["n"] = 40

    with pytest.raises(GateFailed, match="D03"):  # the gate of the candidate sees it before any auditor does
        remade(change)


def a_count_in_json(folder: Path) -> None:
    path = folder / "tables" / f"{TABLE}.json"
    cube = json.loads(path.read_bytes())
    place = next(int(place) for place, status in cube["status"].items() if status == "confidential")
    cube["value"][place] = 3
    path.write_text(json.dumps(cube, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def a_count_in_the_csv(folder: Path) -> None:
    path = folder / "tables" / f"{TABLE}.csv"
    path.write_text(re.sub(r',,("?)confidential', r",3,\1confidential", path.read_text(encoding="utf-8"), count=1), encoding="utf-8")


def a_count_for_people(folder: Path) -> None:
    path = folder / "tables" / f"{TABLE}.en.csv"
    path.write_bytes(re.sub(rb',,("?Not shown)', rb",3,\1", path.read_bytes(), count=1))


def a_count_in_the_database(folder: Path) -> None:
    with duckdb.connect(str(folder / "das.duckdb")) as connection:
        connection.execute(f"UPDATE {TABLE} SET n = 3 WHERE status = 'confidential' AND period = '2024-03' AND region = 'north'")


def a_count_on_the_page(folder: Path) -> None:
    page(folder, '<td class="n">·</td>', '<td class="n">3</td>')


def a_mark_of_a_hidden_cell(folder: Path) -> None:
    page(
        folder,
        '<td class="n">·</td>',
        f'<td class="n" data-table="{TABLE}" data-cell="violence|north|month|2024-03" data-value="0">0</td>',
    )


def a_small_one_told_from_the_others(folder: Path) -> None:
    page(folder, '<td class="n">·</td>', '<td class="n">··</td>')


def a_colour_for_small_ones(folder: Path) -> None:
    page(folder, '<td class="n">·</td>', '<td class="n small">·</td>')


def a_status_that_tells_small_ones(folder: Path) -> None:
    path = folder / "tables" / f"{TABLE}.parquet"
    rows = pq.read_table(path)
    status = rows["status"].to_pylist()
    status[status.index("confidential")] = "not_known"
    place = rows.schema.get_field_index("status")
    changed = rows.set_column(place, rows.schema.field(place), pa.array(status))
    parquet.write(changed, path)


def another_label_of_the_status(folder: Path) -> None:
    path = folder / "datapackage.json"
    path.write_text(path.read_text(encoding="utf-8").replace("Not shown: confidential", "Not shown: 3 or 4", 1), encoding="utf-8")


def a_null_in_a_rounded_table(folder: Path) -> None:
    path = folder / "tables" / "reports.parquet"
    rows = pq.read_table(path)
    counts = rows["n"].to_pylist()
    counts[0] = None
    place = rows.schema.get_field_index("n")
    parquet.write(rows.set_column(place, rows.schema.field(place).with_nullable(True), pa.array(counts, pa.int64())), path)


def another_method_in_the_footer(folder: Path) -> None:
    facts(folder, TABLE, method="cell_key")


def a_rounded_table_that_calls_itself_exact(folder: Path) -> None:
    facts(folder, "reports", method="suppression", base=1)


def a_number_of_hidden_cells(folder: Path) -> None:
    edit(folder, "quality.json", lambda q: q["tables"][TABLE].update(primary=3))


def a_minimum_in_the_footer(folder: Path) -> None:
    footer(folder, TABLE, lambda schema: schema.with_metadata(schema.metadata | {b"minimum": b"3"}))


def a_revision_of_a_hidden_total(folder: Path) -> None:
    path = folder / "revisions.csv"
    text = path.read_text(encoding="utf-8")
    changed = re.sub(rf'("{TABLE}",.*?,\d+,)(\d+)(,"final")', r"\g<1>3\3", text, count=1)
    assert changed != text
    path.write_text(changed, encoding="utf-8")


def a_sentence_about_what_is_not_shown(folder: Path) -> None:
    paragraph(folder, "<p>Not shown: confidential 3</p>")


@pytest.mark.parametrize(
    "plant",
    [
        a_count_in_json,
        a_count_in_the_csv,
        a_count_for_people,
        a_count_in_the_database,
        a_count_on_the_page,
        a_mark_of_a_hidden_cell,
        a_small_one_told_from_the_others,
        a_colour_for_small_ones,
        a_status_that_tells_small_ones,
        another_label_of_the_status,
        a_null_in_a_rounded_table,
        another_method_in_the_footer,
        a_rounded_table_that_calls_itself_exact,
        a_number_of_hidden_cells,
        a_minimum_in_the_footer,
        a_revision_of_a_hidden_total,
        a_sentence_about_what_is_not_shown,
    ],
    ids=lambda plant: plant.__name__,
)
def test_a_plant_is_found_in_the_folder_alone(plant: Callable[[Path], object], folder: Path, judged: Callable[[Path], set[str]]) -> None:
    plant(folder)
    hashes(folder)
    assert judged(folder)
