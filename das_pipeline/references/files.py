"""Files that nobody reads, and the tables of external sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from das_pipeline.deliveries import external_sources, load_external, load_partners, load_schedule
from das_pipeline.errors import ConfigurationError, Fault, did_you_mean, nearest
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.publication.definitions import ExternalTables
from das_pipeline.stages import READS
from das_pipeline.terminology import TOTAL, load_schemes

BESIDE = ("README*", "LICENSE*", "simulation/*")  # read by people, and by the simulated chain
IN_FOLDERS = {  # where a stage reads a whole folder, the files that it looks for
    "contracts": ("contracts/*/*.yaml", "contracts/*.csv"),
    "external": ("external/*/*",),
    "statistics": ("statistics/*.yaml",),
    "terminology": (
        *(f"terminology/{folder}/*.csv" for folder in ("canonical", "codes", "crosswalks", "mappings", "schemes")),
        *(f"terminology/{name}.csv" for name in ("scope_notes", "sign_offs", "terms")),
    ),
    "texts": ("texts/site.yaml", "texts/tables.yaml", "texts/words.yaml"),
}


def files_that_nobody_reads(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield files with a name that no stage looks for: misspelt, or left out of a list."""
    there = sorted(p.relative_to(jurisdiction.folder).as_posix() for p in jurisdiction.folder.rglob("*") if p.is_file())
    if not jurisdiction.partners:
        yield Fault(
            "contracts",
            0,
            "",
            "there is no contracts/<partner>/partner.yaml, so nothing is delivered. Is this the folder of a jurisdiction?",
        )
    expected = sorted({path for path in READS if "*" not in path} | {f for f in there if _is_read(f)})
    for file in there:
        if not _is_read(file) and not any(part.startswith(".") for part in file.split("/")):
            yield Fault(file, 0, "", f"no stage reads a file of this name. {did_you_mean(file, expected) or 'Rename or remove it.'}")
    for file in jurisdiction.files("contracts/*/*.yaml"):
        partner = file.split("/")[1]
        if partner not in jurisdiction.partners:
            yield Fault(file, 0, "", f"contracts/{partner} has no partner.yaml, so none of its files is read.")
    for name, partner in load_partners(jurisdiction).items():
        for file in jurisdiction.files(f"contracts/{name}/*.yaml"):
            stem = re.sub(r"(\.v\d+)?\.yaml$", "", file.rsplit("/", 1)[-1])
            if stem not in ("partner", "events", *partner.files):
                sentence = f"files of contracts/{name}/partner.yaml does not list {stem}, so nothing reads this file. Add it there."
                yield Fault(file, 0, "", sentence)


def calendars(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield wrong days in files of holidays, and such files that no partner names."""
    partners = load_partners(jurisdiction)
    for name in partners:
        try:
            load_schedule(jurisdiction, name)
        except ConfigurationError as error:
            yield from error.faults
    named = {partner.calendar.holidays for partner in partners.values() if partner.calendar}
    for file in jurisdiction.files("contracts/*.csv"):
        if file.removeprefix("contracts/") not in named:
            yield Fault(file, 0, "", "no partner.yaml names this file as calendar.holidays, so nothing reads it.")


def _is_read(file: str) -> bool:
    patterns = IN_FOLDERS.get(file.split("/")[0], READS) if "/" in file else READS
    return any(fnmatchcase(file, pattern) for pattern in (*patterns, *BESIDE))


def rates(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield rates per something that no external source counts."""
    sources = [load_external(jurisdiction, name) for name in external_sources(jurisdiction)]
    measures = {source.table: source.measure for source in sources}
    for file in jurisdiction.files("statistics/*.yaml"):
        content = jurisdiction.document(file).value()
        declared = content.get("rates") if isinstance(content, dict) else None
        for code, rate in declared.items() if isinstance(declared, dict) else ():
            place, source, measure = jurisdiction.place(file, "rates", code), rate["source"], rate["measure"]
            if source not in measures:
                yield (place / "source").fault(f"no external source makes a table {source}. {nearest(source, measures)}")
            elif measure != measures[source]:
                yield (place / "measure").fault(f"the source measures {measures[source]}, not {measure}.")


def external_tables(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield where an external source, or what is published of it, names something that is not there."""
    schemes = load_schemes(jurisdiction)
    for name in external_sources(jurisdiction):
        source = load_external(jurisdiction, name)
        place = jurisdiction.place(f"external/{name}/source.yaml")
        if not jurisdiction.path(f"external/{name}/{source.file}").is_file():
            there = [file.split("/")[-1] for file in jurisdiction.files(f"external/{name}/*") if not file.endswith(".yaml")]
            yield (place / "file").fault(f"external/{name}/{source.file} is missing. {nearest(source.file, there)}")
        coded = {c.name: c.concept.scheme for c in source.columns if c.concept} | {c.column: c.scheme for c in source.crosswalks}
        columns = {c.name for c in source.columns} | {c.column for c in source.crosswalks}
        for scheme in coded.values():
            columns |= set(schemes[scheme].levels) - {TOTAL} if scheme in schemes else set()
        file = f"external/{name}/tables.yaml"
        if not jurisdiction.path(file).is_file():
            continue
        for number, table in enumerate(jurisdiction.load(file, ExternalTables).tables):
            at = jurisdiction.place(file, "tables", number)
            if table.file != f"{source.table}.parquet":
                yield (at / "file").fault(f"the source makes {source.table}.parquet, not {table.file}.")
            if table.measure != source.measure:
                yield (at / "measure").fault(f"the source measures {source.measure}, not {table.measure}.")
            for dimension, (column, scheme, level) in table.dimensions.items():
                if column not in columns:
                    yield (at / "dimensions" / dimension / 0).fault(f"there is no column {column}. {nearest(column, columns)}")
                if scheme not in schemes:
                    yield (at / "dimensions" / dimension / 1).fault(f"there is no scheme {scheme}. {nearest(scheme, schemes)}")
                elif level not in schemes[scheme].levels:
                    levels = schemes[scheme].levels
                    yield (at / "dimensions" / dimension / 2).fault(f"scheme {scheme} has no level {level}. {nearest(level, levels)}")
