"""`dagster dev`, with a code server that is started again when it was killed: what `das ui` becomes.

Dagster 1.13.27 watches the process that passes requests on to the code server, but not the code server. When that is killed (the machine
ran out of memory), schedules and sensors, that of the alerts among them, stand still until somebody reloads the definitions in the UI.
This does so within half a minute.
"""

from __future__ import annotations

import json
import runpy
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from typing import Any

PAUSE = 10.0  # seconds between two looks
UNREACHABLE = "DagsterUserCodeUnreachableError"
LOOK = "{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError { ... on PythonError { className } } } } } }"
RELOAD = "mutation ($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) { __typename } }"


def keep_loaded(address: str) -> None:
    """Reload, for as long as the process lives, every code location of the webserver at `address` whose code server cannot be reached."""
    while True:
        time.sleep(PAUSE)
        # The webserver starts, or is too busy for a whole answer.
        with suppress(OSError, HTTPException, ValueError, LookupError, TypeError):
            for name in _unreachable(_ask(address, LOOK)):
                _ask(address, RELOAD, name=name)


def _unreachable(answer: dict[str, Any]) -> Iterator[str]:
    for entry in answer["data"]["workspaceOrError"].get("locationEntries", []):
        if (entry["locationOrLoadError"] or {}).get("className") == UNREACHABLE:
            yield entry["name"]


def _ask(address: str, query: str, **variables: str) -> dict[str, Any]:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


if __name__ == "__main__":
    own_address, *arguments = sys.argv[1:]
    threading.Thread(target=keep_loaded, args=(own_address,), daemon=True).start()
    sys.argv = ["dagster", "dev", *arguments]
    runpy.run_module("dagster", run_name="__main__")
