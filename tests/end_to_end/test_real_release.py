"""Real deliveries with keys of the installation's own, from inbox to release: the toy deliveries, `is_simulated: false`."""

from __future__ import annotations

import json
import secrets
import shutil

import duckdb
import pyarrow.parquet as pq
import pytest

from das_pipeline.privacy import USES
from tests.installation import TOY, Installation
from tests.toy_deliveries import write_toy_deliveries

pytestmark = [pytest.mark.slow]

SIMULATED = ("simulat", "gesimuleerd", "another publisher", "andere uitgever", "everything is invented", "alles is verzonnen")
DESCRIPTION_OF_THE_MARK = (
    "Whether the figure is simulated: true means that it says nothing about reality / "
    "Is het cijfer gesimuleerd: waar betekent dat het niets zegt over de werkelijkheid"
)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The toy deliveries as real ones, taken in with generated keys."""
    root = tmp_path_factory.mktemp("real")
    made = Installation(root, str(shutil.copytree(TOY, root / "toy")))
    made.inbox.mkdir()
    (root / "keys").mkdir(mode=0o700)
    for use in USES:
        (root / "keys" / use).write_text(secrets.token_hex(32), encoding="ascii")
    write_toy_deliveries(made.inbox)
    for path in made.inbox.glob("*/*/manifest.json"):
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"is_simulated": False}), encoding="utf-8")
    made.das("run")
    return made


def test_no_page_or_text_of_a_real_release_calls_its_figures_simulated_or_another_publishers(real: Installation) -> None:
    for path in (p for p in real.current().rglob("*") if p.suffix in {".html", ".svg", ".json"}):
        text = path.read_text(encoding="utf-8").replace(DESCRIPTION_OF_THE_MARK, "").replace("is_simulated", "").lower()
        assert not [word for word in SIMULATED if word in text], path.relative_to(real.current())


def test_every_row_file_and_comment_of_a_real_release_says_that_it_is_real(real: Installation) -> None:
    release = real.current()
    assert json.loads((release / "manifest.json").read_bytes())["is_simulated"] is False
    package = json.loads((release / "datapackage.json").read_bytes())
    assert [package["is_simulated"], *(r["is_simulated"] for r in package["resources"])] == [False] * 7
    for path in sorted((release / "tables").glob("*.parquet")):
        assert set(pq.read_table(path)["is_simulated"].to_pylist()) == {False}
        assert json.loads(pq.read_schema(path).metadata[b"das"])["is_simulated"] is False
        rows = duckdb.execute("SELECT DISTINCT is_simulated FROM read_csv($csv)", {"csv": str(path.with_suffix(".csv"))})
        assert rows.fetchall() == [(False,)]
    with duckdb.connect(str(release / "das.duckdb"), read_only=True) as database:
        comments = [row[0] for row in database.execute("SELECT comment FROM duckdb_tables()").fetchall()]
    assert not [c for c in comments if "simulated" in c.lower()]
