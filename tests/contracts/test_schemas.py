"""The JSON Schemas and the page of every key: as the models are, and true of every file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from das_pipeline.contracts.page import PAGE, page
from das_pipeline.contracts.schemas import KINDS, FileKind, first_line, kind_of, schema, schema_files, sentence, sentences
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT
from tests.conftest import TOY

SCHEMAS = PROJECT / "schemas"
FOLDERS = (TOY, *sorted(path for path in (PROJECT / "jurisdictions").iterdir() if path.is_dir()))


def files(folder: Path) -> Iterator[tuple[str, FileKind]]:
    for path in sorted(folder.rglob("*.yaml")):
        relative = path.relative_to(folder).as_posix()
        if kind := kind_of(relative):
            yield relative, kind


def models(kind: FileKind) -> dict[str, dict]:
    made = schema(kind)
    return {kind.model.__name__: made} | made.get("$defs", {})


def test_the_schemas_are_those_of_the_models() -> None:
    assert {path.name: path.read_bytes() for path in SCHEMAS.iterdir()} == dict(schema_files()), "write them again: das contracts schema"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_satisfies_its_schema_and_names_it_in_its_first_line(folder: Path) -> None:
    validators = {kind.name: jsonschema.Draft202012Validator(schema(kind)) for kind in KINDS}
    for relative, kind in files(folder):
        validators[kind.name].validate(Jurisdiction(folder).document(relative).value())
        first = (folder / relative).read_text(encoding="utf-8").splitlines()[0]
        assert first == first_line(folder / relative, kind, SCHEMAS), relative


@pytest.mark.parametrize(
    ("relative", "way", "mistake"),
    [
        ("contracts/watch/reports.yaml", ["columns", 0], {"nul_tokens": []}),
        ("contracts/watch/reports.yaml", ["columns", 0], {"one_of": [True]}),
        ("chain.yaml", ["spells", "open_case", "reopens", 0], {"bye": "x"}),
        ("statistics/cubes.yaml", ["cubes", 1], {"extend": "reports_month"}),
        ("policy.yaml", ["chain", "order_share"], {"warn": 5}),
    ],
)
def test_a_schema_sees_a_mistake_while_it_is_written(relative: str, way: list, mistake: dict) -> None:
    content = Jurisdiction(TOY).document(relative).value()
    kind = kind_of(relative)
    assert kind is not None
    place = content
    for step in way:
        place = place[step]
    place |= mistake
    errors = jsonschema.Draft202012Validator(schema(kind)).iter_errors(content)
    assert [list(error.absolute_path)[: len(way)] for error in errors] == [way]


def test_a_cube_that_extends_another_satisfies_the_schema() -> None:
    kind = kind_of("statistics/cubes.yaml")
    assert kind is not None
    content = Jurisdiction(TOY).document("statistics/cubes.yaml").value()
    content["cubes"].append({"cube": "finer", "extends": "reports_month"})
    jsonschema.Draft202012Validator(schema(kind)).validate(content)


def test_every_key_has_a_sentence_and_no_sentence_is_of_a_key_that_went() -> None:
    keys = {name: set(part.get("properties", {})) for kind in KINDS for name, part in models(kind).items()}
    keys["Reopening"] |= {"kind", "outcome"}  # written as a key and its value
    keys["EventsFile"] |= {"root"}  # the whole file
    for model, said in sentences().items():
        assert set(said) <= (keys[model] if model != "any" else set().union(*keys.values())), model
    with pytest.raises(ConfigurationError, match=r"keys.yaml says nothing of Column.colour: add a sentence"):
        sentence("Column", "colour")


def test_the_page_explains_every_key_as_the_models_have_it() -> None:
    made = page()
    assert PAGE.read_text(encoding="utf-8") == made, "write it again: python -m das_pipeline.contracts.page"
    assert not [key for kind in KINDS for part in models(kind).values() for key in part.get("properties", {}) if f"| `{key}` |" not in made]
