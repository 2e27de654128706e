"""Fetching from StatLine: answers of both services, composed after their format, from a real server, and all that servers do wrong."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from das_pipeline.deliveries import load_external, odata, statline, take_in_external
from das_pipeline.deliveries.odata import NotFetched
from das_pipeline.engine import parquet
from das_pipeline.errors import ConfigurationError
from das_pipeline.gate import GateFailed
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from tests.conftest import TOY

RECORDED = Path(__file__).parent / "statline"
ROOT = {3: "ODataFeed/odata/47018NED", 4: "odata/v1/CBS/47018NED"}
Answer = tuple[int, dict[str, str], bytes]


class Service:
    """A server on this machine. `planted`: the name of a set → what it answers instead, one answer after another, the last for ever."""

    def __init__(self) -> None:
        service = self
        self.planted: dict[str, list[Answer]] = {}
        self.asked: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.asked.append(self.path)
                status, headers, body = service.answer(self.path)
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                return None

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path: str) -> Answer:
        url = urlsplit(path)
        version = 3 if url.path.startswith("/ODataFeed") else 4
        name = url.path.removeprefix(f"/{ROOT[version]}/")
        if planted := self.planted.get(name):
            return planted.pop(0) if len(planted) > 1 else planted[0]
        if name.endswith("/$count"):
            return 200, {"Content-Type": "text/plain"}, b"\xef\xbb\xbf9"
        skipped = {"4": ".2", "8": ".3", "5": ".2"}.get(parse_qs(url.query).get("$skip", [""])[0], "")
        return self.recorded(version, f"{name}{skipped}")

    def recorded(self, version: int, name: str) -> Answer:
        text = (RECORDED / f"v{version}" / f"{name}.json").read_text(encoding="utf-8")
        return 200, {"Content-Type": "application/json"}, text.replace("{server}", self.address).encode()

    def changed(self, version: int, name: str, change: Callable[[Any], object]) -> None:
        """Let a set answer as recorded, but for `change`."""
        status, headers, body = self.recorded(version, name)
        content = json.loads(body)
        change(content)
        self.planted[name] = [(status, headers, json.dumps(content).encode())]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(odata, "PAUSES", (0.0, 0.0))
    running = Service()
    thread = threading.Thread(target=running.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.server.shutdown()
    thread.join()
    running.server.server_close()


COLUMNS = {
    3: {"kind": "SoortMisdrijf", "year": "Perioden", "crimes": "GeregistreerdeMisdrijven_1", "mark": "Status"},
    4: {"kind": "SoortMisdrijf", "year": "Perioden", "crimes": "Value", "mark": "Status"},
}
WHERE = {3: {"WijkenEnBuurten": "NL00"}, 4: {"Measure": "M004200_2", "WijkenEnBuurten": "NL00"}}
TOTALS = {2012: 99583, 2013: 94461, 2014: 76575}


@pytest.fixture
def declared(service: Service, settings: Settings, tmp_path: Path) -> Callable[..., Run]:
    """A run in the toy jurisdiction with the table of the service as an external source."""

    def make(version: int, totals: dict[int, int] | None = None, **changed: Any) -> Run:
        folder = tmp_path / "toy"
        shutil.copytree(TOY, folder)
        text = {"nl": "Misdrijven", "en": "Crimes"}
        source = {
            "source": "police",
            **dict.fromkeys(("title", "publisher", "description", "retrieved"), text),
            "url": "https://example.org/",
            "licence": {"name": "CC-BY-4.0", "title": "CC", "url": "https://example.org/by"},
            "vintage": date(2024, 8, 15),
            "file": "crimes.csv",
            "unit": "report",
            "measure": "crimes",
            "columns": [
                {"name": "kind", "type": "text", "required": True, "concept": {"scheme": "offence", "list": "kind"}, "description": text},
                {"name": "year", "type": "integer", "required": True, "description": text},
                {"name": "crimes", "type": "integer", "required": True, "range": [0, 10**6], "description": text},
                {"name": "mark", "type": "text", "required": True, "description": text},
            ],
            "key": ["kind", "year"],
            "table": "police_crimes",
            "status": {"column": "mark", "provisional": ["Voorlopig"]},
            "totals": totals or TOTALS,
            "statline": {
                "version": version,
                "address": f"{service.address}/{ROOT[version]}",
                "columns": COLUMNS[version],
                "where": WHERE[version],
                "periods": "JJ00",
                "total": {"SoortMisdrijf": "0.0.0"},
            }
            | changed,
        }
        place = folder / "external" / "police"
        place.mkdir(parents=True)
        (place / "source.yaml").write_text(yaml.safe_dump(source), encoding="utf-8")
        (place / "crimes.csv").write_text("kind,year,crimes,mark\n", encoding="utf-8")
        run = Run.start(settings, date(2024, 9, 30))
        return Run(run.settings, run.lake, Jurisdiction(folder), run.keys, run.as_of)

    return make


def fetch(run: Run) -> statline.Fetched:
    return statline.fetch(run.jurisdiction, load_external(run.jurisdiction, "police"))


@pytest.mark.parametrize("version", [3, 4])
def test_a_table_comes_page_by_page_with_plain_keys_its_vintage_and_its_marks(
    declared: Callable[..., Run], service: Service, version: int
) -> None:
    run = declared(version)
    fetched = fetch(run)
    assert (fetched.rows, fetched.vintage, dict(fetched.totals)) == (6, date(2024, 8, 15), TOTALS)  # the publisher's totals, not our sums
    assert fetched.file.read_text(encoding="utf-8").splitlines() == [
        "kind,year,crimes,mark",
        "1.1.1,2012,91595,Definitief",
        "1.1.1,2013,87455,Definitief",
        "1.1.1,2014,71143,Voorlopig",
        "1.4.6,2012,7988,Definitief",
        "1.4.6,2013,7006,Definitief",
        "1.4.6,2014,5432,Voorlopig",
    ]
    assert sum("skip=" in asked for asked in service.asked) == {3: 2, 4: 1}[version]
    version_in_lake = take_in_external(run, "police").version  # and comes in as any other source does
    assert version_in_lake.as_of == "2024-08-15"
    with run.connect() as connection:
        rows = connection.execute(f"SELECT kind, year, crimes, mark FROM {parquet([version_in_lake.path('crimes.parquet')])}").fetchall()
    assert rows[2] == ("1.1.1", 2014, 71143, "Voorlopig")


@pytest.mark.breaks("I01")
def test_figures_of_another_vintage_are_refused_until_a_person_wrote_their_totals(declared: Callable[..., Run]) -> None:
    run = declared(3, totals=TOTALS | {2013: 94460})
    fetch(run)
    with pytest.raises(GateFailed, match="The figures of 2013 do not add up"):
        take_in_external(run, "police")


HTML = b"<!DOCTYPE html><html><head><title>Onderhoud</title></head><body>De dienst is tijdelijk niet beschikbaar.</body></html>"
JSON = {"Content-Type": "application/json"}
GONE_3 = json.dumps({"odata.error": {"code": "", "message": {"lang": "en-US", "value": "Table 47018NED was stopped, see 85812NED."}}})
GONE_4 = json.dumps({"error": {"code": "NotFound", "message": "Dataset 47018NED does not exist."}})


@pytest.mark.parametrize(
    ("version", "name", "answer", "sentence"),
    [
        (3, "TypedDataSet", (500, {}, b"oops"), "fails, 3 times in a row: 500 Internal Server Error. Try it later"),
        (3, "TypedDataSet", (200, JSON, b'{"odata.metadata":"x","value":[{"ID":0,"Soort'), "is no JSON, or breaks off"),
        (3, "TypedDataSet", (200, {"Content-Length": "9999"} | JSON, b'{"value":['), "fails, 3 times in a row"),
        (3, "TypedDataSet", (200, {"Content-Type": "text/html"}, HTML), "it begins with '<!DOCTYPE html><html>"),
        (3, "TableInfos", (200, JSON, b"[]"), "answers JSON that is no object"),
        (3, "DataProperties", (200, JSON, b"{}"), "has no list of values"),
        (
            3,
            "DataProperties",
            (301, {"Location": "https://elsewhere.example/85812NED"}, b""),
            "has moved to https://elsewhere.example/85812NED",
        ),
        (3, "DataProperties", (404, JSON, GONE_3.encode()), r"is not there \(404 Not Found: Table 47018NED was stopped, see 85812NED.\)"),
        (4, "Dimensions", (404, JSON, GONE_4.encode()), r"is not there \(404 Not Found: Dataset 47018NED does not exist.\)"),
        (4, "Dimensions", (400, JSON, b"no JSON"), r"refuses the request \(400 Bad Request\)"),
        (4, "Properties", (200, JSON, b'{"Identifier": "47018NED"}'), "does not say when it was modified"),
        (4, "Observations/$count", (200, {}, b"many"), "answers 'many', which is no number"),
        (4, "Observations/$count", (200, {}, b"10"), "gives 9 rows and says that it has 10"),
    ],
)
def test_an_answer_that_is_not_the_table_leaves_the_file_as_it_was(
    declared: Callable[..., Run], service: Service, version: int, name: str, answer: Answer, sentence: str
) -> None:
    run = declared(version)
    service.planted[name] = [answer]
    with pytest.raises(NotFetched, match=sentence):
        fetch(run)
    assert run.jurisdiction.text("external/police/crimes.csv") == "kind,year,crimes,mark\n"


def test_a_server_that_recovers_is_asked_again(declared: Callable[..., Run], service: Service) -> None:
    run = declared(3)
    service.planted["Perioden"] = [(503, {}, b""), service.recorded(3, "Perioden")]
    assert fetch(run).rows == 6


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda content: content["value"][3].update(Key="GeregistreerdeMisdrijven_4"),
            r"GeregistreerdeMisdrijven_1 is gone\. It also has Gemeentenaam_2, GeregistreerdeMisdrijven_4\.",
        ),
        (lambda content: content["value"].append({"Type": "Dimension", "Key": "Leeftijd"}), "dimension Leeftijd is new"),
        (lambda content: content["value"][1].update(Key="RegioS"), "WijkenEnBuurten is gone; dimension RegioS is new"),
        (lambda content: content["value"].pop(2), "has 0 dimensions of time"),
    ],
)
def test_changed_columns_are_refused_with_what_changed(
    declared: Callable[..., Run], service: Service, change: Callable[[Any], object], sentence: str
) -> None:
    run = declared(3)
    service.changed(3, "DataProperties", change)
    with pytest.raises(NotFetched, match=sentence):
        fetch(run)
    assert not any("TypedDataSet" in asked for asked in service.asked)


@pytest.mark.parametrize(
    ("following", "sentence"),
    [
        (
            "https://elsewhere.example/ODataFeed/odata/47018NED/TypedDataSet?$skip=4",
            "continues at elsewhere.example, which is another server",
        ),
        ("{page}", "comes after itself"),
    ],
)
def test_pages_lead_nowhere_else_and_end(declared: Callable[..., Run], service: Service, following: str, sentence: str) -> None:
    run = declared(3)
    page = f"{service.address}/{ROOT[3]}/TypedDataSet?$format=json&$filter=WijkenEnBuurten%20eq%20'NL00%20%20%20%20%20%20'"
    service.changed(3, "TypedDataSet", lambda content: content.update({"odata.nextLink": following.replace("{page}", page)}))
    with pytest.raises(NotFetched, match=sentence):
        fetch(run)


def test_rows_of_another_region_are_refused(declared: Callable[..., Run], service: Service) -> None:
    run = declared(3)
    service.changed(3, "TypedDataSet", lambda content: content["value"][0].update(WijkenEnBuurten="GM0363    "))
    with pytest.raises(NotFetched, match="gives rows of another WijkenEnBuurten than was asked for"):
        fetch(run)


@pytest.mark.parametrize(
    ("version", "filtered"), [(3, "WijkenEnBuurten eq 'NL00      '"), (4, "Measure eq 'M004200_2' and WijkenEnBuurten eq 'NL00'")]
)
def test_the_filter_has_the_keys_as_published(declared: Callable[..., Run], service: Service, version: int, filtered: str) -> None:
    fetch(declared(version))
    (first,) = {asked for asked in service.asked if re.search(r"(DataSet|Observations)\?", asked) and "skip" not in asked}
    assert parse_qs(urlsplit(first).query)["$filter"] == [filtered]


def test_a_key_that_is_gone_is_refused(declared: Callable[..., Run]) -> None:
    with pytest.raises(NotFetched, match="WijkenEnBuurten has no key NL01"):
        fetch(declared(3, where={"WijkenEnBuurten": "NL01"}))


def test_a_source_without_statline_is_taken_by_hand(declared: Callable[..., Run]) -> None:
    run = declared(3)
    source = load_external(run.jurisdiction, "police").model_copy(update={"statline": None})
    with pytest.raises(ConfigurationError, match=r"has no `statline`: take its figures from https://example.org/ by hand"):
        statline.fetch(run.jurisdiction, source)


def test_a_column_that_the_file_does_not_have_is_a_mistake(declared: Callable[..., Run]) -> None:
    run = declared(3, columns={"kind": "SoortMisdrijf"})
    with pytest.raises(ConfigurationError, match=r"statline.columns: it must say what crimes is called there"):
        load_external(run.jurisdiction, "police")
