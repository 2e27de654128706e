"""Replay: a partner's landed deliveries taken in again, after its contract was corrected.

They are taken in from the landed originals into a home of its own, in the order and as known on the days of the first time. The result
takes the place of the live version at once, or not at all.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from das_pipeline import engine
from das_pipeline.deliveries import landing
from das_pipeline.deliveries.account import create_account
from das_pipeline.deliveries.intake import take_in
from das_pipeline.deliveries.landing import Landed
from das_pipeline.deliveries.pending import pending
from das_pipeline.disk import move, replace_file, sync_folder
from das_pipeline.errors import DasError, DeliveryRefused, LakeError, unknown_name
from das_pipeline.gate import GateFailed
from das_pipeline.known_keys import claim_home
from das_pipeline.lake import POINTER, Lake, Version, canonical, verify
from das_pipeline.run import Run


@dataclass(frozen=True)
class Replayed:
    """What a replay changed: the version that is live now, and the names of deliveries by what became of them."""

    version: Version
    taken_in: tuple[str, ...]
    refused: tuple[str, ...]


def replay(run: Run, partner: str, from_delivery: str | None = None) -> Replayed:
    """Take in again what a partner delivered, accepted and refused, from `from_delivery` on; else all of it.

    Rows are known from the day on which they would have become known. Records keep their numbers, by which linkage knows them. DasError
    when a delivery that is in force would be refused now: then nothing changes.
    """
    if partner not in run.jurisdiction.partners:
        raise unknown_name("partner", partner, run.jurisdiction.partners)
    table = f"deliveries/{partner}"
    with run.lake.lock(table), engine.errors_of_engine(table):
        live = run.lake.current(table)
        base, again = _split(run, partner, live, from_delivery)
        prefix = f".replay-{partner}-"
        for left in run.settings.home.glob(f"{prefix}*"):  # by a process that was killed: a living one would hold the lock
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(dir=run.settings.home, prefix=prefix) as folder:
            aside = _home_aside(run, Path(folder), partner, again)
            _begin_from(aside, table, run.lake.root(table), live, base)
            refused = [name for name, is_accepted in _take_in_again(aside, partner) if not is_accepted]
            version = _require_nothing_lost(run, aside, partner)
            promoted = _adopt(run, aside, version, live)
            _record_refusals(run, aside, partner, again)
    names = [original.manifest.delivery for original in again]
    return Replayed(promoted, tuple(n for n in names if n not in refused), tuple(refused))


def _place(original: Landed) -> tuple[int, date, str]:
    """The place of a delivery among those of its partner."""
    return original.manifest.sequence, original.manifest.delivered_on, original.manifest.delivery


def _split(run: Run, partner: str, live: Version | None, from_delivery: str | None) -> tuple[Version | None, list[Landed]]:
    """The version to begin from (None: from nothing), and the landed deliveries to take in again."""
    originals = sorted(landing.all_landed(run, partner), key=_place)
    if not originals:
        raise DeliveryRefused(f"{partner} has no landed delivery: there is nothing to replay.")
    first = originals[0] if from_delivery is None else landing.landed(run, partner, from_delivery)
    if first is None:
        names = ", ".join(o.manifest.delivery for o in originals)
        raise DeliveryRefused(f"{partner} {from_delivery} was never landed. Landed are {names}.")
    in_force = {a.delivery for a in landing.accepted(run, partner)}
    again = [o for o in originals if _place(o) >= _place(first)]
    if removed := [o for o in again if o.removed and o.manifest.delivery in in_force]:
        last = removed[-1]
        raise DasError(f"{partner} {last.manifest.delivery} {last.removed} Replay with --from a later delivery.")
    again = [o for o in again if not o.removed]  # what was refused and is removed stays refused
    if from_delivery is None:
        return None, again
    names, base = {o.manifest.delivery for o in again}, live
    try:
        while base is not None and any(a.delivery in names for a in landing.accepted_in(base.facts)):
            base = run.lake.version(base.table, base.previous) if base.previous else None
        if base is not None:
            verify(base)
    except LakeError:
        raise DasError(f"The version of {partner} before {from_delivery} is not kept any more: replay it from the start.") from None
    return base, again


def _home_aside(run: Run, home: Path, partner: str, again: list[Landed]) -> Run:
    """A run in a home of its own, which has the landing zone of the partner, without the refusals of what is taken in again."""
    aside = replace(run, settings=replace(run.settings, home=home, inbox=home / "inbox"), lake=Lake(home), as_of=date.max)
    aside.settings.inbox.mkdir()
    claim_home(aside.settings, aside.keys)
    shutil.copytree(landing.manifests_of(run, partner), landing.manifests_of(aside, partner))
    landing.landing_object(aside, "").symlink_to(landing.landing_object(run, ""))
    for original in again:
        landing.refusal_path(aside, partner, original.manifest.delivery).unlink(missing_ok=True)
    return aside


def _begin_from(aside: Run, table: str, kept: Path, live: Version | None, base: Version | None) -> None:
    """Make a version live aside that has what `base` has, and the record numbers of `live`. Files of kept versions are linked."""
    if live is None:
        return
    root = aside.lake.root(table)
    root.mkdir(parents=True)
    for version in (p for p in kept.iterdir() if p.is_dir() and not p.name.startswith(".")):
        (root / version.name).symlink_to(version)
    if base is not None:
        replace_file(root / POINTER, canonical({"version": base.id, "as_of": base.as_of}))
    with aside.begin(table) as draft, aside.connect() as connection:
        if base is not None:
            draft.adopt(base)
            draft.facts.update(base.facts)
        else:
            create_account(connection, None)
            draft.rows["account.parquet"] = engine.write_parquet(
                connection, "SELECT * FROM account", draft.path("account.parquet"), order_by="sequence, delivery, file"
            )
            draft.facts["deliveries"] = []
        draft.facts["replayed"] = live.id  # records may differ from those of the same deliveries before
        for name in [name for name in draft.adopted if name.startswith("keys/")]:
            del draft.adopted[name]
        draft.adopt(live, "keys/")
        basis = f"{base.inputs_hash if base is not None else ''} with the record numbers of {live.id}"
        sealed = aside.lake.seal(
            draft, as_of=live.as_of, inputs={}, inputs_hash=basis, encrypted=True, previous=base.id if base is not None else None
        )
        aside.lake.promote(sealed)


def _take_in_again(aside: Run, partner: str) -> Iterator[tuple[str, bool]]:
    """Take in what is ready until nothing is; the name of each delivery, and whether it was accepted."""
    while ready := [d for d in pending(aside) if d.partner == partner and d.state == "ready"]:
        try:
            take_in(aside, ready[0])
            yield ready[0].delivery, True
        except GateFailed:
            yield ready[0].delivery, False


def _require_nothing_lost(run: Run, aside: Run, partner: str) -> Version:
    """The version that the replay made; DasError when it has no more what is in force."""
    in_force, again = ({a.delivery for a in landing.accepted(r, partner)} for r in (run, aside))
    version = aside.lake.current(f"deliveries/{partner}")
    if version is None or in_force - again:
        lost = sorted(in_force - again) or [original.manifest.delivery for original in landing.all_landed(run, partner)]
        records = [record for delivery in lost if (record := landing.refusal(aside, partner, delivery)) is not None]
        reasons = " ".join(finding["sentence"] for record in records for finding in record["receipt"]["findings"] if finding["refuses"])
        raise DasError(
            f"With the contracts as they are now, {', '.join(lost)} of {partner} would be refused, and nothing has changed: correct the "
            f"contract and replay again. {reasons}"
        )
    return version


def _adopt(run: Run, aside: Run, version: Version, live: Version | None) -> Version:
    """Move the versions made aside to the home, and make the last one live in place of `live`."""
    root, target = aside.lake.root(version.table), run.lake.root(version.table)
    for folder in sorted(p for p in root.iterdir() if p.is_dir() and not p.is_symlink() and not p.name.startswith(".")):
        if not (target / folder.name).exists():
            move(folder, target / folder.name)
    promoted = replace(run.lake.version(version.table, version.id), follows=live.id if live is not None else None)
    verify(promoted)
    run.lake.promote(promoted)
    return promoted


def _record_refusals(run: Run, aside: Run, partner: str, again: list[Landed]) -> None:
    """Record the refusals as they are now."""
    for original in again:
        record = landing.refusal(aside, partner, original.manifest.delivery)
        path = landing.refusal_path(run, partner, original.manifest.delivery)
        if record is None:
            path.unlink(missing_ok=True)
        else:
            replace_file(path, canonical(record, indent=1))
    sync_folder(landing.manifests_of(run, partner))
