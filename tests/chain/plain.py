"""The chain in plain Python, one record at a time and for one date: what the SQL must equal. For units with one row of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from das_pipeline.chain import ChainModel, Unit

Row = Mapping[str, Any]


def events_and_spells(chain: ChainModel, unit: Unit, files: Mapping[str, Sequence[Row]], on: date) -> tuple[list[Row], list[Row]]:
    """The events and spell segments of `unit` as known on `on`."""
    known = {file: [r for r in rows if r["known_from"] <= on < r["known_until"]] for file, rows in files.items()}
    events: list[Row] = []
    spells: list[Row] = []
    for record_no in sorted({r["record_no"] for rows in known.values() for r in rows}):
        own = {file: [r for r in rows if r["record_no"] == record_no] for file, rows in known.items()}
        reported = _judged(chain, _reported(chain, unit, own))
        events += [{"record_no": record_no, **event} for event in reported]
        spells += [{"record_no": record_no, **spell} for spell in _paired(chain, reported)]
    return events, spells


def _reported(chain: ChainModel, unit: Unit, rows: Mapping[str, Sequence[Row]]) -> list[dict[str, Any]]:
    attributes: dict[str, Any] = dict.fromkeys(chain.attributes)
    for name, attribute in unit.attributes.items():
        candidates = sorted(rows[attribute.file], key=lambda r: _pick_key(attribute.pick, r))
        attributes[name] = candidates[0][attribute.column.name] if candidates else None
    reported = []
    for event in unit.reported:
        for row in rows[event.file]:
            if row[event.date] is not None and all(row[column] in values for column, values in event.when.items()):
                outcome = row[event.outcome.name] if event.outcome else None
                reported.append({"sub": row["sub"], "kind": event.kind, "occurred_on": row[event.date], "outcome": outcome, **attributes})
    return sorted(reported, key=lambda e: (e["occurred_on"], chain.order.index(e["kind"]), e["sub"]))


def _pick_key(pick: Sequence[str], row: Row) -> list[Any]:
    key: list[Any] = []
    for column in pick:
        value = row[column.removeprefix("-")]
        key += [value is None, 0 if value is None else -value if column.startswith("-") else value]
    return [*key, row["sub"]]


def _judged(chain: ChainModel, reported: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`reported`, in order, each with the rule it breaks and what it does to its spell."""
    roles = {kind: (spell, role) for spell, kind, role in chain.roles()}
    turned: dict[str, dict[str, Any]] = {}  # spell -> the last event that opens or closes it by its kind alone
    used: set[str] = set()  # spells that were reopened since then
    is_open: dict[str, bool] = {}
    for event in reported:
        event |= {"rule": None, "role": None}
        if _is_out_of_order(chain, event, reported):
            event["rule"] = "C01"
            continue
        if event["kind"] not in roles:
            continue
        name, role = roles[event["kind"]]
        spell = chain.spells[name]
        if event["kind"] in chain.reopeners(spell):
            last = turned.get(name)
            pair = (last["kind"], last["outcome"], event["kind"]) if last else None
            if name in used or pair not in [(r.kind, r.outcome, r.by) for r in spell.reopens]:
                continue
            used.add(name)
        elif role != "move":
            turned[name] = event
            used.discard(name)
        if (role == "entry") == is_open.get(name, False):
            event["rule"] = "C04"
        else:
            event["role"] = role
        if role != "move":
            is_open[name] = role == "entry"
    return reported


def _is_out_of_order(chain: ChainModel, event: Row, reported: Sequence[Row]) -> bool:
    across = list(chain.order_across)
    if event["kind"] not in across:
        return False
    earlier = across[: across.index(event["kind"])]
    firsts = [min(e["occurred_on"] for e in reported if e["kind"] == kind) for kind in earlier if any(e["kind"] == kind for e in reported)]
    return bool(firsts) and event["occurred_on"] < max(firsts)


def _paired(chain: ChainModel, reported: Sequence[Row]) -> list[dict[str, Any]]:
    roles = {kind: spell for spell, kind, _ in chain.roles()}
    spells: list[dict[str, Any]] = []
    for name in chain.spells:
        turns = [e for e in reported if e["role"] and roles[e["kind"]] == name]
        spell_no = segment_no = 0
        for turn, following in zip(turns, [*turns[1:], None], strict=False):
            if turn["role"] == "exit":
                continue
            spell_no, segment_no = (spell_no + 1, 1) if turn["role"] == "entry" else (spell_no, segment_no + 1)
            ends = (
                {"end_on": following["occurred_on"], "closed_by": following["kind"]} if following else {"end_on": None, "closed_by": None}
            )
            names = {"spell": name, "spell_no": spell_no, "segment_no": segment_no}
            state = {"start_on": turn["occurred_on"], "opened_by": turn["kind"], "state": turn["outcome"]}
            spells.append(names | state | ends | {a: turn[a] for a in chain.attributes})
    return spells
