"""The gate rules of a delivery as a whole: its place in the order, its manifest, its set of files and their form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from das_pipeline.deliveries.contract import Contract
from das_pipeline.deliveries.gone_columns import probable_renames
from das_pipeline.deliveries.landing import Accepted, Landed
from das_pipeline.deliveries.manifest import Manifest, Window
from das_pipeline.deliveries.opened import Opened
from das_pipeline.deliveries.order import order
from das_pipeline.gate import Verdict
from das_pipeline.policy import Earlier


def judge_order(manifest: Manifest, before: Sequence[Accepted], impossible: str, *, is_delta: bool) -> Verdict:
    """I09: the delivery is the next one of its partner, and neither its date nor its number is `impossible`."""
    place, reason = order(manifest, before, is_delta=is_delta)
    return Verdict(
        "I09",
        place == "next" and not impossible,
        impossible or reason or "The delivery is the next one of its partner.",
        facts={"accepted_before": len(before)},
    )


def judge_manifest(original: Landed, contracts: Sequence[Contract]) -> Verdict:
    """I01, before reading: the bytes are those that the sender described. Lines and sums follow when the file is read."""
    files = original.manifest.files
    different = [f.name for f in files if f.name in original.objects and original.objects[f.name] != f.sha256]
    content = {c.file: {column.name: column.type for column in c.content} for c in contracts}
    odd = [f.file for f in files if isinstance(f.complete_for, Window) and content.get(f.file, {}).get(f.complete_for.column) != "date"]
    if different:
        sentence = (
            f"The bytes of {', '.join(different)} are not those that the manifest describes: the transfer broke, or the file was changed "
            "after the manifest. Ask for the delivery again under the next number."
        )
    elif odd:
        sentence = f"{', '.join(odd)} is declared complete for a window on a column that is not a date of its contract. Ask what is meant."
    else:
        sentence = "The hash of every file is what the manifest says."
    return Verdict(
        "I01",
        not different and not odd,
        sentence,
        facts={"files": len(files), "files_different": len(different)},
    )


def judge_set(original: Landed, contracts: Sequence[Contract]) -> Verdict:
    """I02: the files that must come together on the reference date are there: those that have a contract on it."""
    manifest = original.manifest
    listed = {f.file: f.name for f in manifest.files}
    expected = [contract.file for contract in contracts]
    missing = [file for file in expected if listed.get(file) not in original.objects]
    unknown = len(listed.keys() - set(expected))
    unlisted = len(original.objects.keys() - set(listed.values()))
    if not expected:
        sentence = (
            f"No contract of {manifest.partner} is valid on {manifest.reference_on}. Ask whether the date is right, or add a contract."
        )
    elif missing:
        sentence = f"Of the files that must come together, {', '.join(missing)} are missing. Ask for the whole delivery again."
    elif unknown or unlisted:
        sentence = (
            f"{unknown} listed files have no contract and {unlisted} files are not in the manifest: they are landed and not read. "
            f"Ask {manifest.partner} what they are."
        )
    else:
        sentence = f"All {len(expected)} files of the set are there."
    return Verdict(
        "I02",
        bool(expected) and not missing and not unknown and not unlisted,
        sentence,
        severity="block" if missing or not expected else "warn",
        facts={"expected": len(expected), "missing": len(missing), "unknown": unknown, "unlisted": unlisted},
    )


def judge_repeat(manifest: Manifest, earlier: Iterable[Manifest], contracts: Sequence[Contract], limit: Earlier) -> Verdict:
    """I07: a file of changes is not, byte for byte, one of another period. A register in which nothing changed is the same file.

    A few changes can occur again: a row that was withdrawn comes back. So many of them cannot.
    """
    header = {c.file: c.format.first_row - 1 for c in contracts if c.delivery.mode == "delta"}
    declared = {f.file: f for f in manifest.files if f.file in header and f.lines > header[f.file]}
    repeated = {
        f.file: m.delivery
        for m in earlier
        if m.sequence != manifest.sequence
        for f in m.files
        if f.file in declared and declared[f.file].sha256 == f.sha256
    }
    listed = ", ".join(f"{file} (that of {delivery})" for file, delivery in sorted(repeated.items()))
    return Verdict(
        "I07",
        passed=not repeated,
        sentence=f"Files of an earlier period came again: {listed}. Ask for those of {manifest.reference_on}."
        if repeated
        else "No file of changes is one of an earlier period.",
        severity="block" if any(declared[file].lines - header[file] >= limit.rows for file in repeated) else "warn",
        facts={"files": len(declared), "repeated": len(repeated)},
    )


def judge_header(opened: Sequence[Opened]) -> Verdict:
    """I04: the columns of the contract are there, in any order; more columns than that are shown."""
    missing = [f"{o.contract.file}: {', '.join(o.header.missing)}" for o in opened if o.header.missing and o.problem is None]
    extra = [o.contract.file for o in opened if o.header.unknown]
    if missing:
        sentence = (
            f"Columns are missing: {'; '.join(missing)}. {probable_renames(opened)}Ask for the file with these columns, or change the "
            "contract from a date on."
        )
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
    """I03 or I05 for each file that does not have its declared form, is damaged, or swells."""
    return [Verdict(o.problem.rule, False, f"{o.contract.file} {o.problem}") for o in opened if o.problem]
