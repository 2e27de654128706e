"""Bad input through the command line: a clear message, nothing lost, and the other partner goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.installation import Installation, installation
from tests.toy_deliveries import write_toy_deliveries

pytestmark = [pytest.mark.slow]


def first(made: Installation, partner: str) -> Path:
    return sorted((made.inbox / partner).iterdir())[0]


def truncate(made: Installation) -> None:
    path = first(made, "watch") / "reports.csv"
    path.write_bytes(path.read_bytes()[:-25])


def wrong_charset(made: Installation) -> None:
    """The partner writes another character set than the contract says, and its manifest agrees with its file."""
    folder = first(made, "watch")
    path = folder / "reports.csv"
    path.write_bytes(path.read_bytes().decode("utf-8").encode("utf-16"))
    declare(folder, path)


def empty(made: Installation) -> None:
    """Nothing but the header, and the manifest says so."""
    folder = first(made, "watch")
    path = folder / "reports.csv"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    declare(folder, path)


def no_manifest(made: Installation) -> None:
    (first(made, "watch") / "manifest.json").unlink()


def unknown_partner(made: Installation) -> None:
    first(made, "watch").parent.rename(made.inbox / "stranger")


def declare(folder: Path, path: Path) -> None:
    import hashlib

    content = path.read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (entry,) = (f for f in manifest["files"] if f["name"] == path.name)
    entry.update(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), lines=content.count(b"\n"), sums={})
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(truncate, "I01"), (wrong_charset, "I0"), (no_manifest, "manifest"), (unknown_partner, "stranger")],
)
def test_it_is_said_and_the_other_partner_goes_on(tmp_path: Path, spoil: Callable[[Installation], None], said: str) -> None:
    made = installation(tmp_path / "made")
    write_toy_deliveries(made.inbox)
    spoil(made)
    printed = made.das("run", "--as-of", "2024-01-31", code=1) + made.das("status")  # watch is required: without it the chain does not run
    assert said in printed
    assert made.live("deliveries/bench").rows > 0
    assert made.lake.current("deliveries/watch") is None


def test_an_empty_delivery_is_accounted_for(tmp_path: Path) -> None:
    made = installation(tmp_path / "made")
    write_toy_deliveries(made.inbox)
    empty(made)
    made.das("run", "--as-of", "2024-02-29")
    receipts = [name for name in made.live("deliveries/watch").files if name.startswith("receipts/") and name.endswith(".json")]
    first_receipt = json.loads(made.live("deliveries/watch").path(sorted(receipts)[0]).read_text(encoding="utf-8"))
    assert [f["read"] for f in first_receipt["files"]] == [0]
