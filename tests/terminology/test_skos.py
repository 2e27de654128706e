"""The terminology as SKOS, read and judged by others: rdflib reads both writings, pyshacl judges them by the conditions of SKOS."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pyshacl import validate
from rdflib import RDF, SKOS, XSD, Graph, Literal, URIRef
from rdflib.compare import isomorphic

from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.rdf import Iri, Resource, Words, json_ld, turtle
from das_pipeline.references import find_faults
from das_pipeline.run import Run, produce
from das_pipeline.settings import PROJECT
from das_pipeline.terminology import build_concepts
from das_pipeline.terminology.skos import write_skos

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # rdflib's own, in its JSON-LD
Plant = Callable[[str, str, str], None]
SHAPES = Path(__file__).parent / "skos_shapes.ttl"
VERSION = "0123456789ab"


def graph_of(folder: Path) -> Graph:
    """What concepts.ttl says; concepts.jsonld must say the same."""
    graph = Graph().parse(folder / "concepts.ttl")
    assert isomorphic(graph, Graph().parse(folder / "concepts.jsonld", format="json-ld"))
    return graph


def faults(graph: Graph) -> list[str]:
    """What the shapes complain of, and every date literal that is no day of the calendar."""
    logging.disable(logging.CRITICAL)  # rdflib logs a traceback for a literal that it cannot convert
    conforms, _, text = validate(graph, shacl_graph=Graph().parse(SHAPES), advanced=True)
    logging.disable(logging.NOTSET)
    told = [] if conforms else re.findall(r"Message: (.*)", text)
    return told + [
        str(value) for value in graph.objects() if isinstance(value, Literal) and value.datatype == XSD.date and not is_day(value)
    ]


def is_day(value: Literal) -> bool:
    try:
        return date.fromisoformat(str(value)).isoformat() == str(value)
    except ValueError:
        return False


def export(jurisdiction: Path, to: Path) -> Graph:
    to.mkdir(exist_ok=True)
    write_skos(Jurisdiction(jurisdiction), VERSION, to)
    return graph_of(to)


def test_a_concept_says_what_it_means_where_it_is_and_from_whom(folder: Path, tmp_path: Path) -> None:
    graph = export(folder, tmp_path / "out")
    theft = URIRef("urn:das:jurisdiction:offence/theft")
    assert {(p.n3(graph.namespace_manager), o.n3(graph.namespace_manager)) for p, o in graph.predicate_objects(theft)} == {
        ("rdf:type", "skos:Concept"),
        ("skos:inScheme", "<urn:das:jurisdiction:offence>"),
        ("skos:broader", "<urn:das:jurisdiction:offence/property>"),
        ("skos:notation", '"theft"'),
        ("skos:prefLabel", '"Diefstal"@nl'),
        ("skos:prefLabel", '"Theft"@en'),
        ("skos:definition", '"Wegnemen."@nl'),
        ("skos:definition", '"Taking what is another\'s."@en'),
        ("skos:scopeNote", '"Ook: \\"winkeldiefstal\\" \\\\ poging."@nl'),
        ("skos:scopeNote", '"Includes \\"shoplifting\\" \\\\ attempts."@en'),
        ("dct:source", '"toy"'),
    }


def test_a_code_means_what_it_meant_on_its_days(folder: Path, tmp_path: Path) -> None:
    graph = export(folder, tmp_path / "out")
    rows = graph.query(
        """PREFIX dct: <http://purl.org/dc/terms/> PREFIX dcat: <http://www.w3.org/ns/dcat#>
        SELECT ?code ?concept ?start ?end WHERE {
            ?c skos:inScheme <urn:das:jurisdiction:codes/watch_offence> ; skos:notation ?code ; skos:broadMatch ?concept .
            OPTIONAL { ?c dct:temporal/dcat:startDate ?start } OPTIONAL { ?c dct:temporal/dcat:endDate ?end } } ORDER BY ?code"""
    )
    assert [tuple(value and str(value).removeprefix("urn:das:jurisdiction:offence/") for value in row) for row in rows] == [
        ("10", "theft", None, None),
        ("11", "burglary", None, None),
        ("20", "assault", None, "2023-12-31"),
        ("21", "assault", "2024-01-01", None),
    ]


def test_a_partners_meaning_of_a_term_is_a_scope_note_and_terms_lead_to_concepts(folder: Path, tmp_path: Path) -> None:
    graph = export(folder, tmp_path / "out")
    case = URIRef("urn:das:jurisdiction:terms/case")
    assert Literal("The watch: A report.", lang="en") in set(graph.objects(case, SKOS.scopeNote))
    assert (URIRef("urn:das:jurisdiction:ruling/guilty"), SKOS.related, case) in graph
    assert (case, SKOS.related, URIRef("urn:das:jurisdiction:ruling/guilty")) in graph


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("terms.csv", "ruling/guilty ", "ruling/gilty ", "terms.csv:2: concepts: scheme ruling has no concept gilty. Did you mean guilty?"),
        ("terms.csv", "ruling/guilty ", "ruling,guilty ", "terms.csv:2: it has 8 cells under 7 headings"),
        ("scope_notes.csv", "terms,case", "terms,cases", "scope_notes.csv:3: concept: there is no term cases. Did you mean case?"),
        ("scope_notes.csv", "case,watch", "case,wach", "scope_notes.csv:3: partner: there is no partner wach. Did you mean watch?"),
        (
            "scope_notes.csv",
            "offence,theft",
            "offense,theft",
            "scope_notes.csv:2: concept: there is no scheme offense. Did you mean",
        ),
    ],
)
def test_a_note_or_a_term_about_nothing_is_named(folder: Path, plant: Plant, file: str, old: str, new: str, complaint: str) -> None:
    plant(f"terminology/{file}", old, new)
    assert complaint in "\n".join(map(str, find_faults(Jurisdiction(folder))))


def test_addresses_begin_as_the_jurisdiction_says(folder: Path, tmp_path: Path) -> None:
    with (folder / "jurisdiction.yaml").open("a", encoding="utf-8") as file:
        file.write("concept_uri: https://example.org/id/\n")
    graph = export(folder, tmp_path / "out")
    assert (URIRef("https://example.org/id/offence/theft"), RDF.type, SKOS.Concept) in graph


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param("nl", marks=pytest.mark.slow), "cook_county", "template"])
def test_the_terminology_of_every_jurisdiction_is_sound_skos(tmp_path: Path, name: str) -> None:
    assert faults(export(PROJECT / "jurisdictions" / name, tmp_path)) == []


THEFT = "urn:das:jurisdiction:offence/theft"
UNTIL = '"2023-12-31"^^xsd:date'
BAD = {
    "two labels in a language": ('skos:prefLabel "Diefstal"@nl', 'skos:prefLabel "Roof"@nl, "Diefstal"@nl', "same Language"),
    "no definition": ('skos:definition "Wegnemen."@nl', 'skos:altLabel "Wegnemen."@nl', "lacks the definition"),
    "broader than itself": (f"<{THEFT}> a skos:Concept", f"<{THEFT}> skos:broader <{THEFT}> ; a skos:Concept", "broader than itself"),
    "related to a broader one": (
        'skos:notation "theft"',
        'skos:related <urn:das:jurisdiction:offence/all> ; skos:notation "theft"',
        "offence/theft>->",
    ),
    "in no scheme": ("skos:inScheme <urn:das:jurisdiction:sex>", "skos:note <urn:das:jurisdiction:sex>", "skos:inScheme"),
    "no such month": (UNTIL, '"2023-13-31"^^xsd:date', "2023-13-31"),
    "a month instead of a day": (UNTIL, '"2024-13"^^xsd:gYearMonth', "xsd:date"),
    "no version of a mapping set": (f'owl:versionInfo "{VERSION}"', 'owl:versionInfo "1"', "pattern"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", BAD)
def test_the_judges_find_what_is_no_skos(folder: Path, tmp_path: Path, case: str) -> None:
    (tmp_path / "out").mkdir()
    write_skos(Jurisdiction(folder), VERSION, tmp_path / "out")
    old, new, complaint = BAD[case]
    text = (tmp_path / "out/concepts.ttl").read_text(encoding="utf-8").replace("rdf:type", "a")
    assert old in text
    assert any(complaint.casefold() in fault.casefold() for fault in faults(Graph().parse(data=text.replace(old, new, 1), format="turtle")))


def test_every_character_of_a_text_survives_both_writings() -> None:
    nasty = "".join(map(chr, [*range(1, 0x100), 0x2028, 0xFFFD, 0x1F512]))
    resource = Resource(Iri("urn:das:x"), {"skos:note": [Words(nasty, "en")]})
    read = [Graph().parse(data=turtle([resource])), Graph().parse(data=json.dumps(json_ld([resource])), format="json-ld")]
    assert [str(value) for graph in read for value in graph.objects()] == [nasty, nasty]


def test_an_address_with_a_blank_or_a_quote_is_none() -> None:
    for wrong in ("urn:das:a b", "urn:das:<x>", 'urn:das:"'):
        with pytest.raises(ValueError, match="cannot be the address"):
            Iri(wrong)


def test_the_concepts_of_a_run_have_it_beside_them_with_the_version_of_the_mapping_set(run: Run) -> None:
    version = produce(run, "terminology/concepts", build_concepts).version
    graph = graph_of(version.folder)
    assert {str(value) for value in graph.objects(predicate=URIRef("http://www.w3.org/2002/07/owl#versionInfo"))} == {
        version.facts["mapping_version"]
    }
