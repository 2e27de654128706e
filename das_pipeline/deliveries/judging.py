"""The gate rules of a delivery, from what was found in its files: one verdict per rule, over all files together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from das_pipeline.deliveries.account import FileAccount, judge_account
from das_pipeline.deliveries.checking import Header
from das_pipeline.deliveries.contract import Contract, Partner
from das_pipeline.deliveries.landing import Accepted, DeliveredFile, Landed, Manifest, Window, order
from das_pipeline.deliveries.unpacking import NotReadable
from das_pipeline.gate import Verdict, share_exceeds
from das_pipeline.policy import Deliveries, Rows, WarnAndBlock


@dataclass
class Opened:
    """What was found in one delivered file."""

    contract: Contract
    said: DeliveredFile
    header: Header
    account: FileAccount
    lines: int = 0
    is_truncated: bool = False
    sums: Mapping[str, Decimal] = field(default_factory=dict)
    unreadable: Mapping[str, int] = field(default_factory=dict)  # lines on which a summed column could not be read
    refusing: int = 0  # lines with a fault in a column whose contract says on_error: refuse
    in_scope: int = 0  # rows in force for which the file is complete
    infers: bool = True  # whether what is left out counts as withdrawn
    problem: NotReadable | None = None  # why it could not be read to its end
    gone: tuple[str, ...] = ()  # columns with nothing in them that were always filled before


ROW_RULES = {
    "I03": "text in the declared character set",
    "I05": "whole lines with the declared fields",
    "K01": "rows with a key that is there and names one row",
    "K02": "numbers in their declared form",
    "K03": "rows whose parent is in the delivery or in force",
    "K06": "values that the contract allows",
    "K08": "dates between 1900 and the reference date plus the horizon",
}


def judge_order(manifest: Manifest, before: Sequence[Accepted], *, is_delta: bool) -> Verdict:
    """I09: the delivery is the next one of its partner."""
    place, reason = order(manifest, before, is_delta=is_delta)
    return Verdict(
        "I09",
        place == "next",
        reason or "The delivery is the next one of its partner.",
        facts={"sequence": manifest.sequence, "accepted_before": len(before)},
    )


def judge_manifest(known: Landed, contracts: Sequence[Contract]) -> Verdict:
    """I01, before reading: the bytes are those that the sender described. Lines and sums follow when the file is read."""
    files = known.manifest.files
    different = [f.name for f in files if f.name in known.objects and known.objects[f.name] != f.sha256]
    content = {c.file: {column.name: column.type for column in c.content} for c in contracts}
    odd = [f.file for f in files if isinstance(f.complete_for, Window) and content.get(f.file, {}).get(f.complete_for.column) != "date"]
    if different:
        sentence = (
            f"The bytes of {', '.join(different)} are not those that the manifest describes: the transfer broke, or the file was changed "
            "after the manifest. Ask for the delivery again under the next number."
        )
    elif odd:
        sentence = f"{', '.join(odd)} says that it is complete for a window on a column that is no date of its contract. Ask what is meant."
    else:
        sentence = "The hash of every file is what the manifest says."
    return Verdict(
        "I01",
        not different and not odd,
        sentence,
        facts={"files": len(files), "files_different": len(different)},
    )


def judge_set(known: Landed, partner: Partner) -> Verdict:
    """I02: the files that must come together are there."""
    listed = {f.file: f.name for f in known.manifest.files}
    missing = [file for file in partner.files if listed.get(file) not in known.objects]
    unknown = len(listed.keys() - set(partner.files))
    unlisted = len(known.objects.keys() - set(listed.values()))
    if missing:
        sentence = f"Of the files that must come together, {', '.join(missing)} are missing. Ask for the whole delivery again."
    elif unknown or unlisted:
        sentence = (
            f"{unknown} listed files have no contract and {unlisted} files are not in the manifest: they are landed and not read. "
            f"Ask {partner.partner} what they are."
        )
    else:
        sentence = f"All {len(partner.files)} files of the set are there."
    return Verdict(
        "I02",
        not missing and not unknown and not unlisted,
        sentence,
        severity="block" if missing else "warn",
        facts={"expected": len(partner.files), "missing": len(missing), "unknown": unknown, "unlisted": unlisted},
    )


def judge_repeat(manifest: Manifest, earlier: Iterable[Manifest], contracts: Sequence[Contract], limit: Rows) -> Verdict:
    """I07: a file of changes is not, byte for byte, one of another period. A register in which nothing changed is the same file.

    A few changes can be made again: a row that was withdrawn comes back. So many of them cannot.
    """
    header = {c.file: c.format.first_row - 1 for c in contracts if c.delivery.mode == "delta"}
    said = {f.file: f for f in manifest.files if f.file in header and f.lines > header[f.file]}
    repeated = {
        f.file: m.delivery
        for m in earlier
        if m.sequence != manifest.sequence
        for f in m.files
        if f.file in said and said[f.file].sha256 == f.sha256
    }
    listed = ", ".join(f"{file} (that of {delivery})" for file, delivery in sorted(repeated.items()))
    return Verdict(
        "I07",
        passed=not repeated,
        sentence=f"Files of an earlier period came again: {listed}. Ask for those of {manifest.reference_on}."
        if repeated
        else "No file of changes is one of an earlier period.",
        severity="block" if any(said[file].lines - header[file] >= limit.rows for file in repeated) else "warn",
        facts={"files": len(said), "repeated": len(repeated)},
    )


def judge_header(opened: Sequence[Opened]) -> Verdict:
    """I04: the columns of the contract are there, in any order; more columns than that are shown."""
    missing = [f"{o.contract.file}: {', '.join(o.header.missing)}" for o in opened if o.header.missing and o.problem is None]
    extra = [o.contract.file for o in opened if o.header.unknown]
    if missing:
        sentence = f"Columns are missing: {'; '.join(missing)}. Ask for the file with these columns, or change the contract from a date on."
    elif extra:
        sentence = f"{', '.join(extra)}: there are columns that the contract does not know, and they are not read. Ask what they are."
    else:
        sentence = "Every file has the columns of its contract."
    return Verdict(
        "I04",
        not missing and not extra,
        sentence,
        severity="block" if missing else "warn",
        facts={f"{o.contract.file}_unknown_columns": o.header.unknown for o in opened},
    )


def judge_form(opened: Sequence[Opened]) -> list[Verdict]:
    """I03 or I05 for each file that is not what its format says: no zip file, a damaged one, one that unpacks without end."""
    return [Verdict(o.problem.rule, False, f"{o.contract.file} {o.problem}") for o in opened if o.problem]


def judge_rows(opened: Sequence[Opened], limits: Deliveries) -> list[Verdict]:
    """The verdicts over the lines that were read."""
    return [
        *_judge_counts(opened),
        *(_judge_rule(rule, opened, limits) for rule in ROW_RULES),
        _judge_gone(opened),
        _judge_withdrawn(opened),
        _judge_quarantine(opened, limits.quarantine_share),
        judge_account([o.account for o in opened]),
    ]


def _judge_counts(opened: Iterable[Opened]) -> list[Verdict]:
    """I01, after reading: lines and declared sums. A sum over lines that cannot be read only warns: those lines are in quarantine."""
    found = []
    for o in opened:
        file = o.contract.file
        facts: dict[str, int | float | str] = {f"{file}_lines": o.lines, f"{file}_lines_declared": o.said.lines}
        if o.lines != o.said.lines:
            sentence = (
                f"{file} has {o.lines:,} lines, its manifest says {o.said.lines:,}. Ask for the delivery again under the next number."
            )
            found.append(Verdict("I01", False, sentence, facts=facts))
        for column, declared in sorted(o.said.sums.items()):
            if o.sums.get(column) == declared:
                continue
            lines = o.unreadable.get(column, 0)
            sentence = (
                f"The sum of {file}.{column} is not the declared one, and {lines:,} lines of it could not be read."
                if lines
                else f"The sum of {file}.{column} is not the declared one. Compare the decimal mark and the lines with the sender."
            )
            found.append(Verdict("I01", False, sentence, severity="warn" if lines else "block", facts=facts))
    return found


def _judge_rule(rule: str, opened: Sequence[Opened], limits: Deliveries) -> Verdict:
    """A row rule: what breaks it is in quarantine; I03 blocks above a share, I05 when a file is cut off."""
    what = ROW_RULES[rule]
    lines = {o.contract.file: o.account.by_rule.get(rule, 0) for o in opened}
    total = sum(lines.values())
    blocks = []
    if rule == "I03":
        share = limits.undecodable_share
        blocks = [
            f"{o.contract.file} is not {o.contract.format.encoding}. Ask the sender in which character set it was written."
            for o in opened
            if share_exceeds(lines[o.contract.file], max(o.account.read, 1), share.block, share.min_rows)
        ]
    if rule == "I05":
        blocks = [f"{o.contract.file} is cut off: its last line is not whole. Ask for it again." for o in opened if o.is_truncated]
    if rule == "K06":
        blocks = [
            f"{o.contract.file}: {o.refusing:,} lines are wrong in a column for which the contract refuses the file."
            for o in opened
            if o.refusing
        ]
    listed = ", ".join(f"{file} {n:,}" for file, n in lines.items() if n)
    quarantined = f"{total:,} lines are in quarantine ({listed}): not {what}. See the receipt for line numbers." if total else ""
    return Verdict(
        rule,
        total == 0 and not blocks,
        " ".join([*blocks, quarantined]).strip() or f"All lines are {what}.",
        severity="block" if blocks else "warn",
        facts={f"{file}_{rule}": n for file, n in lines.items()},
    )


def _judge_gone(opened: Sequence[Opened]) -> Verdict:
    """I13: no column is empty that was filled in each of the deliveries before."""
    gone = [f"{o.contract.file}: {', '.join(o.gone)}" for o in opened if o.gone]
    return Verdict(
        "I13",
        passed=not gone,
        sentence=f"There is nothing in columns that were filled until now: {'; '.join(gone)}. Ask for the file with them."
        if gone
        else "No column is empty that was filled until now.",
        facts={f"{o.contract.file}_columns_gone": len(o.gone) for o in opened},
    )


def _judge_withdrawn(opened: Sequence[Opened]) -> Verdict:
    """I08: a complete file does not leave out more of what is in force than its contract allows."""
    beyond = [
        f"{o.contract.file} leaves out {o.account.absent:,} of {o.in_scope:,} rows in force"
        for o in opened
        if o.in_scope and share_exceeds(o.account.absent, o.in_scope, o.contract.delivery.withdrawn_limit)
    ]
    held = [o.contract.file for o in opened if not o.infers]
    if beyond:
        sentence = f"{'; '.join(beyond)}: more than the contract allows. Ask whether the file is complete."
    elif held:
        sentence = f"Keys in {', '.join(held)} cannot be read and may be what it leaves out: nothing of it counts as withdrawn."
    else:
        sentence = "Complete files leave out no more of what is in force than their contracts allow."
    return Verdict(
        "I08",
        not beyond and not held,
        sentence,
        severity="block" if beyond else "warn",
        facts={f"{o.contract.file}_absent": o.account.absent for o in opened},
    )


def _judge_quarantine(opened: Sequence[Opened], limit: WarnAndBlock) -> Verdict:
    """I12: the quarantined share of a file is small."""
    blocked = [
        o.contract.file
        for o in opened
        if o.account.read and share_exceeds(o.account.quarantined, o.account.read, limit.block, limit.min_rows)
    ]
    warned = [o.contract.file for o in opened if o.account.read and o.account.quarantined / o.account.read > limit.warn]
    if blocked:
        sentence = (
            f"More than {limit.block:.0%} of {', '.join(blocked)} is in quarantine: the file or its contract is wrong. See the receipt."
        )
    elif warned:
        sentence = f"More than {limit.warn:.1%} of {', '.join(warned)} is in quarantine. See the receipt."
    else:
        sentence = "The share in quarantine is small."
    return Verdict(
        "I12",
        not blocked and not warned,
        sentence,
        severity="block" if blocked else "warn",
        facts={f"{o.contract.file}_quarantined": o.account.quarantined for o in opened},
    )
