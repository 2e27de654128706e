"""The texts of the site, from `texts/site.yaml` of the jurisdiction."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator

from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.shape_faults import Mistakes

Colour = Literal["police", "justice", "other", "away", "unknown"]  # who acts, or what becomes of a case; see colours.css


def _plain(slug: Text) -> Text:
    odd = [code for code, text in (slug.__pydantic_extra__ or {}).items() if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", text)]
    if odd:
        raise Mistakes([((code,), "it is part of an address: use lower case letters a to z, digits and hyphens.") for code in odd])
    return slug


Slug = Annotated[Text, AfterValidator(_plain)]


class Waits(BaseModel, extra="forbid"):
    """What waits after a section of the chain: a cell of a table of stocks, which is by month."""

    table: str
    select: dict[str, str] = {}
    text: Text


class Section(BaseModel, extra="forbid"):
    """A part of the chain in one unit: the total of `table`, divided by the dimension `parts`.

    Between sections the unit changes, so no band joins them. `labels` are short names of codes; `colours` are those of the parts, `rest`
    that of parts without one.
    """

    title: Text
    unit: Text
    theme: str
    table: str
    total: Text | None = None
    parts: str | None = None
    parts_title: Text | None = None
    colour: Colour
    rest: Colour = "away"
    colours: dict[str, Colour] = {}
    labels: dict[str, Text] = {}
    waits: Waits | None = None


class FlowBy(BaseModel, extra="forbid"):
    """By which dimension a reader can choose a part of the chain, and the sections whose tables have it."""

    dimension: str
    sections: list[Section]


class Headline(BaseModel, extra="forbid"):
    """A figure of the start page: one cell of the last complete year."""

    title: Text
    table: str
    select: dict[str, str] = {}


class Ask(BaseModel, extra="forbid"):
    """A link that asks a published table: what to read on it, and the question as the address of the page holds it."""

    text: Text
    table: str
    query: Annotated[str, Field(pattern=r"^(([a-z]+|in\.[a-z0-9_]+)=[A-Za-z0-9_,+-]*(&|$))*$")] = ""


class Question(BaseModel, extra="forbid"):
    """What people ask, with the tables that answer it.

    `answer` is the cell that the start page shows; `note` says what these figures lack.
    """

    title: Text
    asks: list[Ask] = []
    answer: dict[str, str] | None = None  # codes of dimensions in the first table
    note: Text | None = None


class Theme(BaseModel, extra="forbid"):
    """A page with the tables whose definition names this theme."""

    theme: str
    slug: Slug
    title: Text
    lead: Text
    ranked: bool = False  # whether the rows of its tables come with their place among each other
    first: list[str] = []  # its tables in the order of a reader's questions; others follow


class Part(BaseModel, extra="forbid"):
    """A headed part of a page of text; with `simulated_only` it is left out of a site of real figures."""

    title: Text
    paragraphs: list[Text]
    simulated_only: bool = False


class Page(BaseModel, extra="forbid"):
    """A page of text; `shows` adds computed content."""

    slug: Slug
    title: Text
    lead: Text
    parts: list[Part] = []
    shows: Literal["changes", "concepts", "quality", "tables"] | None = None


class MenuGroup(BaseModel, extra="forbid"):
    """Pages that the menu shows together, below a word that opens them."""

    title: Text
    of: list[str]


Layout = list[list[str]]


class Synonym(BaseModel, extra="forbid"):
    """What people call something: a published table, `<scheme>/<concept>` or `terms/<term>`; words are separated by commas."""

    of: str
    words: Text


class SiteTexts(BaseModel, extra="forbid"):
    """The content of site.yaml."""

    site_name: Text
    site_name_end: Text
    simulated: Text
    simulated_page: str  # slug of the page that explains it, in English or else in the first language
    real: Text  # on pages of other publishers' figures, while all others are simulated
    start: Part
    flow: list[Section]
    flow_by: FlowBy | None = None
    headlines: list[Headline]
    questions: list[Question] = []
    themes: list[Theme]
    pages: list[Page]
    menu: list[str | MenuGroup]  # after the start page; a page is named by its slug in English, or else in the first language
    scheme_titles: dict[str, Text] = {}
    maps: dict[str, Layout] = {}  # by scheme: rows of concepts from north to south, "" where there is nothing
    synonyms: list[Synonym] = []
    rules: dict[str, Text] = {}  # what a rule says, in plain words; without one its own sentence is shown
    contact: Annotated[str, Field(pattern=r"^(mailto:.+@.+|https://.+)?$")] = ""

    @model_validator(mode="after")
    def _maps_are_grids(self) -> SiteTexts:
        wrong = []
        for scheme, rows in self.maps.items():
            seen: set[str] = set()
            for y, row in enumerate(rows):
                if len(row) != len(rows[0]):
                    wrong.append(
                        (("maps", scheme, y), f'this row has {len(row)} places and the first has {len(rows[0])}: fill up with "".')
                    )
                for x, concept in enumerate(row):
                    if concept and concept in seen:
                        wrong.append((("maps", scheme, y, x), f"{concept} has two places: remove one."))
                    seen.add(concept)
        if wrong:
            raise Mistakes(wrong)
        return self

    @model_validator(mode="after")
    def _menu_names_pages(self) -> SiteTexts:
        known = {page.slug.main for page in (*self.themes, *self.pages)}
        named = [((i,), entry) for i, entry in enumerate(self.menu) if isinstance(entry, str)]
        named += [
            ((i, "of", k), name) for i, entry in enumerate(self.menu) if isinstance(entry, MenuGroup) for k, name in enumerate(entry.of)
        ]
        if unknown := [
            (("menu", *at), f"there is no page {name}: write the slug of a theme or page.") for at, name in named if name not in known
        ]:
            raise Mistakes(unknown)
        return self


def load_texts(jurisdiction: Jurisdiction) -> SiteTexts:
    """The content of the site of `jurisdiction`."""
    return jurisdiction.load("texts/site.yaml", SiteTexts)
