"""The releases over HTTP, as `das serve` and the samples in deploy/ give them.

`/releases/<id>/…` is a release, which never changes; `/current/…` the live one, and what has no place of its own, as `/site/…` and
`/api/…`, leads there. `/feed.<language>.atom` and `/citations.json` tell of all releases. Nothing else is given: no list of a folder,
nothing behind a link, nothing that begins with a dot.
"""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.staticfiles import NotModifiedResponse

CURRENT = "current"
FIRST_PAGE = f"/{CURRENT}/site/index.html"
TYPES = {
    ".atom": "application/atom+xml; charset=utf-8",
    ".bib": "application/x-bibtex; charset=utf-8",
    ".cff": "application/yaml",
    ".csv": "text/csv; charset=utf-8",
    ".duckdb": "application/octet-stream",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".parquet": "application/vnd.apache.parquet",
    ".pub": "text/plain; charset=utf-8",
    ".ris": "application/x-research-info-systems; charset=utf-8",
    ".sig": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttl": "text/turtle; charset=utf-8",
}
TEXTS = {".atom", ".csv", ".css", ".html", ".js", ".json", ".jsonld", ".svg", ".ttl"}  # gain from compression; Parquet is compressed inside
BESIDE = re.compile(r"feed\.[a-z]+\.atom|citations\.json")  # what lies beside the releases
FOR_A_YEAR, ASK_AGAIN = "public, max-age=31536000, immutable", "no-cache"
OF_EVERY_ANSWER = {
    "Access-Control-Allow-Origin": "*",  # the figures are open data: any page may read them
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Encoding, Content-Length, Content-Range, ETag",
    "Content-Security-Policy": "frame-ancestors 'none'",  # each page has the rest of its policy in itself
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
FRAMED = "/embed.html"  # the page of a site that other sites may show within theirs
OF_FRAMED = {"Content-Security-Policy": "frame-ancestors *"}
NAMED_FOR_CONTENT = "/static-"  # a folder of the site with other bytes has another name
PREFLIGHT = {
    "Access-Control-Allow-Headers": "Range, If-None-Match, If-Range",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Max-Age": "86400",
}


def app_of(root: Path) -> Starlette:
    """Return the application that serves the releases in the folder `root`."""

    async def release(request: Request) -> Response:
        return _file(request, root, request.path_params["release"], request.path_params["path"], FOR_A_YEAR)

    async def current(request: Request) -> Response:
        link = root / CURRENT
        if not link.is_symlink():
            raise HTTPException(404)
        path = request.path_params["path"]
        return _file(request, root, link.readlink().name, path, FOR_A_YEAR if NAMED_FOR_CONTENT in path else ASK_AGAIN)

    async def elsewhere(request: Request) -> Response:
        path = request.path_params["path"].removeprefix("releases/")  # as a page of a release that is not the live one links to it
        if BESIDE.fullmatch(path) and (root / path).is_file() and not (root / path).is_symlink():
            return _answer(request, root / path, path, ASK_AGAIN)
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/{CURRENT}/{path}{query}" if path else FIRST_PAGE, headers=OF_EVERY_ANSWER | {"Cache-Control": ASK_AGAIN})

    async def refused(_: Request, error: Exception) -> Response:
        code = error.status_code if isinstance(error, HTTPException) else 500
        text = {404: "There is no such file in the release.", 405: "Files can only be read."}.get(code, "")
        return Response(text, code, OF_EVERY_ANSWER | {"Cache-Control": ASK_AGAIN}, "text/plain")

    async def preflight(_: Request) -> Response:
        return Response(status_code=204, headers=OF_EVERY_ANSWER | PREFLIGHT)

    routes = [
        Route("/{path:path}", preflight, methods=["OPTIONS"]),
        Route("/releases/{release}/{path:path}", release),
        Route(f"/{CURRENT}/{{path:path}}", current),
        Route("/{path:path}", elsewhere),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: refused})


def _file(request: Request, root: Path, release: str, place: str, caching: str) -> Response:
    """Return the answer to a request for a file of a release."""
    return _answer(request, _inside(root, release, place), place, caching)


def _answer(request: Request, path: Path, place: str, caching: str) -> Response:
    """Return a file: whole, compressed, a range of it, or that it is as the reader has it."""
    headers = OF_EVERY_ANSWER | {"Cache-Control": caching}
    if place.endswith(FRAMED):
        headers = {name: value for name, value in headers.items() if name != "X-Frame-Options"} | OF_FRAMED
    media_type = TYPES.get(path.suffix)
    whole = FileResponse(path, headers=headers, media_type=media_type, stat_result=path.stat())
    if path.suffix not in TEXTS:
        return NotModifiedResponse(whole.headers) if _has_it(whole, request) else whole
    whole.headers["Vary"] = "Accept-Encoding"
    if "gzip" not in request.headers.get("accept-encoding", "") or "range" in request.headers:
        return NotModifiedResponse(whole.headers) if _has_it(whole, request) else whole
    compressed = Response(_compressed(path, path.stat().st_mtime_ns), headers=headers, media_type=media_type or whole.media_type)
    compressed.headers.update({"Content-Encoding": "gzip", "ETag": f'{whole.headers["etag"][:-1]}-gzip"', "Vary": "Accept-Encoding"})
    return NotModifiedResponse(compressed.headers) if _has_it(compressed, request) else compressed


def _inside(root: Path, release: str, place: str) -> Path:
    """Return the path of a file of a release; a 404 for anything else, a link and a folder included."""
    steps = [release, *place.split("/")]
    if not release[:1].isdigit() or any(step in ("", "..") or step.startswith(".") or "\\" in step or "\0" in step for step in steps):
        raise HTTPException(404)
    path = root
    for step in steps:
        path = path / step
        if path.is_symlink():
            raise HTTPException(404)
    if not path.is_file():
        raise HTTPException(404)
    return path


def _has_it(response: Response, request: Request) -> bool:
    """Whether the reader has the file already, by its tag."""
    tags = request.headers.get("if-none-match", "")
    return response.headers["etag"] in {tag.strip().removeprefix("W/") for tag in tags.split(",")}


@lru_cache(maxsize=256)
def _compressed(path: Path, changed: int) -> bytes:  # noqa: ARG001  (changed: another file, other bytes)
    return gzip.compress(path.read_bytes(), mtime=0)
