"""A jurisdiction is a folder: its files are read here, and checked by the stage that owns them.

Code knows partners, files, concepts, events, spells and cubes; which ones there are, what they are called and how they map
is in the folder.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, Field, ValidationError, ValidationInfo, model_validator

from das_pipeline.errors import ConfigurationError, Fault
from das_pipeline.shape_faults import Mistakes, shape_faults
from das_pipeline.yaml_reader import Document, Loc, dotted

Model = TypeVar("Model", bound=BaseModel)


ENGLISH = "en"  # data catalogues and their tools expect it where a text has only one place


class Text(BaseModel, extra="allow"):
    """One text in each language of the jurisdiction, by the code of the language."""

    __pydantic_extra__: dict[str, str]  # pyright: ignore[reportIncompatibleVariableOverride]

    def __getitem__(self, language: str) -> str:
        return self.__pydantic_extra__[language]

    @property
    def main(self) -> str:
        """The text where there is place for one language: in English if it has that, otherwise in its first language."""
        texts = self.__pydantic_extra__
        return texts[ENGLISH] if ENGLISH in texts else next(iter(texts.values()))

    @property
    def others(self) -> dict[str, str]:
        """The texts in the languages that are not that of `main`, by their codes."""
        texts = self.__pydantic_extra__
        main = ENGLISH if ENGLISH in texts else next(iter(texts))
        return {code: text for code, text in texts.items() if code != main}

    def filled(self, **parts: Any) -> Text:
        """The text with its `{…}` filled in; a part that is a text itself in the same language."""
        return Text.model_validate(
            {
                code: text.format(**{name: part[code] if isinstance(part, Text) else part for name, part in parts.items()})
                for code, text in self.__pydantic_extra__.items()
            }
        )

    @classmethod
    def joined(cls, texts: Sequence[Text], between: str) -> Text:
        """The texts one after another, in each language."""
        return cls.model_validate({code: between.join(text[code] for text in texts) for code in texts[0].__pydantic_extra__})

    @model_validator(mode="after")
    def _in_each_language(self, info: ValidationInfo) -> Text:
        texts = self.__pydantic_extra__
        if not texts:
            raise ValueError("a text is expected here: {<language>: <text>}")
        if blank := [code for code, text in texts.items() if not text.strip()]:
            raise Mistakes([((code,), "the text is empty: write it.") for code in blank])
        if isinstance(info.context, Jurisdiction) and info.context.sees(SELF):
            languages = info.context.languages
            found = [((), f"there is no text in {code}, a language of {SELF}: add it.") for code in languages if code not in texts]
            found += [
                ((code,), f"{code} is no language of {SELF}, which has {', '.join(languages)}.") for code in texts if code not in languages
            ]
            if found:
                raise Mistakes(found)
        return self


_zones = cache(available_timezones)  # reads some hundred files


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"there is no time zone {name}: give one of the IANA database, such as Europe/Amsterdam")
    return name


class OfAll(BaseModel, extra="forbid"):
    """The content of jurisdiction.yaml: what holds for everything in the folder."""

    languages: Annotated[list[Annotated[str, Field(pattern="^[a-z]{2,3}$")]], Field(min_length=1)]  # the first is at the root of the site
    time_zone: Annotated[str, AfterValidator(_zone)]  # in which a day ends
    concept_uri: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*:[A-Za-z0-9._~:/#-]*[/:#]$")] | None = None  # before names of concepts

    @model_validator(mode="after")
    def _has_each_language_once(self) -> OfAll:
        if twice := [number for number, code in enumerate(self.languages) if code in self.languages[:number]]:
            raise Mistakes([(("languages", number), f"{self.languages[number]} is listed twice: remove one.") for number in twice])
        return self


SELF = "jurisdiction.yaml"


@dataclass(frozen=True)
class Place:
    """A place in a YAML file of a jurisdiction: the way to a value."""

    jurisdiction: Jurisdiction
    file: str
    loc: Loc = ()

    def __truediv__(self, step: str | int) -> Place:
        return replace(self, loc=(*self.loc, step))

    def fault(self, sentence: str) -> Fault:
        """Return the fault that `sentence` describes, with its line."""
        return Fault(self.file, self.jurisdiction.document(self.file).line(self.loc), dotted(self.loc), sentence)

    def refuse(self, sentence: str) -> NoReturn:
        """Raise ConfigurationError with that fault."""
        raise ConfigurationError(faults=[self.fault(sentence)])


def _files_below(folder: str, prefix: str = "") -> Iterator[str]:
    """The paths of all files below a folder, relative to it; every step of a run asks, so texts and no Path objects."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files_below(entry.path, f"{prefix}{entry.name}/")
            elif entry.is_file():
                yield prefix + entry.name


