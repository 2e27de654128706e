"""What the writers of a release declare for the auditor: its tables, texts, codes and languages, and the files that they know."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from das_pipeline.auditor import Declared, Forms, Groups, Limits
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.policy import Disclosure, load_policy
from das_pipeline.publication import api, descriptors_of, formats, table_kinds, table_methods
from das_pipeline.publication.releases import read_release
from das_pipeline.publication.texts import load_words
from das_pipeline.release.candidate import Candidate, lineage
from das_pipeline.rules import catalogue
from das_pipeline.statistics import load_statistics
from das_pipeline.website import pages_of, static_files

CONCEPTS = "terminology/concepts"
TEXTS = ("texts/*.yaml", "statistics/*.yaml", "contracts/*/partner.yaml", "external/*/*.yaml", "jurisdiction.yaml")
LINK = re.compile(r'href="(https://[^"]+)"')  # in a paragraph
LISTS = ("terminology/schemes/*.csv", "terminology/terms.csv", "terminology/scope_notes.csv")


def declared(jurisdiction: Jurisdiction, made: Mapping[str, str], *, by_this_code: bool = True) -> Declared:
    """What a release of `jurisdiction` may contain. `made`: path → SHA-256 of files that an earlier stage made.

    One that was not made by this code, from these files of the jurisdiction, cannot be made again here.
    """
    contents = [jurisdiction.document(file).value() for pattern in TEXTS for file in jurisdiction.files(pattern)]
    cells = {
        cell
        for pattern in LISTS
        for file in jurisdiction.files(pattern)
        for row in csv.reader(jurisdiction.text(file).splitlines())
        for cell in row
    }
    texts = {text for content in contents for text in _leaves(content)}
    keys = {key for content in contents for key in _keys(content)}
    chain = jurisdiction.document("chain.yaml").value()
    names = {text for text in {*texts, *_leaves(chain)} if text.isascii() and " " not in text}
    for cube in load_statistics(jurisdiction).cubes:  # some are made from a statistic, with names that no file has
        names |= {cube.name, cube.unit_of_count, *cube.leaf, *cube.scheme.values(), *(level for _, level in cube.leaf.values())}
    for file in jurisdiction.files("contracts/*/*.yaml"):
        contract = jurisdiction.document(file).value()
        texts |= {text for key in ("title", "description") for text in _leaves(contract.get(key))}
    texts.add(load_policy(jurisdiction).release.approval.reason)
    texts |= {link for text in texts for link in LINK.findall(text)}
    words = load_words(jurisdiction)
    quarter = words.words["quarter"]
    return Declared(
        tables=table_kinds(jurisdiction),
        texts=texts
        | cells
        | {load_policy(jurisdiction).release.approval.reason}
        | {form.name for form in formats.FORMATS}
        | {rule.must for rule in catalogue().values()},
        codes={jurisdiction.name, *keys, *names, *_keys(chain)}
        | cells
        | {rule.name for rule in catalogue().values()}
        | {file.split("/")[-1].removesuffix(".csv") for file in jurisdiction.files("terminology/schemes/*.csv")},
        languages={
            code: Forms(forms.thousands, forms.decimal, forms.date, tuple(forms.months), quarter[code])
            for code, forms in words.languages.items()
        },
        formats={form.extension: form.media_type for form in formats.FORMATS},
        concept_uri=jurisdiction.concept_uri,
        files={path: hashlib.sha256(content).hexdigest() for path, content in _static().items()} | dict(made),
        methods={name: method for name, method in table_methods(jurisdiction).items() if method != "rounding"},
        remake=partial(_remade, jurisdiction) if by_this_code else None,
    )


def _remade(jurisdiction: Jurisdiction, folder: Path, earlier: Sequence[Path]) -> dict[str, bytes]:
    previous = json.loads((folder / "changes.json").read_bytes())["previous"]
    before = next((read_release(other) for other in earlier if other.name == previous), None)
    return pages_of(jurisdiction, folder, earlier) | descriptors_of(jurisdiction, folder, before)


def _static() -> dict[str, bytes]:
    """The files that are the same in every release, by path."""
    return {f"site/{name}": content for name, content in static_files().items()} | {api.OPENAPI: api.openapi()}


def limits_of(policy: Disclosure, *, is_real: bool = False) -> Limits:
    """The limits of the policy that the auditor judges by. `is_real`: some of what was delivered is about real people."""
    of_groups = policy.groups
    groups = Groups(tuple(of_groups.categories), of_groups.share, of_groups.above, of_groups.least, of_groups.most, is_real)
    closing_months = policy.closing.months if policy.closing else None
    when_ended = tuple(policy.when_ended.kinds)
    suppression = (policy.suppression.minimum, policy.suppression.width) if policy.suppression else None
    not_published = policy.cell_key.not_published if policy.cell_key else 0
    least = policy.quality_cells.cells, policy.figures.cases
    return Limits(policy.bases, *least, closing_months, groups, when_ended, suppression, not_published)


def made_before(candidate: Candidate) -> dict[str, str]:
    """The files of a candidate that the terminology made, with the SHA-256 that it gave them."""
    concepts = candidate.run.lake.version(CONCEPTS, lineage(candidate.run, candidate.site)[CONCEPTS])
    return {name: entry.sha256 for name, entry in concepts.files.items() if name in candidate.site.files}


def _leaves(content: Any) -> Iterator[str]:
    """Every text in a tree of mappings and lists."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from _leaves(value)
    elif isinstance(content, list):
        for value in content:
            yield from _leaves(value)


def _keys(content: Any) -> Iterator[str]:
    """Every key in a tree of mappings and lists."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield str(key)
            yield from _keys(value)
    elif isinstance(content, list):
        for value in content:
            yield from _keys(value)
