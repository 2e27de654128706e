"""D20: no file that is to be published has a word of an identifying value, but for words that the texts of the jurisdiction have too.

Nor do the days say anything of a person on which the periods of published tables begin and end: somebody is born on each of them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.gate import Verdict
from das_pipeline.linkage import count_identifying_words
from das_pipeline.periods import first_day, last_day
from das_pipeline.run import Run

WORD = re.compile(r"[^\W_]+")
TEXTS = {".html", ".svg", ".css", ".json", ".jsonld", ".ttl", ".csv"}
ADDRESS = re.compile(r"[0-9a-f]{16,}")  # hashes


def judge_words(run: Run, folder: Path, texts: Collection[str]) -> Verdict:
    """Judge every word, and every file's name, in `folder`. The words are compared in the identifying zone; counts alone come back."""
    declared = words_of("\n".join([*texts, *_days_of_periods(folder)]))
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    undeclared = _words_in(paths) - declared
    named: Mapping[str, int] = _count_named(run, {"": undeclared})
    if named:  # of most releases, none is: then nobody asks where
        named = _count_named(run, {place: _words_in({place: path}) - declared for place, path in paths.items()})
    sentence = (
        f"No word of {len(paths)} files is that of an identifying value."
        if not named
        else f"Identifying values may be in {', '.join(f'{place} ({n})' for place, n in list(named.items())[:8])}: find what wrote them."
    )
    return Verdict("D20", not named, sentence, facts={"words": len(undeclared), "named": sum(named.values())})


def _count_named(run: Run, words: Mapping[str, Collection[str]]) -> Mapping[str, int]:
    """Return how many of the words by place are those of identifying values, where any is."""
    rows = [(place, word) for place, of_place in words.items() for word in sorted(of_place)]
    columns = {name: pa.array([row[n] for row in rows], pa.string()) for n, name in enumerate(("place", "word"))}
    return count_identifying_words(run, pa.table(columns))


def _words_in(paths: Mapping[str, Path]) -> set[str]:
    """Return the words of files and of their names. What many lines or cells have is read once: nothing goes on behind their ends."""
    lines = {line for place, path in paths.items() for line in (place, *_text_of(path).split("\n"))}
    text = html.unescape("\n".join(lines))
    for end in '",<>/':
        text = text.replace(end, "\n")
    return words_of("\n".join(set(text.split("\n"))))


def _days_of_periods(folder: Path) -> set[str]:
    """Return the first and last days of all periods in the tables of a release."""
    tables = [path for path in sorted(folder.glob("tables/*.parquet")) if "period" in pq.read_schema(path).names]
    periods = {str(period) for path in tables for period in pq.read_table(path, columns=["period"])["period"].unique().to_pylist()}
    return {day.isoformat() for period in periods for day in (first_day(period), last_day(period))}


def words_of(text: str) -> set[str]:
    """Return the words and numbers of `text`, and its numbers of several parts without what divides them, in lower case."""
    text = ADDRESS.sub(" ", html.unescape(text).lower())
    joined = [re.sub(r"\D", "", number) for number in re.findall(r"\d+(?:[.\- ]\d+)+", text)]
    return {*WORD.findall(text), *joined}


def _text_of(path: Path) -> str:
    if path.suffix == ".parquet":
        schema = pq.read_schema(path)
        footers = [schema.metadata or {}, *(field.metadata or {} for field in schema)]
        return " ".join((key + b" " + value).decode("utf-8", "replace") for footer in footers for key, value in footer.items())
    return path.read_text(encoding="utf-8", errors="replace") if path.suffix in TEXTS else ""
