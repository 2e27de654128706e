"""The releases over real HTTP: ranges, compression, caching, other origins, types; and what is never given."""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import duckdb_extension_httpfs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.servers import SERVERS, is_installed, serving

PAGE = "<!doctype html><title>the site</title>" + "figures " * 200


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    """Each server: `das serve`, and the sample configurations of others where these are installed."""
    if not is_installed(request.param):
        pytest.skip(f"{request.param} is not installed: its sample configuration is tried where it is")
    return request.param


@pytest.fixture(scope="module")
def port(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server of two releases, one of them live, with things beside and in them that nobody may see."""
    home = tmp_path_factory.mktemp("served")
    root = home / "releases"
    (home / "secret.csv").write_text("secret", encoding="utf-8")
    for name in ("2024-01-31.1", "2024-02-29.1"):
        for folder in ("site", "tables", "api/v1"):
            (root / name / folder).mkdir(parents=True)
        (root / name / "site" / "index.html").write_text(PAGE + name, encoding="utf-8")
        (root / name / "site" / "embed.html").write_text(PAGE + name, encoding="utf-8")
        (root / name / "site" / "static-0123").mkdir()
        (root / name / "site" / "static-0123" / "start.js").write_text("", encoding="utf-8")
        (root / name / "api" / "v1" / "tables.json").write_text("{}", encoding="utf-8")
        pq.write_table(pa.table({"n": range(1000)}), root / name / "tables" / "reports.parquet")
        (root / name / "tables" / "reports.csv").write_text("n\n" + "5\n" * 1000, encoding="utf-8")
        (root / name / "tables" / ".hidden.csv").write_text("hidden", encoding="utf-8")
        (root / name / "tables" / "linked.csv").symlink_to(home / "secret.csv")
        (root / name / "linked").symlink_to(home)
    (root / ".draft-1").mkdir()
    (root / ".draft-1" / "index.html").write_text("draft", encoding="utf-8")
    (root / "current").symlink_to("2024-02-29.1")
    (root / "feed.nl.atom").write_text("<feed/>", encoding="utf-8")
    (root / "citations.json").symlink_to(home / "secret.csv")
    with serving(server, home, tmp_path_factory.mktemp("server")) as port:
        yield port


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def test_a_release_never_changes_and_the_live_one_may(port: int) -> None:
    status, headers, body = ask(port, "/releases/2024-01-31.1/site/index.html")
    assert (status, headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
    assert body.endswith(b"2024-01-31.1")
    status, headers, body = ask(port, "/current/site/index.html")
    assert (status, headers["cache-control"]) == (200, "no-cache")
    assert body.endswith(b"2024-02-29.1")
    assert ask(port, "/current/site/index.html", If_None_Match=headers["etag"])[0] == 304


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/", "/current/site/index.html"),
        ("/api/v1/tables.json", "/current/api/v1/tables.json"),
        ("/tables/x.csv", "/current/tables/x.csv"),
        ("/site/a.html?q=1", "/current/site/a.html?q=1"),
    ],
)
def test_what_has_no_place_of_its_own_leads_to_the_live_release(port: int, path: str, target: str) -> None:
    status, headers, _ = ask(port, path)
    assert (status, headers["location"]) == (307, target)


def test_what_tells_of_all_releases_lies_beside_them(port: int) -> None:
    status, headers, body = ask(port, "/feed.nl.atom")
    assert (status, headers["content-type"], headers["cache-control"]) == (200, "application/atom+xml; charset=utf-8", "no-cache")
    assert body == b"<feed/>"
    assert ask(port, "/releases/feed.nl.atom") == ask(port, "/feed.nl.atom"), "where a page of an earlier release leads"


def test_a_link_beside_the_releases_is_not_followed(port: int, server: str) -> None:
    if server == "caddy":
        pytest.skip("caddy follows links, as its sample says")
    assert ask(port, "/citations.json")[0] in (307, 404)


def test_only_the_page_that_is_made_for_it_may_be_shown_in_another_site(port: int) -> None:
    for path, policy, options in (("index", "frame-ancestors 'none'", "DENY"), ("embed", "frame-ancestors *", None)):
        _, headers, _ = ask(port, f"/current/site/{path}.html?table=reports")
        assert (headers["content-security-policy"], headers.get("x-frame-options")) == (policy, options)


def test_what_is_named_for_its_content_is_kept(port: int) -> None:
    assert ask(port, "/current/site/static-0123/start.js")[1]["cache-control"] == "public, max-age=31536000, immutable"


def test_a_reader_gets_the_part_that_it_asks_for(port: int) -> None:
    whole = ask(port, "/current/tables/reports.parquet")
    assert whole[1]["accept-ranges"] == "bytes"
    status, headers, body = ask(port, "/current/tables/reports.parquet", Range="bytes=-8", Accept_Encoding="gzip")
    assert (status, headers["content-range"]) == (206, f"bytes {len(whole[2]) - 8}-{len(whole[2]) - 1}/{len(whole[2])}")
    assert body == whole[2][-8:]
    assert body.endswith(b"PAR1")
    assert ask(port, "/current/tables/reports.parquet", Range="bytes=999999-")[0] == 416
    assert ask(port, "/current/tables/reports.csv", Range="bytes=0-1", Accept_Encoding="gzip")[2] == b"n\n"


def test_text_is_compressed_when_the_reader_can_read_that(port: int, server: str) -> None:
    plain = ask(port, "/current/tables/reports.csv")
    status, headers, body = ask(port, "/current/tables/reports.csv", Accept_Encoding="gzip, br")
    assert (status, headers["content-encoding"], headers["vary"]) == (200, "gzip", "Accept-Encoding")
    assert gzip.decompress(body) == plain[2]
    assert len(body) < len(plain[2]) / 10
    assert server == "caddy" or headers["etag"] != plain[1]["etag"], "other bytes have another tag"  # caddy 2.6 gives them the same
    assert ask(port, "/current/tables/reports.csv", Accept_Encoding="gzip", If_None_Match=headers["etag"])[0] == 304
    assert "content-encoding" not in ask(port, "/current/tables/reports.parquet", Accept_Encoding="gzip")[1]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("tables/reports.parquet", "application/vnd.apache.parquet"),
        ("tables/reports.csv", "text/csv; charset=utf-8"),
        ("site/index.html", "text/html; charset=utf-8"),
        ("api/v1/tables.json", "application/json"),
    ],
)
def test_a_file_has_its_type_and_every_answer_its_protection(port: int, path: str, kind: str) -> None:
    status, headers, body = ask(port, f"/current/{path}", "HEAD")
    assert (status, headers["content-type"], body) == (200, kind, b"")
    assert headers["access-control-allow-origin"] == "*"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a_page_of_another_origin_may_read_ranges(port: int) -> None:
    status, headers, _ = ask(
        port, "/current/tables/reports.parquet", "OPTIONS", Origin="https://a.example", Access_Control_Request_Method="GET"
    )
    assert status == 204
    assert "Range" in headers["access-control-allow-headers"]
    assert "Content-Range" in headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "path",
    [
        "/current/",
        "/current/tables",
        "/current/tables/",
        "/releases/2024-01-31.1/",
        "/current/tables/linked.csv",
        "/current/linked/secret.csv",
        "/current/tables/.hidden.csv",
        "/releases/.draft-1/index.html",
        "/releases/current/site/index.html",
        "/current/../../secret.csv",
        "/current/%2e%2e/%2e%2e/secret.csv",
        "/current/..%2f..%2fsecret.csv",
        "/current//tables/reports.csv",
        "/current/tables/%00",
        "/releases/2099-01-31.1/site/index.html",
    ],
)
def test_nothing_but_files_of_a_release_is_given(port: int, server: str, path: str) -> None:
    if server == "caddy" and "linked" in path:
        pytest.skip("caddy follows links, as its sample says: the auditor lets none into a release")
    if server == "caddy" and "//" in path:
        pytest.skip("caddy reads // as /")
    status, headers, body = ask(port, path)
    is_odd = server != "das serve" and (".." in path or "%" in path)  # refused before the configuration is read, or made a plain path
    assert status in ({307, 400, 404} if is_odd else {404})
    assert is_odd or headers["x-content-type-options"] == "nosniff"
    assert not any(word in body for word in (b"secret", b"hidden", b"draft", b"reports"))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_files_can_only_be_read(port: int, method: str) -> None:
    assert ask(port, "/current/site/index.html", method)[0] == 405


def test_duckdb_reads_a_table_from_the_server(port: int) -> None:
    """By the extension that reads over HTTP, which is a wheel of ours."""
    extensions = Path(duckdb_extension_httpfs.__file__).parent / "extensions"
    with duckdb.connect() as connection:
        connection.load_extension(str(extensions / f"v{duckdb.__version__}" / "httpfs.duckdb_extension"))
        url = f"http://127.0.0.1:{port}/current/tables/reports.parquet"
        assert connection.execute(f"SELECT SUM(n) FROM '{url}'").fetchall() == [(499500,)]
