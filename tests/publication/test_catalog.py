"""The catalog for portals: rdflib reads both writings as the same graph, pyshacl judges it by what the profiles demand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pyshacl import validate
from rdflib import DCAT, DCTERMS, RDF, Graph, Literal, Namespace, URIRef
from rdflib.compare import isomorphic

from das_pipeline.disk import sha256_of
from das_pipeline.lake import Version
from das_pipeline.publication.csvw import SUFFIX

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # rdflib's own, in its JSON-LD
SHAPES = Path(__file__).parent / "dcat_shapes.ttl"
SPDX = Namespace("http://spdx.org/rdf/terms#")
BASE = "https://data.toys.example/current/"


@pytest.fixture(scope="module")
def catalog(candidate: Version) -> Graph:
    return Graph().parse(candidate.path("catalog.ttl"))


def judged(graph: Graph, shapes: Path = SHAPES) -> tuple[bool, str]:
    conforms, _, text = validate(graph, shacl_graph=Graph().parse(shapes), advanced=True)
    return bool(conforms), text


@pytest.mark.slow
def test_both_writings_say_the_same(candidate: Version, catalog: Graph) -> None:
    assert isomorphic(catalog, Graph().parse(candidate.path("catalog.jsonld"), format="json-ld"))


def test_the_catalog_is_as_the_profiles_demand(catalog: Graph) -> None:
    conforms, text = judged(catalog)
    assert conforms, text


@pytest.mark.skipif("DAS_SHAPES" not in os.environ, reason="DAS_SHAPES names no folder with the profiles' own shapes")
@pytest.mark.parametrize("file", ["ap-SHACL", "ap-nl-SHACL", "ap-nl-SHACL-klassebereik", "ap-nl-SHACL-klassebereik-codelijsten"])
def test_the_catalog_holds_by_the_shapes_of_the_profiles_themselves(catalog: Graph, file: str) -> None:
    """They have no licence that lets us carry them: https://github.com/Geonovum/DCAT-AP-NL30, folder shapes."""
    conforms, text = judged(catalog, Path(os.environ["DAS_SHAPES"]) / f"dcat-{file}.ttl")
    assert conforms, text


@pytest.mark.parametrize("lost", ["publisher", "identifier", "accessRights", "license", "creator", "title"])
def test_what_is_missing_is_seen(catalog: Graph, lost: str) -> None:
    less = Graph()
    for triple in catalog:
        if triple[1] != DCTERMS[lost]:
            less.add(triple)
    assert not judged(less)[0]


def test_every_table_is_a_dataset_and_every_file_a_distribution(candidate: Version, catalog: Graph) -> None:
    tables = {path.stem for path in candidate.folder.glob("tables/*.parquet")}
    beside = {"breaks", "differences", "revisions"}
    assert {str(d).rpartition("#")[2] for d in catalog.subjects(RDF.type, DCAT.Dataset)} == tables | beside
    addresses = {str(url).removeprefix(BASE): node for node, url in catalog.subject_objects(DCAT.downloadURL)}
    of_tables = {f"tables/{path.name}" for path in (candidate.folder / "tables").iterdir() if SUFFIX not in path.name}
    assert set(addresses) == of_tables | {f"{name}.csv" for name in beside}
    for name, node in addresses.items():
        path = candidate.path(name)
        assert int(str(catalog.value(node, DCAT.byteSize))) == path.stat().st_size
        assert str(catalog.value(catalog.value(node, SPDX.checksum), SPDX.checksumValue)).lower() == sha256_of(path)


def test_a_dataset_says_what_it_is_about_and_for_which_time(catalog: Graph) -> None:
    reports = URIRef(f"{BASE}catalog.ttl#reports")
    assert set(catalog.objects(reports, DCTERMS.title)) == {Literal("Meldingen", "nl"), Literal("Reports", "en")}
    span = catalog.value(reports, DCTERMS.temporal)
    assert [str(catalog.value(span, edge)) for edge in (DCAT.startDate, DCAT.endDate)] == ["2022-01-01", "2024-12-31"]
    assert any("simulated" in str(text) for text in catalog.objects(reports, DCTERMS.description))
