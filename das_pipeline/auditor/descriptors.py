"""D18 on what programs read: every key of every JSON file and footer is declared, and so is its value."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import suppress
from typing import Any

import pyarrow as pa

from das_pipeline.auditor import beside, catalogs, citations, csvw, cubes, labelled, listing
from das_pipeline.auditor.declared import Declared, Limits
from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.release import Published, Table
from das_pipeline.auditor.texts import Vocabulary
from das_pipeline.gate import Verdict

FIX = "Find what wrote it there, and build the candidate again: a new key is declared in das_pipeline/auditor/descriptors.py first."
Check = Callable[[Any], bool]
Rules = Sequence[tuple[str, Check]]
HEXADECIMAL, PERSON = re.compile("[0-9a-f]{64}([0-9a-f]{64})?"), re.compile(r"[\w .@-]{1,60}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
SHA, SHORT = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{16}")
TEXT = re.compile("text_[a-z]{2,3}")  # a column with the text of a language
PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
LANGUAGE = "[a-z]{2,3}"
TYPES = {pa.string(): ("unicode", "str"), pa.int64(): ("int64", "Int64"), pa.bool_(): ("bool", "bool")}


class Descriptors:
    """The checks of values, with what was declared about this release. Files that are `in_form` have their bytes from elsewhere."""

    def __init__(self, release: Published, declared: Declared, limits: Limits, in_form: Set[str] = frozenset()) -> None:
        self.release, self.declared, self.limits, self.in_form = release, declared, limits, in_form
        self.words = Vocabulary([*declared.texts, *declared.codes])

    def text(self, value: Any) -> bool:
        return isinstance(value, str) and self.words.explains(value, {str(base) for base in self.limits.bases})

    def code(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.declared.codes

    def codes(self, value: Any) -> bool:
        return isinstance(value, str) and all(map(self.code, re.split("[ ,-]+", value)))

    def date(self, value: Any) -> bool:
        return value is None or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None and value <= self.as_of)

    def is_half(self, value: Any) -> bool:
        return value is None or (isinstance(value, float) and 0 <= value <= 100 and 2 * value % 1 == 0)

    def is_level(self, value: Any) -> bool:
        return isinstance(value, int) and self.limits.least_cells <= value <= self.most_cells

    @property
    def first_day(self) -> str:
        """Where the figures begin: somebody may be born before."""
        return f"{min((p[:4] for t in self.release.protected for p in t.rows['period'].unique().to_pylist()), default='')}-01-01"

    @property
    def most_cells(self) -> int:
        return 1000 * max((t.rows.num_rows for t in self.release.tables.values()), default=0)

    @property
    def as_of(self) -> str:
        return str(self.release.changes.get("as_of", ""))

    # -- files

    def package(self) -> Rules:
        release = self.release
        one_of = {t.facts["mapping_version"] for t in release.tables.values()}
        simulated = any(t.facts["is_simulated"] for t in release.tables.values())
        texts = f"(title|description)(_{LANGUAGE})?"
        return [
            (r"\$schema", is_one_of(PROFILE)),
            ("name", self.codes_after("das-")),
            (f"title(_{LANGUAGE})?|homepage|licenses/\\*/(name|title|path)|contributors/\\*/title|sources/\\*/(title|path)", self.text),
            ("contributors/\\*/roles/\\*", is_one_of("publisher")),
            ("version", is_one_of(release.changes.get("version"))),
            ("as_of", is_one_of(self.as_of)),
            ("is_simulated", is_one_of(simulated)),
            ("mapping_version", lambda value: {value} == one_of),
            (
                "resources/\\*/(name|path|format|mediatype|encoding|bytes|hash|is_simulated)",
                lambda _: True,
            ),  # one by one, in `resources`
            (f"resources/\\*/({texts}|(licenses|sources)/\\*/(name|title|path))", self.text),
            ("resources/\\*/dialect/delimiter", is_one_of(";", ",")),
            ("resources/\\*/dialect/lineTerminator", is_one_of("\r\n")),
            ("resources/\\*/schema/fields/\\*/name", lambda value: self.name(value) or self.text(value) or is_match(TEXT, value)),
            ("resources/\\*/schema/fields/\\*/title", lambda value: self.name(value) or is_match(TEXT, value)),
            ("resources/\\*/schema/fields/\\*/(type|unit|categories/\\*/value)|resources/\\*/schema/primaryKey/\\*", self.name),
            (f"resources/\\*/schema/fields/\\*/(description|categories/\\*/label(_{LANGUAGE})?)", self.text),
            ("resources/\\*/schema/fields/\\*/constraints/required", is_one_of(True)),
            ("resources/\\*/schema/fields/\\*/constraints/minimum", is_one_of(0)),
        ]

    def name(self, value: Any) -> bool:
        return self.code(value) or value in {"string", "integer", "boolean", "date", "n", "period", "period_kind", "status", "is_simulated"}

    def codes_after(self, prefix: str) -> Check:
        return lambda value: isinstance(value, str) and value.startswith(prefix) and self.code(value.removeprefix(prefix))

    def quality(self) -> Rules:
        return [
            ("as_of", is_one_of(self.as_of)),
            ("partners/\\*/partner|rules/\\*/name|tables/[^/]+/cubes/\\*", self.code),
            ("partners/\\*/state", is_one_of("on_time", "late", "missing")),
            ("partners/\\*/reference_on", lambda value: value is None or (self.date(value) and value >= self.first_day)),
            (f"partners/\\*/title/{LANGUAGE}", self.text),
            ("partners/\\*/(linked_pct|quarantined_pct)|unmapped_pct|rounding/[^/]+/moved_pct", self.is_half),
            ("rounding/[^/]+/base", is_one_of(*self.limits.bases)),
            ("rounding/[^/]+/levels/\\*/cells", self.is_level),
            ("rounding/[^/]+/levels/\\*/(mad|rmsd|max|p95|q95)", self.is_half),
            ("rounding/[^/]+/levels/\\*/by/[^/]+", self.code),
            ("partners|rounding|rounding/[^/]+/levels|rules", lambda value: value in ([], {})),
            ("tables/[^/]+/base", is_one_of(1, *self.limits.bases)),
            ("tables/[^/]+/cubes", lambda value: value == []),
            ("tables/[^/]+/is_simulated|rules/\\*/holds", is_one_of(True, False)),
            ("rules/\\*/rule", lambda value: isinstance(value, str) and re.fullmatch("[A-Z][0-9]{2}", value) is not None),
        ]

    def manifest(self) -> Rules:
        sha, short = (lambda value: is_match(SHA, value)), (lambda value: is_match(SHORT, value))
        sizes = {path: (self.release.folder / path).stat().st_size for path in self.release.paths}
        return [
            ("approval/by", is_one_of("policy", "two_persons")),
            ("approval/reason", self.text),
            ("approval/signatures", lambda value: value == []),
            ("approval/signatures/\\*/(signature|public_key)", lambda value: is_match(HEXADECIMAL, value)),
            ("approval/signatures/\\*/statement/action", is_one_of("review", "approve")),
            ("approval/signatures/\\*/statement/person", lambda value: is_match(PERSON, value)),
            ("approval/signatures/\\*/statement/at", lambda value: is_match(INSTANT, value)),
            ("approval/signatures/\\*/statement/release", is_one_of(self.release.json("manifest.json").get("release"))),
            ("approval/signatures/\\*/statement/manifest", sha),
            ("approval/signatures/\\*/statement/ledger_head", lambda value: value is None or short(value)),  # None: the ledger was empty
            ("approval/signatures/\\*/statement/reason", lambda value: isinstance(value, str) and not re.search(r"\d", value)),
            ("as_of", is_one_of(self.as_of)),
            ("version", is_one_of(self.release.changes.get("version"))),
            ("release", lambda value: is_match(re.compile(rf"{self.as_of}\.[0-9]{{1,3}}"), value)),
            ("is_simulated", is_one_of(self.release.package.get("is_simulated"))),
            ("(code|lock|jurisdiction/sha256|files/.+/sha256)", lambda value: value is None or sha(value)),
            ("jurisdiction/name", self.code),
            ("build|ledger_head|inputs/[a-z_]+/[a-z_0-9]+", lambda value: value is None or short(value)),
            ("files/.+/bytes", lambda value: value in sizes.values()),
            ("files/.+/derived", is_one_of(True)),
        ]

    # -- verdicts

    def judge(self) -> Verdict:
        faults: Counter[str] = Counter()
        of_files = {"datapackage.json": self.package(), "quality.json": self.quality()}
        if (
            self.release.folder / "manifest.json.sig"
        ).exists():  # a candidate is not signed yet, and the lake keeps a manifest of its own there
            of_files["manifest.json"] = self.manifest()
        for name, rules in of_files.items():
            path = self.release.folder / name
            if path.exists():
                faults[name] = self._wrong(path.read_bytes(), rules, is_in_form=name in self.in_form)
        for name in {"changes.json", "expectations.json"} - self.in_form:
            faults[name] += not is_canonical((self.release.folder / name).read_bytes()) if (self.release.folder / name).exists() else 0
        with suppress(AttributeError, LookupError, TypeError):  # it is not of its shape, which was counted
            faults["quality.json"] += self._wrong_keys()
        faults["datapackage.json"] += sum(not self._is_right(resource) for resource in self.release.package.get("resources", []))
        faults.update(catalogs.wrong(self.release, self.text, self.code))
        faults[listing.FILE] += listing.differs(self.release)
        faults.update(citations.wrong(self.release))
        faults.update(beside.wrong(self.release, self.text))
        faults["datapackage.json"] += len({*beside.NAMES} - {r["name"] for r in self.release.package.get("resources", [])})
        for name, table in self.release.tables.items():
            faults[f"tables/{name}{csvw.SUFFIX}"] += csvw.differs(table, self.release, self.declared.concept_uri)
            faults[f"tables/{name}.json"] += cubes.wrong(table, self.as_of, self.text, self.name_or_row)
            for code, forms in self.declared.languages.items():
                faults[f"tables/{name}.{code}.csv"] += labelled.differs(table, code, forms, self.words)
            faults[f"tables/{name}.parquet"] += self._wrong_footer(table) + (self.declared.tables.get(name) != table.facts["kind"])
        for name in set(self.declared.tables) - set(self.release.tables):
            faults[name] += 1
        return verdict("D18", "Every key of every file is declared, with its value", len(faults), faults, FIX)

    def _wrong(self, raw: bytes, rules: Rules, *, is_in_form: bool) -> int:
        content = json.loads(raw)
        wrong = 0 if is_in_form else int(not is_canonical(raw)) + repeated(content)
        checks: dict[str, Check | None] = {}  # thousands of places have one path
        for path, value in leaves(content):
            if path not in checks:
                checks[path] = next((check for pattern, check in rules if re.fullmatch(pattern, path)), None)
            check = checks[path]
            wrong += check is None or not check(value)
        return wrong

    def _wrong_keys(self) -> int:
        """Names of cubes, tables and levels that nobody declared, and levels that occur twice."""
        quality = self.release.quality
        wrong = sum(not self.code(cube) for cube in quality.get("rounding", {}))
        wrong += len(quality.get("tables", {}).keys() ^ self.release.tables.keys())
        wrong += sum(
            table.get("base") != self.release.tables[name].base
            for name, table in quality.get("tables", {}).items()
            if name in self.release.tables
        )
        for cube in quality.get("rounding", {}).values():
            by = [json.dumps(level["by"], sort_keys=True) for level in cube["levels"]]
            wrong += len(by) - len(set(by)) + sum(not self.code(key) and key != "period" for level in cube["levels"] for key in level["by"])
        return wrong

    def _is_right(self, resource: dict[str, Any]) -> bool:
        """Whether what a resource says of its file is so."""
        if not str(resource["path"]).startswith("tables/"):
            return beside.is_right(resource, self.release)
        name, _, extension = str(resource["path"]).removeprefix("tables/").partition(".")
        language, _, of_language = extension.rpartition(".")  # nl.csv: a file for people
        table, path = self.release.tables.get(name), self.release.folder / resource["path"]
        return (
            table is not None
            and path.is_file()
            and resource["name"] in {name, f"{name}-{language or extension}"}
            and (not language or language in self.declared.languages)
            and resource["format"] == of_language
            and resource["mediatype"] == self.declared.formats.get(of_language)
            and resource["encoding"] == "utf-8"
            and resource["bytes"] == path.stat().st_size
            and resource["is_simulated"] == table.facts["is_simulated"]
            and (bool(language) or _has_codes_of(resource, table))
        )

    def _wrong_footer(self, table: Table) -> int:
        schema = table.rows.schema
        facts = [
            ("table", is_one_of(table.name)),
            (f"(title|description|notes|source)/{LANGUAGE}", self.text),
            ("theme|kind|unit_of_count|dims/[^/]+/level", self.name_or_row),
            ("dims/[^/]+/scheme", lambda value: value is None or self.code(value)),
            ("base", is_one_of(1, *self.limits.bases)),
            ("method", is_one_of(self.declared.methods.get(table.name, "rounding"))),
            ("measures/\\*", is_one_of("n")),
            ("population/[^/]*", self.population),
            ("population", lambda value: value == {}),
            ("dims|shown", lambda value: value == {}),
            ("shown/[^/]+", self.code),
            ("counts", lambda value: value == "" or self.code(value)),
            ("is_balance", is_one_of(True, False)),
            ("is_simulated", is_one_of(True, False)),
            ("licence", self.text),
            ("as_of", is_one_of(self.as_of)),
            ("mapping_version", lambda value: is_match(re.compile("[0-9a-f]{12}"), value)),
        ]
        keys = {key.decode() for key in schema.metadata}
        wrong = len(keys - {"das", "pandas"}) + (json.loads(schema.metadata[b"das"]) != table.facts)
        wrong += sum(not any(re.fullmatch(p, path) and check(value) for p, check in facts) for path, value in leaves(table.facts))
        wrong += schema.metadata[b"das"] != json.dumps(table.facts, ensure_ascii=False).encode()
        wrong += schema.metadata[b"pandas"] != _pandas(schema)
        for field in schema:
            for key, value in (field.metadata or {}).items():
                wrong += not self._is_field_right(key.decode(), value.decode())
        return wrong

    def name_or_row(self, value: Any) -> bool:
        return self.name(value) or value in {"row", "protected", "derived", "external", "step"}

    def population(self, value: Any) -> bool:
        return isinstance(value, str) and all(
            self.code(word.rstrip(",")) or word in {"each", "first", "last", "without"} for word in value.split(" ")
        )

    def _is_field_right(self, key: str, value: str) -> bool:
        if re.fullmatch(f"description_{LANGUAGE}", key):
            return self.text(value)
        if key == "unit":
            return self.name_or_row(value)
        if key != "codes" or not is_compact(value):
            return False
        return all(
            isinstance(o.get("code"), str) and self.name_or_row(o["code"]) and all(self.text(t) for t in o.values())
            for o in json.loads(value)
        )


def _has_codes_of(resource: dict[str, Any], table: Table) -> bool:
    """Whether the fields of a resource list the codes that the columns of the table list, in their order."""
    told = {f.name: json.loads((f.metadata or {}).get(b"codes", b"[]")) for f in table.rows.schema if f.type != pa.bool_()}
    codes = {name: [option["code"] for option in told.get(name, [])] for name in table.rows.column_names}
    return all([o["value"] for o in field.get("categories", [])] == codes.get(field["name"]) for field in resource["schema"]["fields"])


def leaves(content: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its path: `*` for a place in a list. An empty mapping or list is a value."""
    if isinstance(content, dict) and content:
        for key, value in content.items():
            yield from leaves(value, f"{path}/{key}" if path else str(key))
    elif isinstance(content, list) and content:
        for value in content:
            yield from leaves(value, f"{path}/*")
    else:
        yield path, content


