"""Real deliveries with keys of the installation's own, from inbox to release by two persons: the toy deliveries, `is_simulated: false`."""

from __future__ import annotations

import json
import shutil
from collections import ChainMap
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml

from das_pipeline.disclosure import LEDGER, build_leaves
from das_pipeline.gate import GateFailed
from das_pipeline.release import LEAVES
from das_pipeline.run import Run, produce
from tests.disclosure.test_real_figures import strict
from tests.installation import Installation, copy_of, let_sign, real_installation
from tests.toy_deliveries import write_toy_deliveries

pytestmark = [pytest.mark.slow]

MARCH = date(2024, 3, 31)
SIGNED = [("review", "anna"), ("approve", "bert")]
SIMULATED = ("simulat", "gesimuleerd", "another publisher", "andere uitgever", "everything is invented", "alles is verzonnen")
ABOUT_THE_MARK = (  # the column that says whether a figure is simulated, and what scripts call it
    "is_simulated",
    "Is het cijfer gesimuleerd",
    "Whether the figure is simulated",
    "<dt>simulated_head</dt><dd>Gesimuleerd</dd>",
    "<dt>simulated_head</dt><dd>Simulated</dd>",
    "{simulated}",
)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The toy deliveries as real ones, taken in with generated keys; January's candidate was released by two persons, then March's."""
    root = tmp_path_factory.mktemp("real")
    made = real_installation(root)
    printed = [made.das("keys", "new-person", name, "--out", key(made, name)) for name in ("anna", "bert")]
    let_sign(made, dict(ChainMap(*(yaml.safe_load(text.split("release.persons:")[1]) for text in printed))))
    write_toy_deliveries(made.inbox, real=("watch", "bench"))
    for release in ("2024-01-31.1", "2024-03-31.1"):  # the first waited while February and March were taken in
        made.das("run")
        assert f"{release} is audited and waits for a reviewer" in made.das("release", "show")
        assert f"release {release} waits for signatures" in made.das("status")
        assert "waits for another person's approval" in sign(made, "review", "anna")
        assert "needs a valid review by another person" in made.das("release", "approve", "anna", "--key", key(made, "anna"), code=1)
        assert f"{release} is released (review by anna" in sign(made, "approve", "bert")
        assert made.current().name == release
    return made


def key(made: Installation, name: str) -> str:
    return str(made.root / f"{name}.key")


def sign(made: Installation, action: str, name: str) -> str:
    return made.das("release", action, name, "--key", key(made, name))


def test_no_page_or_text_of_a_real_release_calls_its_figures_simulated_or_another_publishers(real: Installation) -> None:
    for path in (p for p in real.current().rglob("*") if p.suffix in {".html", ".svg", ".json"}):
        text = path.read_text(encoding="utf-8")
        for words in ABOUT_THE_MARK:
            text = text.replace(words, "")
        text = text.lower()
        assert not [word for word in SIMULATED if word in text], path.relative_to(real.current())


@pytest.mark.breaks("D22", "D24")
def test_real_figures_that_tell_too_much_are_refused(real: Installation, tmp_path: Path) -> None:
    """The leaves that were released, judged by limits that they break; of simulated figures these rules would warn."""
    copy = copy_of(real, tmp_path / "copy")
    run = Run.start(replace(copy.settings(), jurisdiction=strict(Path(shutil.copytree(real.jurisdiction, tmp_path / "toy")))), MARCH)
    live = run.lake.live(LEAVES)
    with pytest.raises(GateFailed) as refused:
        produce(run, LEAVES, build_leaves, inputs=["statistics/cubes", "terminology/concepts", LEDGER])
    assert [rule for rule in ("D22", "D24") if f"{rule} " not in str(refused.value)] == []
    assert run.lake.live(LEAVES).id == live.id


def test_every_row_file_and_comment_of_a_real_release_says_that_it_is_real(real: Installation) -> None:
    release = real.current()
    assert json.loads((release / "manifest.json").read_bytes())["is_simulated"] is False
    package = json.loads((release / "datapackage.json").read_bytes())
    assert {package["is_simulated"], *(r["is_simulated"] for r in package["resources"])} == {False}
    for path in sorted((release / "tables").glob("*.parquet")):
        assert set(pq.read_table(path)["is_simulated"].to_pylist()) == {False}
        assert json.loads(pq.read_schema(path).metadata[b"das"])["is_simulated"] is False
        rows = duckdb.execute("SELECT DISTINCT is_simulated FROM read_csv($csv)", {"csv": str(path.with_suffix(".csv"))})
        assert rows.fetchall() == [(False,)]
    with duckdb.connect(str(release / "das.duckdb"), read_only=True) as database:
        comments = [row[0] for row in database.execute("SELECT comment FROM duckdb_tables()").fetchall()]
    assert not [c for c in comments if c and "simulated" in c.lower()]


def test_two_persons_signed_the_release_and_anyone_can_check_it(real: Installation) -> None:
    manifest = json.loads((real.current() / "manifest.json").read_bytes())
    signed = [s["statement"] for s in manifest["approval"]["signatures"]]
    assert [(s["action"], s["person"], s["release"]) for s in signed] == [(a, p, "2024-03-31.1") for a, p in SIGNED]
    assert "Every file is what the signed manifest says." in real.das("audit")


def test_a_withdrawn_release_says_so_on_every_page_and_the_one_before_is_live(real: Installation, tmp_path: Path) -> None:
    copy = Installation(tmp_path / "copy", real.jurisdiction)
    shutil.copytree(real.root, copy.root, symlinks=True)
    pages = {p.relative_to(copy.current()) for p in copy.current().rglob("*.html")}
    printed = copy.das("release", "withdraw", "2024-03-31.1", "bert", "--key", key(real, "bert"), "--reason", "wards were swapped")
    assert "2024-03-31.1 is withdrawn" in printed
    assert copy.current().name == "2024-01-31.1"
    notice = copy.home / "releases" / "2024-03-31.1"
    assert {p.relative_to(notice) for p in notice.rglob("*.html")} == pages
    for page in pages:
        text = (notice / page).read_text(encoding="utf-8")
        language = "en" if page.parts[1] == "en" else "nl"
        assert f'<html lang="{language}">' in text
        assert ("was withdrawn on" if language == "en" else "ingetrokken") in text
        assert "wards were swapped" in text
        link = text.partition('href="')[2].partition('"')[0]
        assert (notice / page.parent / link).resolve() == copy.current() / "site" / "index.html"
    assert {p.suffix for p in notice.rglob("*") if p.is_file()} == {".html", ".json", ".sig", ".pub", ""}  # and SHA256SUMS
    copy.das("run")
    assert copy.current().name == "2024-01-31.1"
