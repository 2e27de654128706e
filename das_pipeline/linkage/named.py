"""Whether texts that are to leave the home name a person: they come to the identifying zone, and only counts go back."""

from __future__ import annotations

import pyarrow as pa

from das_pipeline import engine
from das_pipeline.deliveries import register_records
from das_pipeline.linkage.sources import delivered_contracts
from das_pipeline.run import Run

LEAST_LETTERS, LEAST_DIGITS = 5, 8  # shorter words and numbers occur by chance


def count_identifying_words(run: Run, words: pa.Table) -> dict[str, int]:
    """Return how many of `words` (place, word: lower case, letters and digits only) are words of an identifying value, by place.

    Any version of any record counts, whatever became of it. A value of several words counts by each of its words.
    """
    with run.connect(identifying=True) as connection, engine.errors_of_engine("identifying values"):
        connection.register("shown", words)
        connection.execute(
            f"CREATE TEMP TABLE asked AS SELECT DISTINCT place, word FROM shown WHERE length(word) >= {LEAST_LETTERS}"
            f" AND (NOT regexp_full_match(word, '[0-9]+') OR length(word) >= {LEAST_DIGITS})"
        )
        connection.execute("CREATE TEMP TABLE named (word VARCHAR)")
        for contract in delivered_contracts(run):
            columns = [f"CAST({engine.identifier(c.name)} AS VARCHAR)" for c in contract.direct]
            if not columns:
                continue
            view = register_records(run, connection, contract.partner, contract.file, half="direct")
            connection.execute(
                f"""
                INSERT INTO named
                WITH value AS (SELECT DISTINCT unnest([{", ".join(columns)}]) AS text FROM {view}),
                part AS (
                    SELECT unnest(regexp_split_to_array(lower(text), '[^\\p{{L}}\\p{{N}}]+')) AS word FROM value WHERE text IS NOT NULL
                    UNION ALL SELECT regexp_replace(lower(text), '[^\\p{{L}}\\p{{N}}]+', '', 'g') FROM value WHERE text IS NOT NULL)
                SELECT DISTINCT word FROM part WHERE word IN (SELECT word FROM asked)"""
            )
        query = "SELECT place, COUNT(DISTINCT word) FROM asked WHERE word IN (SELECT word FROM named) GROUP BY place ORDER BY place"
        return dict(connection.execute(query).fetchall())
