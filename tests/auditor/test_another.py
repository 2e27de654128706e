"""The data package of another publisher: the example of docs/auditing.md as it stands, and what is found when it is changed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cli.main import app
from das_pipeline.auditor import audit_another
from das_pipeline.errors import ConfigurationError, DasError
from das_pipeline.settings import PROJECT

PAGE = PROJECT / "docs" / "auditing.md"
BLOCKS = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))


def hashed(folder: Path) -> Path:
    """Write the hashes of all files into the data package, as its publisher does."""
    path = folder / "datapackage.json"
    package = json.loads(path.read_bytes())
    for resource in package["resources"]:
        resource["hash"] = f"sha256:{hashlib.sha256((folder / resource['path']).read_bytes()).hexdigest()}"
    path.write_text(json.dumps(package), encoding="utf-8")
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "2025-04-30"
    for name, content in BLOCKS.items():
        if name not in ("result", "audit.yaml"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
    (tmp_path / "audit.yaml").write_text(BLOCKS["audit.yaml"], encoding="utf-8")
    return hashed(folder)


def edit(folder: Path, name: str, old: str, new: str) -> None:
    content = (folder / name).read_text(encoding="utf-8")
    assert old in content
    (folder / name).write_text(content.replace(old, new), encoding="utf-8")


def broken(folder: Path, *earlier: Path) -> set[str]:
    return {v.rule for v in audit_another(folder, earlier, folder.parent / "audit.yaml") if not v.passed}


def test_the_example_of_the_page(package: Path) -> None:
    verdicts = audit_another(package, [], package.parent / "audit.yaml")
    lines = [f"{v.rule} {'holds' if v.passed else 'broken'} {v.sentence}" for v in verdicts]
    assert sorted(lines) == sorted(BLOCKS["result"].splitlines())


def test_the_command_needs_no_home(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "KEYS", "JURISDICTION", "INBOX"):
        monkeypatch.setenv(f"DAS_{name}", str(tmp_path / "nowhere"))
    command = ["audit", str(package), "--policy", str(tmp_path / "audit.yaml")]
    assert CliRunner().invoke(app, command).exit_code == 0
    edit(package, "data/cases.csv", "north,fined,2024,60", "north,fined,2024,61")
    hashed(package)
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert "checks do not hold" in result.output
    assert not (tmp_path / "nowhere").exists()


def test_an_exact_count(package: Path) -> None:
    edit(package, "data/cases.csv", "north,fined,2024,60", "north,fined,2024,61")
    assert broken(package) == {"D01", "D03", "D10"}
    assert broken(hashed(package)) == {"D01", "D03"}


def test_tables_that_disagree(package: Path) -> None:
    edit(package, "data/by_quarter.csv", "north;2024-Q1;20", "north;2024-Q1;25")
    edit(package, "data/by_quarter.csv", "TOTAL;2024-Q1;30", "TOTAL;2024-Q1;35")
    assert broken(hashed(package)) == {"D03"}


def test_a_row_that_is_left_out(package: Path) -> None:
    edit(package, "data/by_quarter.csv", "south;2024-Q2;15\n", "")
    assert broken(hashed(package)) >= {"D16"}


def test_a_group_of_one_category(package: Path) -> None:
    edit(package, "data/cases.csv", "south,fined,2024,25\nsouth,dismissed,2024,30", "south,fined,2024,0\nsouth,dismissed,2024,55")
    edit(package, "data/cases.csv", "TOTAL,fined,2024,85\nTOTAL,dismissed,2024,70", "TOTAL,fined,2024,60\nTOTAL,dismissed,2024,95")
    assert broken(hashed(package)) == {"D06"}


def test_a_file_that_nobody_describes(package: Path) -> None:
    (package / "README.md").write_text("What this is.", encoding="utf-8")
    assert broken(package) == set()
    (package / "data" / "true.csv").write_text("port,n\nnorth,58\n", encoding="utf-8")
    assert broken(package) == {"D10"}


def test_a_resource_without_a_hash_or_that_the_policy_does_not_name(package: Path) -> None:
    path = package / "datapackage.json"
    described = json.loads(path.read_bytes())
    (package / "data" / "more.csv").write_text("port,n\nnorth,58\n", encoding="utf-8")
    described["resources"].append({"name": "more", "path": "data/more.csv"})
    path.write_text(json.dumps(described), encoding="utf-8")
    verdict = next(v for v in audit_another(package, [], package.parent / "audit.yaml") if v.rule == "D10")
    assert "data/more.csv (no hash)" in verdict.sentence
    assert "data/more.csv (not in the policy file)" in verdict.sentence


def test_what_changed_since_an_earlier_package(package: Path) -> None:
    earlier = Path(shutil.copytree(package, package.parent / "2025-01-31"))
    assert broken(package, earlier) == set()
    edit(earlier, "datapackage.json", "2025-04-30", "2027-01-31")  # 2024 was closed then
    edit(earlier, "data/by_quarter.csv", "south;2024-Q2;15", "south;2024-Q2;20")
    assert broken(package, earlier) == {"D19"}
    edit(earlier, "data/by_quarter.csv", "south;2024-Q2;20", "south;2024-Q2;18")
    assert broken(package, earlier) == {"D05", "D19"}


def test_parquet_is_read_too(package: Path) -> None:
    rows = pyarrow.csv.read_csv(package / "data" / "cases.csv")
    pq.write_table(rows, package / "data" / "cases.parquet")
    (package / "data" / "cases.csv").unlink()
    edit(package, "datapackage.json", "data/cases.csv", "data/cases.parquet")
    assert broken(hashed(package)) == set()


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("2025-04-30/datapackage.json", '"cases"', '"case"', "has no resource cases. Did you mean case?"),
        ("2025-04-30/datapackage.json", '"created": "2025-04-30", ', "", "does not say when it was created"),
        ("2025-04-30/datapackage.json", "{", "[", "has no datapackage.json with named resources that can be read"),
        ("2025-04-30/data/cases.csv", "port,", "haven,", "cannot be read with the columns port, outcome, year, cases"),
        ("2025-04-30/data/by_quarter.csv", "2024-Q1", "2024 I", "has periods in column period that are no 2024, 2024-Q1 or 2024-03"),
    ],
)
def test_what_cannot_be_read_is_said(package: Path, name: str, old: str, new: str, message: str) -> None:
    edit(package.parent, name, old, new)
    with pytest.raises(DasError, match=re.escape(message)):
        broken(package)


def test_a_mistake_in_the_policy_file_has_its_line(package: Path) -> None:
    edit(package.parent, "audit.yaml", "base: 5", "bas: 5")
    with pytest.raises(ConfigurationError, match=r"audit.yaml:1"):
        broken(package)
