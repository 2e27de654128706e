"""Reading a jurisdiction's files: a mistake is named with its file and place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT
from tests.conftest import TOY


class Limits(BaseModel, extra="forbid"):
    share: float


def test_partners_are_folders_with_a_partner_file(toy: Jurisdiction) -> None:
    assert toy.partners == ("bench", "watch")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("share: much", "limits.yaml:1: share: a number is expected, without quotes"),
        ("sharp: 1", "sharp: this key is not known here. Did you mean share"),
        ("share: [1", "no valid YAML"),
    ],
)
def test_a_mistake_names_the_file_and_the_place(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "limits.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=message):
        Jurisdiction(tmp_path).load("limits.yaml", Limits)


def test_a_csv_must_have_its_header(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("code,name\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="header must be code,label"):
        Jurisdiction(tmp_path).csv("codes.csv", ["code", "label"])


@pytest.mark.parametrize(
    "file", sorted([*(PROJECT / "jurisdictions").rglob("*.yaml"), *TOY.rglob("*.yaml")]), ids=lambda p: "/".join(p.parts[-3:])
)
def test_every_file_is_the_same_to_the_yaml_reader_in_c_and_to_the_one_in_python(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert yaml.load(text, Loader=yaml.SafeLoader) == yaml.load(text, Loader=yaml.CSafeLoader)


def test_any_change_of_a_file_is_another_hash(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("x: 1", encoding="utf-8")
    before = Jurisdiction(tmp_path).hash
    (tmp_path / "a.yaml").write_text("x: 2", encoding="utf-8")
    assert Jurisdiction(tmp_path).hash != before