def repeated(content: Any) -> int:
    """How many values of lists are there twice: how often something is said can be a count."""
    if isinstance(content, dict):
        return sum(map(repeated, content.values()))
    if not isinstance(content, list):
        return 0
    texts = [json.dumps(value, sort_keys=True) for value in content]
    return len(texts) - len(set(texts)) + sum(map(repeated, content))


def is_one_of(*values: Any) -> Check:
    """A check that a value is one of these, and of the same type."""
    return lambda value: any(value == v and type(value) is type(v) for v in values)


def is_match(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def is_canonical(raw: bytes) -> bool:
    """Whether these are the only bytes of this JSON content: no key twice, no space of its own, no number in another form."""
    return (
        raw.rstrip(b"\n") + b"\n" in {raw, raw + b"\n"}
        and raw.rstrip(b"\n") == json.dumps(json.loads(raw), sort_keys=True, ensure_ascii=False, indent=1).encode()
    )


def is_compact(value: str) -> bool:
    return value == json.dumps(json.loads(value), sort_keys=True, ensure_ascii=False)


def _pandas(schema: pa.Schema) -> bytes:
    """What pandas needs to know of the columns, which follows from their types."""
    columns = [
        {"name": f.name, "field_name": f.name, "metadata": None, "pandas_type": TYPES[f.type][0], "numpy_type": TYPES[f.type][1]}
        for f in schema
    ]
    content = {"index_columns": [], "column_indexes": [], "columns": columns, "pandas_version": "3.0.0"}
    return json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
