"""Every mistake in the files of a jurisdiction, found before anything runs: what each loader says, and every name that leads nowhere.

A stage reads its own files and sees no others (`das_pipeline/stages.py`). What one stage's files say of another's is checked here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from das_pipeline.disk import replace_file
from das_pipeline.errors import ConfigurationError, Fault, Faults
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.references import exceptions, files, meanings, numbers, texts, totals
from das_pipeline.run import code_version

FOUND_SOUND = "jurisdiction.sound"  # in the home: the hash of the files that were found without a fault
LOOKS: tuple[Callable[[Jurisdiction], Iterator[Fault]], ...] = (
    files.files_that_nobody_reads,
    files.external_tables,
    files.rates,
    files.calendars,
    meanings.code_lists,
    meanings.coded_columns,
    meanings.values_of_events,
    numbers.linkage,
    numbers.limits,
    numbers.public_figures,
    totals.equal_totals,
    exceptions.waivers,
    texts.table_texts,
    texts.words,
    texts.braces,
    texts.breaks,
    texts.differences,
    texts.site,
)


def find_faults(jurisdiction: Jurisdiction) -> list[Fault]:
    """Return every fault in the files of `jurisdiction`, by file and line."""
    faults = Faults()
    for look in LOOKS:
        with faults.gathered():
            for fault in look(jurisdiction):
                faults.add(fault)
    return faults.found


def require_sound(jurisdiction: Jurisdiction, home: Path) -> None:
    """Raise ConfigurationError with every fault in the files of `jurisdiction`.

    The same files are not read again for the same home: it remembers their hash.
    """
    sound = hashlib.sha256(f"{jurisdiction.hash} {code_version()}".encode()).hexdigest()
    remembered = home / FOUND_SOUND
    if remembered.is_file() and remembered.read_text(encoding="ascii") == sound:
        return
    if faults := find_faults(jurisdiction):
        count = f"{len(faults)} mistakes" if len(faults) > 1 else "a mistake"
        listed = "\n".join(map(str, faults))
        raise ConfigurationError(f"{jurisdiction.folder} has {count}, so nothing runs:\n{listed}", faults)
    home.mkdir(parents=True, exist_ok=True)
    replace_file(remembered, sound.encode("ascii"))
