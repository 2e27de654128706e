"""What changed between two versions of a contract: which changes break files that were right before, and the version that asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from das_pipeline.deliveries import Column, Contract
from das_pipeline.jurisdiction import Jurisdiction

TEXTS = ("title", "description", "owner", "purpose")  # what no reader of a file depends on
FIXED = ("partner", "file", "unit", "unit_key", "sub_key", "temporality")


@dataclass(frozen=True)
class Change:
    """One change. A breaking one makes a file wrong that was right, or gives a value another meaning."""

    where: str
    what: str
    is_breaking: bool


@dataclass(frozen=True)
class Comparison:
    """The changes from one contract to another, and whether the new version number says what they do."""

    changes: Sequence[Change]
    old: str
    new: str

    @property
    def is_breaking(self) -> bool:
        """Whether a file that was right is wrong now, or means something else."""
        return any(change.is_breaking for change in self.changes)

    @property
    def needed(self) -> str:
        """The smallest version that says what changed."""
        major, minor, patch = _numbers(self.old)
        if self.is_breaking:
            return f"{major + 1}.0.0"
        if any(change.where for change in self.changes):
            return f"{major}.{minor + 1}.0"
        return f"{major}.{minor}.{patch + 1}" if self.changes else self.old

    @property
    def is_enough(self) -> bool:
        return _numbers(self.new) >= _numbers(self.needed)


def load_contract(file: Path) -> Contract:
    """Return one contract, without the jurisdiction around it; ConfigurationError has every mistake in it."""
    return Jurisdiction(file.parent, reads=(file.name,)).load(file.name, Contract)


def compare(old: Contract, new: Contract) -> Comparison:
    """Return what changed from `old` to `new`."""
    return Comparison(list(_changes(old, new)), old.version, new.version)


def where_to_keep(old: Contract, new: Contract, comparison: Comparison) -> str:
    """Return what to do with the old version when the new one breaks its files; nothing when both say already when they are valid."""
    if not comparison.is_breaking or (old.until is not None and old.until == new.since):
        return ""
    return (
        f"Deliveries of before the change still need the old version: keep it as contracts/{old.partner}/{old.file}.v{old.major}.yaml with "
        f"`until: <day>`, and give the new one in {new.file}.yaml `since: <day>`: the reference date from which files are as it says."
    )


def _changes(old: Contract, new: Contract) -> Iterator[Change]:
    for key in FIXED:
        yield from _changed("contract", key, getattr(old, key), getattr(new, key), is_breaking=True)
    for part in ("format", "delivery"):
        before, after = getattr(old, part), getattr(new, part)
        for key in type(before).model_fields:
            yield from _changed(part, key, getattr(before, key), getattr(after, key), is_breaking=_breaks(part, key, before, after))
    for relation in new.relations:
        if relation not in old.relations:
            yield Change("relations", f"a row now needs its row in {relation.to}", is_breaking=True)
    for relation in old.relations:
        if relation not in new.relations:
            yield Change("relations", f"a row no longer needs its row in {relation.to}", is_breaking=False)
    for name in sorted(old.by_name.keys() - new.by_name.keys()):
        yield Change(f"column {name}", "it is gone: keep it with `until`, so that earlier files stay right", is_breaking=True)
    for column in new.columns:
        if column.name not in old.by_name:
            what = f"it is new, from {column.since} on" if column.since else "it is new: give `since`, or files without it are refused"
            yield Change(f"column {column.name}", what, is_breaking=column.since is None)
        else:
            yield from _changes_of(old.by_name[column.name], column)
    for key in TEXTS:
        if getattr(old, key) != getattr(new, key):
            yield Change("", f"{key} is another text", is_breaking=False)


def _changes_of(old: Column, new: Column) -> Iterator[Change]:
    for key in Column.model_fields:
        if key == "description":
            if old.description != new.description:
                yield Change("", f"the description of {new.name} is another text", is_breaking=False)
            continue
        before, after = getattr(old, key), getattr(new, key)
        yield from _changed(f"column {new.name}", key, before, after, is_breaking=_is_narrower(key, before, after))


def _changed(where: str, key: str, before: object, after: object, *, is_breaking: bool) -> Iterator[Change]:
    if before != after:
        yield Change(where, f"{key}: {_shown(before)} became {_shown(after)}", is_breaking)


def _is_narrower(key: str, before: object, after: object) -> bool:
    """Whether a value that was right may be wrong now, or mean something else."""
    if key in {"formats", "null_tokens", "true_tokens", "false_tokens", "sentinels"}:
        return not set(_listed(before)) <= set(_listed(after))
    if key == "one_of":
        return (bool(_listed(after)) and not set(_listed(before)) <= set(_listed(after))) or (bool(_listed(after)) and not _listed(before))
    if key in {"range", "length"}:
        return _is_smaller(before, after)
    if key in {"required", "horizon_days", "on_error", "until", "empty_from"}:
        wider = {"required": after is False, "horizon_days": _number(after) >= _number(before)}
        return not {**wider, "on_error": after == "warn" or before == "refuse", "until": True, "empty_from": True}[key]
    return True  # any other change gives the value another meaning, place or protection


def _is_smaller(before: object, after: object) -> bool:
    if after is None:
        return False
    if before is None:
        return True
    return _listed(after)[0] > _listed(before)[0] or _listed(after)[1] < _listed(before)[1]


def _breaks(part: str, key: str, before: object, after: object) -> bool:
    if (part, key) == ("delivery", "withdrawn_limit"):
        return _number(getattr(after, key)) < _number(getattr(before, key))
    return True


def _listed(value: object) -> tuple:
    return tuple(value) if isinstance(value, tuple) else ()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _shown(value: object) -> str:
    return "none" if value is None else f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)


def _numbers(version: str) -> tuple[int, int, int]:
    major, minor, patch = map(int, version.split("."))
    return major, minor, patch
