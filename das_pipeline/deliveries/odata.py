"""A table of an OData service, version 3 or 4, over HTTP: page after page, whole or not at all.

Servers of open data answer in ways that look like data: an error page with status 200, a file that breaks off, a page too few. Each of them
is refused here with what came. The addresses are public, so what a server says may be shown.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from decimal import Decimal
from email.message import Message
from typing import Any, Literal
from urllib.parse import quote, urlsplit, urlunsplit

from das_pipeline.errors import DasError

PAUSES = (1.0, 5.0)  # seconds before a request that failed on the server's side is made again
TIMEOUT = 60  # seconds without a byte
LARGEST = 2**28  # bytes of one answer
NEXT: Mapping[int, str] = {3: "odata.nextLink", 4: "@odata.nextLink"}


class NotFetched(DasError):
    """A service did not give what was asked of it. The text says what it gave, and what to do."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: a table at another address may be another table, so a person decides."""

    def redirect_request(self, *_: object, **__: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None


_OPENER = urllib.request.build_opener(_Stay)


def entities(address: str, version: Literal[3, 4], where: str = "") -> Iterator[dict[str, Any]]:
    """Yield the entities of a set, of all pages; `where` is a filter of OData. NotFetched when a page is not what it should be."""
    base = urlsplit(address)
    page, seen = _query(address, *(["$format=json"] if version == 3 else []), *_filter(where)), set[str]()
    while page:
        seen.add(page)
        content = document(page)
        if not isinstance(content.get("value"), list):
            raise NotFetched(f"{page} has no list of values: it is no set of OData {version}. Look at the address and version.")
        yield from content["value"]
        following = urlsplit(content.get(NEXT[version], ""))
        if following.netloc not in ("", base.netloc):
            raise NotFetched(f"{page} continues at {following.netloc}, which is another server: nothing is asked of it.")
        page = urlunsplit(following._replace(scheme=base.scheme)) if following.netloc else ""
        if page in seen:
            raise NotFetched(f"{page} comes after itself: the server's pages have no end. Try it later.")


def count(address: str, where: str = "") -> int:
    """Return how many entities the service says that a set has."""
    page = _query(f"{address}/$count", *_filter(where))
    text = _answer(page).decode("utf-8-sig", errors="replace").strip()
    if not text.isdigit():
        raise NotFetched(f"{page} answers {text[:80]!r}, which is no number.")
    return int(text)


def _query(address: str, *parameters: str) -> str:
    return f"{address}?{'&'.join(parameters)}" if parameters else address


def _filter(where: str) -> list[str]:
    return ["$filter=" + quote(where, safe="()'")] if where else []


def document(address: str) -> dict[str, Any]:
    """Return the JSON object at an address."""
    raw = _answer(address)
    try:
        content = json.loads(raw.decode("utf-8-sig"), parse_float=Decimal)
    except ValueError:
        begins = raw[:60].decode("utf-8", errors="replace").strip()
        raise NotFetched(f"{address} answers something that is no JSON, or breaks off: it begins with {begins!r}. Try it later.") from None
    if not isinstance(content, dict):
        raise NotFetched(f"{address} answers JSON that is no object: it is not of OData.")
    return content


def _answer(address: str) -> bytes:
    """Return the body of an answer. What fails on the server's side or on the way is tried again."""
    for pause in (*PAUSES, None):
        try:
            return _once(address)
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            status = error.code if isinstance(error, urllib.error.HTTPError) else None
            said = _said(error)
            if status is not None and status < 500:
                raise _refusal(address, status, error.headers if isinstance(error, urllib.error.HTTPError) else Message(), said) from None
            if pause is None:
                raise NotFetched(f"{address} fails, {len(PAUSES) + 1} times in a row: {said}. Try it later.") from None
        time.sleep(pause)
    raise AssertionError


def _once(address: str) -> bytes:
    request = urllib.request.Request(address, headers={"Accept": "application/json, text/plain"})
    with _OPENER.open(request, timeout=TIMEOUT) as response:
        body: bytes = response.read(LARGEST + 1)
        said = int(response.headers.get("Content-Length") or len(body))
    if len(body) > LARGEST:
        raise NotFetched(f"{address} answers more than {LARGEST:,} bytes. Ask for less, with `where`.")
    if len(body) < said:  # `read` with a limit does not notice
        raise http.client.IncompleteRead(body, said - len(body))
    return body


def _refusal(address: str, status: int, headers: Message, said: str) -> NotFetched:
    moved = headers.get("Location")
    if moved:
        return NotFetched(f"{address} has moved to {moved}. See whether that is the same table, and write its address in source.yaml.")
    if status in (404, 410):
        return NotFetched(f"{address} is not there ({said}). Look where the publisher has the table now, and write that in source.yaml.")
    return NotFetched(f"{address} refuses the request ({said}). Look at the columns and filters in source.yaml.")


def _said(error: Exception) -> str:
    """Return what the server says, in the form of OData 3 or 4 where it has one."""
    if not isinstance(error, urllib.error.HTTPError):
        return str(getattr(error, "reason", "")) or type(error).__name__
    try:
        content = json.loads(error.read(10_000).decode("utf-8-sig"))
        message = content["odata.error"]["message"]["value"] if "odata.error" in content else content["error"]["message"]
    except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
        return f"{error.code} {error.reason}"
    return f"{error.code} {error.reason}: {str(message)[:200]}"
