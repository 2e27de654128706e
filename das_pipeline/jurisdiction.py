"""A jurisdiction is a folder: its files are read here, and checked by the stage that owns them.

Code knows partners, files, concepts, events, spells and cubes; which ones there are, what they are called and how they map
is in the folder.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from das_pipeline.errors import ConfigurationError

Model = TypeVar("Model", bound=BaseModel)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where the wheel has it: ten times faster, and every stage reads contracts


class Text(BaseModel, extra="forbid"):
    """One text in the site's languages."""

    nl: str
    en: str


@dataclass(frozen=True)
class Jurisdiction:
    """The files of one jurisdiction; those that match one of the patterns `reads`, or all when it is None."""

    folder: Path
    reads: tuple[str, ...] | None = None

    def limited_to(self, reads: tuple[str, ...]) -> Jurisdiction:
        """The same jurisdiction with no other files than these: reading another one is an error."""
        return replace(self, reads=reads)

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the files that are seen: part of the version of everything made from them."""
        digest = hashlib.sha256()
        for path in sorted(p for p in self.folder.rglob("*") if p.is_file() and self._sees(p.relative_to(self.folder).as_posix())):
            digest.update(path.relative_to(self.folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()

    @cached_property
    def partners(self) -> Sequence[str]:
        """The partners that deliver, in the order of their names: the folders of `contracts/` with a partner.yaml."""
        return tuple(sorted(p.parent.name for p in (self.folder / "contracts").glob("*/partner.yaml")))

    def yaml(self, relative: str) -> Any:
        """The content of a YAML file; ConfigurationError names the file and line of a mistake."""
        path = self.path(relative)
        try:
            return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
        except FileNotFoundError:
            raise ConfigurationError(f"{path} is missing.") from None
        except yaml.YAMLError as error:
            raise ConfigurationError(f"{path} is no valid YAML: {error}") from None

    def load(self, relative: str, model: type[Model]) -> Model:
        """A YAML file as `model`; ConfigurationError names the file, the place in it, and what was expected there."""
        content = self.yaml(relative)
        try:
            return model.model_validate(content)
        except ValidationError as error:
            places = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
            raise ConfigurationError(f"{self.folder / relative}: {places}") from None

    def csv(self, relative: str, columns: Sequence[str]) -> list[dict[str, str]]:
        """The rows of a `,`-separated UTF-8 file whose header is exactly `columns`."""
        path = self.path(relative)
        try:
            with path.open(encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file)
                rows = list(reader)
        except FileNotFoundError:
            raise ConfigurationError(f"{path} is missing.") from None
        if list(reader.fieldnames or []) != list(columns):
            raise ConfigurationError(f"{path}: the header must be {','.join(columns)}.")
        return rows

    def files(self, pattern: str) -> list[str]:
        """The files that match `pattern`, relative to the folder, in order."""
        return [path for path in sorted(p.relative_to(self.folder).as_posix() for p in self.folder.glob(pattern)) if self.path(path)]

    def path(self, relative: str) -> Path:
        """The place of a file; ConfigurationError when it is not one of those that are seen."""
        if not self._sees(relative):
            raise ConfigurationError(f"{relative} is read by a stage that does not list it: add it to das_pipeline/stages.py.")
        return self.folder / relative

    def _sees(self, relative: str) -> bool:
        return self.reads is None or any(fnmatchcase(relative, pattern) for pattern in self.reads)
