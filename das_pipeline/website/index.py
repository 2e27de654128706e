"""Everything that the site can be searched for: figures, the groups that they have, words and pages, with the words that people use.

It is a page of links that is complete by itself; a script on it finds and puts together what a reader types.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

from das_pipeline.terminology import ALL, Term
from das_pipeline.website.figures import Figure
from das_pipeline.website.language import Language
from das_pipeline.website.texts import SiteTexts

LEFT_OUT = {ALL, "unknown", "unknown_group"}  # nobody looks for what is not known


class Indexed(Protocol):
    """What of a site can be found, beside its figures."""

    @property
    def texts(self) -> SiteTexts: ...
    @property
    def schemes(self) -> Container[str]: ...
    @property
    def terms(self) -> Sequence[Term]: ...


@dataclass
class Entry:
    """Something to find: its title, its address, the words that people use for it, and the figures that show it.

    `of` is the list that it is in, where another one has the same title.
    """

    title: str
    address: str
    also: str = ""
    of: str = ""
    figures: list[tuple[str, str]] = field(default_factory=list)  # title and address


@dataclass(frozen=True)
class Kind:
    """The entries of one kind, with its heading."""

    heading: str
    entries: Sequence[Entry]


def index(site: Indexed, figures: Mapping[str, Figure], language: Language, links: Mapping[str, str], concepts: str) -> list[Kind]:
    """The kinds of entries. `links` has the page of each theme; `concepts` is the page of concepts, or "" when there is none."""
    also = {synonym.of: language.text(synonym.words) for synonym in site.texts.synonyms}
    address = {name: f"{links[f.table.facts['theme']]}?table={name}#{name}" for name, f in figures.items()}
    groups = _groups(site, figures, language, address, concepts)
    titles = Counter(entry.title for entry in groups.values())
    for key, entry in groups.items():
        if titles[entry.title] > 1 and (of := site.texts.scheme_titles.get(key.partition("/")[0])):  # Amsterdam is a unit, and a court
            entry.of = language.text(of)
    of_terms = [(f"terms/{t.term}", Entry(language.text(t.label), f"{concepts}#terms-{t.term}")) for t in site.terms if concepts]
    pages = [
        (language.text(p.slug), Entry(language.text(p.title), f"{language.text(p.slug)}.html"))
        for p in (*site.texts.themes, *site.texts.pages)
    ]
    kinds = (
        ("search_figures", [(name, Entry(f.title, address[name])) for name, f in figures.items()]),
        ("search_groups", list(groups.items())),
        ("search_words", of_terms),
        ("search_pages", pages),
    )
    for _, entries in kinds:
        for key, entry in entries:
            entry.also = also.get(key, "")
    return [Kind(language.say(heading), [entry for _, entry in entries]) for heading, entries in kinds if entries]


def in_order(texts: SiteTexts, figures: Mapping[str, Figure]) -> dict[str, Figure]:
    """The figures in the order of the themes, and in a theme as its page has them."""
    themes = [theme.theme for theme in texts.themes]
    first = {name: place for theme in texts.themes for place, name in enumerate(theme.first)}
    return dict(
        sorted(figures.items(), key=lambda item: (themes.index(item[1].table.facts["theme"]), first.get(item[0], len(first)), item[0]))
    )


def _groups(
    site: Indexed, figures: Mapping[str, Figure], language: Language, address: Mapping[str, str], concepts: str
) -> dict[str, Entry]:
    """The concepts that figures show, by scheme and code, each with the figures that have it."""
    entries: dict[str, Entry] = {}
    for name, figure in figures.items():
        for scheme, dim, code in _codes(figure, site.schemes):
            label = language.text(figure.table.labels[dim][code])
            entry = entries.setdefault(f"{scheme}/{code}", Entry(label, f"{concepts}#{scheme}-{code}"))
            page, _, anchor = address[name].partition("#")
            entry.figures.append((figure.title, f"{page}&in.{dim}={quote(code)}#{anchor}"))
    return entries


def _codes(figure: Figure, schemes: Container[str]) -> Iterator[tuple[str, str, str]]:
    for scheme, dim in figure.schemes(schemes).items():
        place = figure.table.dims.index(dim)
        occurring = {key[place] for key in figure.table.cells} - LEFT_OUT
        for code in figure.table.labels[dim]:
            if code in occurring:
                yield scheme, dim, code
