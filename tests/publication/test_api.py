"""The addresses for programs: what tables.json says of each file is so, and is what the OpenAPI description promises."""

from __future__ import annotations

import json

import jsonschema
import pytest

from das_pipeline.disk import sha256_of
from das_pipeline.lake import Version
from das_pipeline.publication import api


@pytest.mark.slow
def test_every_table_is_listed_with_every_file_of_it(candidate: Version) -> None:
    listed = json.loads(candidate.path(api.TABLES).read_bytes())["tables"]
    assert [t["name"] for t in listed] == sorted(p.stem for p in candidate.folder.glob("tables/*.parquet"))
    here = candidate.path(api.TABLES).parent
    files = {(here / f["href"]).resolve(): f for table in listed for f in table["files"]}
    assert set(files) == {p.resolve() for p in candidate.folder.glob("tables/*") if not p.name.endswith(".csv-metadata.json")}
    for path, told in files.items():
        assert (told["bytes"], told["hash"]) == (path.stat().st_size, f"sha256:{sha256_of(path)}")


def test_the_list_is_as_the_description_promises(candidate: Version) -> None:
    described = json.loads(candidate.path(api.OPENAPI).read_bytes())
    judge = jsonschema.Draft202012Validator(described | {"$ref": "#/components/schemas/Tables"})
    listed = json.loads(candidate.path(api.TABLES).read_bytes())
    judge.validate(listed)
    del listed["tables"][0]["files"][0]["hash"]
    with pytest.raises(jsonschema.ValidationError, match="hash"):
        judge.validate(listed)


def test_every_address_that_is_described_is_there(candidate: Version) -> None:
    described = json.loads(candidate.path(api.OPENAPI).read_bytes())
    name = json.loads(candidate.path(api.TABLES).read_bytes())["tables"][0]["name"]
    for address in described["paths"]:
        assert candidate.path(address.strip("/").format(table=name)).is_file(), address
