"""JSON Schemas of a jurisdiction's files, for editors: made from the models that load them, with a sentence for each key."""

from __future__ import annotations

import importlib.resources
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from das_pipeline.chain.declarations import ChainFile, EventsFile
from das_pipeline.deliveries import Contract, ExternalSource, Partner
from das_pipeline.disclosure.public_figures import FILE as PUBLIC
from das_pipeline.disclosure.public_figures import PublicFiguresFile
from das_pipeline.disk import replace_file
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import SELF, OfAll
from das_pipeline.linkage.definition import LinkageDefinition
from das_pipeline.policy import Policy
from das_pipeline.publication.definitions import ExternalTables
from das_pipeline.publication.texts import TableTexts, Words
from das_pipeline.statistics.declarations import CubesFile, DeclaredTable
from das_pipeline.waivers import FILE, WaiversFile
from das_pipeline.website.texts import SiteTexts
from das_pipeline.yaml_reader import Document


@dataclass(frozen=True)
class FileKind:
    """A kind of file of a jurisdiction: its name, where it lies, and the model that it must be."""

    name: str
    pattern: str
    model: type[BaseModel]
    says: str


KINDS = (
    FileKind("jurisdiction", SELF, OfAll, "What holds for everything in the folder."),
    FileKind("partner", "contracts/*/partner.yaml", Partner, "Who delivers, and what happens when nothing comes."),
    FileKind("events", "contracts/*/events.yaml", EventsFile, "What a partner's rows mean for the chain: units and their events."),
    FileKind("contract", "contracts/*/*.yaml", Contract, "What one file of a partner must be."),
    FileKind("chain", "chain.yaml", ChainFile, "The order of events, and what the law allows."),
    FileKind("cubes", "statistics/cubes.yaml", CubesFile, "What is counted."),
    FileKind("table", "statistics/*.yaml", DeclaredTable, "A published table."),
    FileKind("linkage", "linkage.yaml", LinkageDefinition, "How records are linked to persons and cases."),
    FileKind("policy", "policy.yaml", Policy, "Limits, each with its reason."),
    FileKind("public_figures", PUBLIC, PublicFiguresFile, "What sources publish themselves, so that a reader has it exactly."),
    FileKind("waivers", FILE, WaiversFile, "Rules that fail for a known reason, and what they let through until when."),
    FileKind("external_source", "external/*/source.yaml", ExternalSource, "Figures of another publisher."),
    FileKind("external_tables", "external/*/tables.yaml", ExternalTables, "What is published of them."),
    FileKind("tables", "texts/tables.yaml", TableTexts, "Words in published files."),
    FileKind("site", "texts/site.yaml", SiteTexts, "The content of the site."),
    FileKind("words", "texts/words.yaml", Words, "Buttons, captions and sentences of the site."),
)


def kind_of(relative: str) -> FileKind | None:
    """Return the kind of a file by its path in the folder of a jurisdiction; None when it has none."""
    return next((kind for kind in KINDS if fnmatchcase(relative, kind.pattern)), None)


@cache
def sentences() -> Mapping[str, Mapping[str, str]]:
    """Return what each key means, by model and key (keys.yaml)."""
    text = (importlib.resources.files(__package__ or "") / "keys.yaml").read_text(encoding="utf-8")
    return Document.parse("keys.yaml", text).value()


def sentence(model: str, key: str) -> str:
    """Return what a key of a model means; ConfigurationError when keys.yaml does not say it."""
    found = sentences().get(model, {}).get(key) or sentences()["any"].get(key)
    if found is None:
        raise ConfigurationError(f"das_pipeline/contracts/keys.yaml says nothing of {model}.{key}: add a sentence.")
    return found


def schema(kind: FileKind) -> dict[str, Any]:
    """Return the JSON Schema of a kind of file."""
    made = kind.model.model_json_schema(by_alias=True)
    models = {kind.model.__name__: made} | made.get("$defs", {})
    if "Reopening" in models:  # written in a shorter way than it is kept
        by = {"type": "string", "description": sentence("Reopening", "by")}
        shape = {"properties": {"by": by}, "required": ["by"], "minProperties": 2, "maxProperties": 2}
        models["Reopening"] |= shape | {"additionalProperties": {"type": "string", "description": sentence("Reopening", "outcome")}}
    if "DeclaredCube" in models:
        cube = models["DeclaredCube"]
        cube["properties"]["extends"] = {"type": "string"}
        cube["anyOf"] = [{"required": cube.pop("required")}, {"required": ["cube", "extends"]}]
    for name, model in models.items():
        for key, declared in model.get("properties", {}).items():
            declared.pop("title", None)
            declared["description"] = sentence(name, key)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": kind.name, "description": kind.says} | {
        key: value for key, value in made.items() if key not in ("title", "description")
    }


def schema_files() -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of every schema."""
    for kind in KINDS:
        yield f"{kind.name}.json", (json.dumps(schema(kind), indent=1, ensure_ascii=False) + "\n").encode()


def first_line(file: Path, kind: FileKind, schemas: Path) -> str:
    """Return the comment that tells an editor where the schema of `file` lies."""
    return f"# yaml-language-server: $schema={os.path.relpath(schemas / f'{kind.name}.json', file.parent)}"


def write_schemas(folder: Path) -> int:
    """Write every schema to `folder`; return how many."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [replace_file(folder / name, content) for name, content in schema_files()]
    return len(written)
