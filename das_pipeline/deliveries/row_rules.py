"""The gate rules over the lines of a delivery's files: one verdict per rule, over all files together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from das_pipeline.deliveries.account import judge_account
from das_pipeline.deliveries.gone_columns import probable_renames
from das_pipeline.deliveries.opened import Opened
from das_pipeline.gate import Verdict, share_exceeds
from das_pipeline.policy import Deliveries, Rows, WarnAndBlock

ROW_RULES = {
    "I03": "text in the declared character set",
    "I05": "whole lines with the declared fields",
    "K01": "rows with a key that is there and names one row",
    "K02": "numbers in their declared form",
    "K03": "rows whose parent is in the delivery or in force",
    "K06": "values that the contract allows",
    "K08": "dates between 1900 and the reference date plus the horizon",
}


def judge_rows(opened: Sequence[Opened], limits: Deliveries, replaced: str | None) -> list[Verdict]:
    """The verdicts over the lines that were read; `replaced` is the accepted delivery whose place this one takes."""
    return [
        *_judge_counts(opened),
        *(_judge_rule(rule, opened, limits) for rule in ROW_RULES),
        _judge_gone(opened),
        _judge_withdrawn(opened, limits.withdrawn),
        _judge_correction(opened, limits.correction, replaced),
        _judge_quarantine(opened, limits.quarantine_share),
        judge_account([o.account for o in opened]),
    ]


def _judge_counts(opened: Iterable[Opened]) -> list[Verdict]:
    """I01, after reading: lines and declared sums. A sum over lines that cannot be read only warns: those lines are in quarantine."""
    verdicts = []
    for o in opened:
        file = o.contract.file
        facts: dict[str, int | float | str] = {f"{file}_lines": o.lines, f"{file}_lines_declared": o.declared.lines}
        if o.lines != o.declared.lines:
            sentence = (
                f"{file} has {o.lines:,} lines, its manifest says {o.declared.lines:,}. Ask for the delivery again under the next number."
            )
            verdicts.append(Verdict("I01", False, sentence, facts=facts))
        for column, declared in sorted(o.declared.sums.items()):
            if o.sums.get(column) == declared:
                continue
            lines = o.unreadable.get(column, 0)
            sentence = (
                f"The sum of {file}.{column} is not the declared one, and {lines:,} lines of it could not be read."
                if lines
                else f"The sum of {file}.{column} is not the declared one. Compare the decimal mark and the lines with the sender."
            )
            verdicts.append(Verdict("I01", False, sentence, severity="warn" if lines else "block", facts=facts))
    return verdicts


def _judge_rule(rule: str, opened: Sequence[Opened], limits: Deliveries) -> Verdict:
    """A row rule: what breaks it is in quarantine; I03 blocks above a share, I05 when a file is cut off."""
    what = ROW_RULES[rule]
    lines = {o.contract.file: o.account.by_rule.get(rule, 0) for o in opened}
    total = sum(lines.values())
    blocks, failing = [], {}
    if rule == "I03":
        share = limits.undecodable_share
        wrong = [o for o in opened if share_exceeds(lines[o.contract.file], max(o.account.read, 1), share.block, share.min_rows)]
        again = "Ask the sender in which character set it was written."
        blocks = [f"{o.contract.file} is not {o.contract.format.encoding}. {again}" for o in wrong]
        failing = {o.contract.file: lines[o.contract.file] for o in wrong}
    if rule == "I05":
        blocks = [f"{o.contract.file} is cut off: its last line is incomplete. Ask for it again." for o in opened if o.is_truncated]
    if rule == "K06":
        blocks = [
            f"{o.contract.file}: {o.refusing:,} lines are wrong in a column for which the contract refuses the file."
            for o in opened
            if o.refusing
        ]
        failing = {o.contract.file: o.refusing for o in opened if o.refusing}
    listed = ", ".join(f"{file} {n:,}" for file, n in lines.items() if n)
    quarantined = (
        f"{total:,} {'line is' if total == 1 else 'lines are'} in quarantine ({listed}): not {what}. See the receipt for line numbers."
        if total
        else ""
    )
    return Verdict(
        rule,
        total == 0 and not blocks,
        " ".join([*blocks, quarantined]).strip() or f"All lines are {what}.",
        severity="block" if blocks else "warn",
        facts={f"{file}_{rule}": n for file, n in lines.items()},
        failing=failing,
    )


def _judge_gone(opened: Sequence[Opened]) -> Verdict:
    """I13: no column is empty or absent that was filled until now."""
    gone = [f"{o.contract.file}: {', '.join(o.gone)}" for o in opened if o.gone]
    if gone:
        sentence = (
            f"Columns that were filled until now are empty: {'; '.join(gone)}. {probable_renames(opened)}Ask for the file with them. When "
            "the partner renamed one, give its new name as path in the contract; when it is to be empty from now on, give empty_from."
        )
    else:
        sentence = "No column is empty that was filled until now."
    return Verdict("I13", not gone, sentence, facts={f"{o.contract.file}_columns_gone": len(o.gone) for o in opened})


def _judge_withdrawn(opened: Sequence[Opened], limit: Rows) -> Verdict:
    """I08: a complete file does not leave out more of what is in force than its contract allows."""
    beyond = [
        o for o in opened if o.in_scope and share_exceeds(o.account.absent, o.in_scope, o.contract.delivery.withdrawn_limit, limit.rows)
    ]
    held = [o.contract.file for o in opened if not o.infers]
    emptied = [o for o in opened if o.is_complete and o.account.absent and not o.account.read]
    if emptied and not beyond:
        listed = "; ".join(f"{o.contract.file} has no rows, and {o.account.absent:,} are in force" for o in emptied)
        sentence = f"{listed}: all of them would be withdrawn. Ask whether the file is complete; when it is, waive this rule for it."
    elif beyond:
        listed = "; ".join(f"{o.contract.file} leaves out {o.account.absent:,} of {o.in_scope:,} rows in force" for o in beyond)
        sentence = f"{listed}: more than the contract allows. Ask whether the file is complete."
    elif held:
        sentence = f"Keys in {', '.join(held)} cannot be read and may be the missing ones: nothing of it counts as withdrawn."
    else:
        sentence = "Complete files leave out no more of what is in force than their contracts allow."
    return Verdict(
        "I08",
        not beyond and not held and not emptied,
        sentence,
        severity="block" if beyond or emptied else "warn",
        facts={f"{o.contract.file}_absent": o.account.absent for o in opened},
        failing={o.contract.file: o.account.absent for o in beyond or emptied},
    )


def _judge_correction(opened: Sequence[Opened], limit: WarnAndBlock, replaced: str | None) -> Verdict:
    """I15: most rows of a delivery that takes the place of another are as they were."""
    other = {o.contract.file: o.account.accepted + o.account.absent + o.account.restored for o in opened} if replaced else {}
    of = {o.contract.file: other[o.contract.file] + o.account.duplicate for o in opened} if replaced else {}
    beyond = {file: rows for file, rows in other.items() if share_exceeds(rows, of[file], limit.block, limit.min_rows)}
    many = [file for file, rows in other.items() if rows > limit.warn * of[file]]
    listed = ", ".join(f"{other[file]:,} of {of[file]:,} rows of {file}" for file in beyond or many)
    if beyond:
        sentence = (
            f"{listed} are not as in {replaced}, which it replaces. Ask whether it is the right file; when it is, waive this rule for it."
        )
    elif many:
        sentence = f"{listed} are not as in {replaced}, which it replaces: compare the counts of both receipts."
    elif replaced:
        sentence = f"Most rows are as in {replaced}, which it replaces."
    else:
        sentence = "It takes the place of no accepted delivery."
    return Verdict(
        "I15",
        not many,
        sentence,
        severity="block" if beyond else "warn",
        facts={f"{file}_other": rows for file, rows in other.items()},
        failing=beyond,
    )


def _judge_quarantine(opened: Sequence[Opened], limit: WarnAndBlock) -> Verdict:
    """I12: the quarantined share of a file is small."""
    blocked = {
        o.contract.file: o.account.quarantined
        for o in opened
        if o.account.read and share_exceeds(o.account.quarantined, o.account.read, limit.block, limit.min_rows)
    }
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
        failing=blocked,
    )
