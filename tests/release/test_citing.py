"""How a release is cited: each form by the schema or the reader that others have for it, and sums that their tool accepts."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from das_pipeline import publication, release
from das_pipeline.publication.releases import CITED
from das_pipeline.release.citing import citation_files
from das_pipeline.run import Run

SCHEMAS = Path(__file__).parent / "schemas"
PACKAGE = {
    "name": "das-toy",
    "title": "Toys & marbles 100% {counted}",
    "homepage": "https://data.toys.test/",
    "version": "1.2.0",
    "as_of": "2024-03-31",
    "is_simulated": False,
    "licenses": [
        {"name": "CC-BY-4.0", "title": "Creative Commons Attribution 4.0", "path": "https://creativecommons.org/licenses/by/4.0/"}
    ],
    "contributors": [{"title": "Office of Toys", "roles": ["publisher"]}],
}
ADDRESS = "https://data.toys.test/releases/2024-03-31.1/site/index.html"


def cited(**other: Any) -> dict[str, bytes]:
    return citation_files("2024-03-31.1", PACKAGE | other, "2024-02-29.1")


def judge(schema: str, content: object) -> None:
    judged = json.loads((SCHEMAS / schema).read_bytes())
    jsonschema.validators.validator_for(judged)(judged, format_checker=jsonschema.FormatChecker()).validate(content)


def test_the_citation_file_is_valid_and_says_which_release() -> None:
    content = yaml.load(cited()["CITATION.cff"], yaml.BaseLoader)  # the schema wants dates as texts
    judge("citation-file-format-1.2.0.json", content)
    assert (content["version"], content["date-released"], content["url"]) == ("1.2.0", "2024-03-31", ADDRESS)
    with pytest.raises(jsonschema.ValidationError):
        judge("citation-file-format-1.2.0.json", content | {"license": "none"})


def test_datacite_metadata_is_valid_and_names_the_release_before() -> None:
    content = json.loads(cited()["datacite.json"])
    judge("datacite-4.5.json", content)
    assert [(r["relationType"], r["relatedIdentifier"]) for r in content["relatedIdentifiers"]] == [
        ("IsNewVersionOf", "https://data.toys.test/releases/2024-02-29.1/site/index.html")
    ]
    assert json.loads(citation_files("2024-03-31.1", PACKAGE, None)["datacite.json"])["relatedIdentifiers"] == []
    with pytest.raises(jsonschema.ValidationError):
        judge("datacite-4.5.json", content | {"publicationYear": 2024})


def test_bibtex_and_ris_are_as_reference_managers_read_them() -> None:
    files = cited()
    assert (
        files["citation.bib"].decode()
        == r"""@misc{das-toy-2024-03-31.1,
  author = {{Office of Toys}},
  title = {{Toys \& marbles 100\% \{counted\}}},
  year = {2024},
  month = mar,
  edition = {1.2.0},
  publisher = {Office of Toys},
  url = {https://data.toys.test/releases/2024-03-31.1/site/index.html},
}
"""
    )
    lines = files["citation.ris"].decode().split("\r\n")
    assert lines == [
        "TY  - DATA",
        "AU  - Office of Toys",
        "TI  - Toys & marbles 100% {counted}",
        "PY  - 2024",
        "DA  - 2024/03/31",
        "ET  - 1.2.0",
        "PB  - Office of Toys",
        f"UR  - {ADDRESS}",
        "ER  - ",
        "",
    ]


def test_every_form_says_that_figures_are_simulated() -> None:
    assert all(b"Simulated figures: Toys" in content for content in cited(is_simulated=True).values())
    assert not any(b"imulated" in content for content in cited().values())


def test_a_package_of_an_earlier_version_gives_no_citations() -> None:
    assert citation_files("2024-03-31.1", {k: v for k, v in PACKAGE.items() if k != "homepage"}, None) == {}


@pytest.mark.slow
def test_a_release_has_its_citations_and_the_sums_of_all_its_files(published: Callable[..., Run]) -> None:
    run = published(date(2024, 3, 31))
    folder = publication.current_release(run).folder
    assert {name for name in CITED if (folder / name).is_file()} == set(CITED)
    assert b"/releases/2024-03-31.1/site/index.html" in (folder / "CITATION.cff").read_bytes()
    checked = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=folder, text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {"SHA256SUMS"}
    assert {line.removesuffix(": OK") for line in checked.stdout.splitlines()} == present


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CITATION.cff", "SHA256SUMS"])
def test_a_changed_citation_or_sum_is_seen(published: Callable[..., Run], tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(publication.current_release(published(date(2024, 3, 31))).folder, tmp_path / "copy"))
    assert release.verify_release(folder) == []
    (folder / name).write_bytes((folder / name).read_bytes() + b"\n")
    assert len(release.verify_release(folder)) == 1