@lru_cache(maxsize=256)
def _as_json(file: str, text: str) -> str:
    """The content of a YAML file. Kept for the same text: every step of a run reads the policy, and to parse it takes 10 ms."""
    return json.dumps(Document.parse(file, text).value())


@dataclass(frozen=True)
class Jurisdiction:
    """The files of one jurisdiction; those that match one of the patterns `reads`, or all when it is None."""

    folder: Path
    reads: tuple[str, ...] | None = None

    def limited_to(self, reads: tuple[str, ...]) -> Jurisdiction:
        """The same jurisdiction with no other files than these: reading another one is an error."""
        return self._limited.setdefault(reads, replace(self, reads=reads))

    @cached_property
    def _limited(self) -> dict[tuple[str, ...], Jurisdiction]:
        return {}

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the files that are seen: part of the version of everything made from them."""
        digest = hashlib.sha256()
        for relative in sorted(filter(self.sees, _files_below(str(self.folder)))):
            digest.update(relative.encode() + b"\0" + (self.folder / relative).read_bytes() + b"\0")
        return digest.hexdigest()

    @cached_property
    def partners(self) -> Sequence[str]:
        """The partners that deliver, in the order of their names: the folders of `contracts/` with a partner.yaml."""
        return tuple(sorted(p.parent.name for p in (self.folder / "contracts").glob("*/partner.yaml")))

    @cached_property
    def languages(self) -> Sequence[str]:
        """The codes of the languages of every text, the first one first."""
        return tuple(self.load(SELF, OfAll).languages)

    @property
    def time_zone(self) -> ZoneInfo:
        """Where a day ends."""
        return ZoneInfo(self.load(SELF, OfAll).time_zone)

    @property
    def concept_uri(self) -> str:
        """What the addresses of concepts begin with."""
        return self.load(SELF, OfAll).concept_uri or f"urn:das:{self.name}:"

    def document(self, relative: str) -> Document:
        """A YAML file as a tree that knows its lines."""
        return Document.parse(relative, self.text(relative))

    def text(self, relative: str) -> str:
        """The content of a file; ConfigurationError when it is missing or no UTF-8."""
        try:
            return self.path(relative).read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise ConfigurationError(faults=[Fault(relative, 0, "", f"this file is missing from {self.folder}.")]) from None
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise ConfigurationError(faults=[Fault(relative, line, "", "this is no UTF-8: save the file as UTF-8.")]) from None

    def load(self, relative: str, model: type[Model]) -> Model:
        """A YAML or JSON file as `model`; ConfigurationError has every mistake with its line, and what was expected there.

        No value is converted: a text is not read from a number, nor a number from a text.
        """
        content = _as_json(relative, self.text(relative))
        try:
            return model.model_validate_json(content, strict=True, context=self)
        except ValidationError as error:
            raise ConfigurationError(faults=shape_faults(self.document(relative), model, json.loads(content), error)) from None

    def place(self, relative: str, *loc: str | int) -> Place:
        """A place in a YAML file, for a fault in what it refers to."""
        return Place(self, relative, loc)

    def csv(self, relative: str, columns: Sequence[str]) -> list[dict[str, str]]:
        """The rows of a `,`-separated file whose header is exactly `columns`."""
        reader = csv.DictReader(self.text(relative).splitlines(keepends=True), strict=True)
        if list(reader.fieldnames or []) != list(columns):
            raise ConfigurationError(faults=[Fault(relative, 1, "", f"the header must be {','.join(columns)}.")])
        return list(reader)

    def files(self, pattern: str) -> list[str]:
        """The files that match `pattern`, relative to the folder, in order."""
        return [path for path in sorted(p.relative_to(self.folder).as_posix() for p in self.folder.glob(pattern)) if self.path(path)]

    def path(self, relative: str) -> Path:
        """The place of a file; ConfigurationError when it is not one of those that are seen."""
        if not self.sees(relative):
            raise ConfigurationError(f"{relative} is read by a stage that does not list it: add it to das_pipeline/stages.py.")
        return self.folder / relative

    def sees(self, relative: str) -> bool:
        """Whether a file is one of those that may be read."""
        return self.reads is None or any(fnmatchcase(relative, pattern) for pattern in self.reads)
