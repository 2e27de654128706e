"""How well records were linked to persons, compared with the truth of a simulated world: over pairs, per record, and per subgroup.

Everything is counted from the sizes of groups, so that a cluster of any size costs the same. Tables on one connection: `true_persons`
(node, person), `records`, `numbers` and `identity` of linkage, and `clusters` (node, cluster).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

# What makes a record hard to link: a condition over the record `r`, the usual profile `u` of its true person, and the person's `flags` f.
SUBGROUPS = {
    "no number": "r.node NOT IN (SELECT node FROM numbers)",
    "wrong number": "w.node IS NOT NULL",
    "twin": "f.is_twin",
    "namesake": "f.is_namesake",
    "swapped names": "r.given_name = u.surname_1 AND r.surname <> u.surname",
    "call name": "r.given_name = u.given_2 AND r.given_name <> u.given_name",
    "foreign letters": "f.is_foreign",
    "minor": "u.birth_on > DATE '2007-12-27'",
    "no birth date": "r.birth_on IS NULL OR r.is_year_only",
}


@dataclass(frozen=True)
class Quality:
    """Shares of pairs of records, and of records (B-cubed); `false_pairs` and the records of the largest cluster are numbers."""

    precision: float
    recall: float
    b3_precision: float
    b3_recall: float
    false_pairs: int
    largest: int

    @property
    def f1(self) -> float:
        return _f1(self.precision, self.recall)

    @property
    def b3_f1(self) -> float:
        return _f1(self.b3_precision, self.b3_recall)

    def __str__(self) -> str:
        pairs = f"pairs P {self.precision:.5f} R {self.recall:.5f} F1 {self.f1:.5f}"
        records = f"B-cubed P {self.b3_precision:.5f} R {self.b3_recall:.5f} F1 {self.b3_f1:.5f}"
        return f"{pairs}; {records}; {self.false_pairs:,} false pairs, largest cluster {self.largest}"


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def flag_records(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `flagged` (node, subgroup): the records of the truth that are hard to link, and why."""
    usual = ", ".join(f"mode({part}) AS {part}" for part in ("surname", "surname_1", "given_name", "given_2", "birth_on"))
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE usual AS
        SELECT t.person, {usual} FROM true_persons AS t JOIN records AS r ON r.node = t.node GROUP BY t.person
        """
    )
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE flags AS
        WITH foreigners AS (
            SELECT DISTINCT t.person FROM true_persons AS t JOIN records AS r ON r.node = t.node
            JOIN identity AS i ON i.unit = r.unit AND i.record_no = r.record_no
            WHERE regexp_matches(concat(i.surname, i.given_names), '[^[:ascii:]]'))
        SELECT u.person, f.person IS NOT NULL AS is_foreign,
            COALESCE(COUNT(*) OVER (PARTITION BY u.surname, u.birth_on) > 1, false) AND u.birth_on IS NOT NULL AS is_twin,
            u.surname IS NOT NULL AND max(year(u.birth_on)) OVER names - min(year(u.birth_on)) OVER names >= 15
                AND COUNT(*) OVER names <= 3 AS is_namesake
        FROM usual AS u LEFT JOIN foreigners AS f ON f.person = u.person
        WINDOW names AS (PARTITION BY u.surname, u.given_name)
        """
    )
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE wrong AS
        WITH held AS (SELECT n.node, n.value, t.person FROM numbers AS n
            JOIN true_persons AS t ON t.node = n.node WHERE n.role = 'chain_number'),
        owners AS (
            SELECT value, mode(person) AS person FROM held GROUP BY value),
        own AS (SELECT person, value, COUNT(*) AS n, SUM(COUNT(*)) OVER (PARTITION BY person) AS total FROM held GROUP BY person, value)
        SELECT h.node FROM held AS h JOIN owners AS o ON o.value = h.value JOIN own AS w ON w.person = h.person AND w.value = h.value
        WHERE o.person <> h.person OR (w.n = 1 AND w.total > 2)
        """
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE flagged AS "
        + " UNION ALL ".join(
            f"SELECT r.node, '{name}' AS subgroup FROM records AS r JOIN true_persons AS t ON t.node = r.node"
            f" JOIN usual AS u ON u.person = t.person"
            f" JOIN flags AS f ON f.person = t.person LEFT JOIN wrong AS w ON w.node = r.node WHERE {condition}"
            for name, condition in SUBGROUPS.items()
        )
    )


def _count(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `counted`, one row per record: the sizes of its cluster, of its true person, and of what both have in common."""
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE counted AS
        SELECT c.node, COUNT(*) OVER (PARTITION BY c.cluster) AS n_linked, COUNT(*) OVER (PARTITION BY t.person) AS n_true,
            COUNT(*) OVER (PARTITION BY c.cluster, t.person) AS n_both
        FROM clusters AS c JOIN true_persons AS t ON t.node = c.node
        """
    )


def measure(connection: duckdb.DuckDBPyConnection) -> Quality:
    """Return how good `clusters` is."""
    _count(connection)
    pairs, linked, true, b3_precision, b3_recall, largest = connection.execute(
        "SELECT SUM(n_both - 1) / 2, SUM(n_linked - 1) / 2, SUM(n_true - 1) / 2,"
        " AVG(n_both / n_linked), AVG(n_both / n_true), MAX(n_linked) FROM counted"
    ).fetchall()[0]
    return Quality(pairs / linked if linked else 1.0, pairs / true, b3_precision, b3_recall, round(linked - pairs), largest)


def measure_subgroups(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, float, float]]:
    """Return the records of every subgroup, and precision and recall over the pairs that these records are in."""
    _count(connection)
    rows = connection.execute(
        "SELECT subgroup, COUNT(*), SUM(n_both - 1) / NULLIF(SUM(n_linked - 1), 0), SUM(n_both - 1) / NULLIF(SUM(n_true - 1), 0)"
        " FROM flagged JOIN counted USING (node) GROUP BY subgroup ORDER BY subgroup"
    ).fetchall()
    return {name: (n, 1.0 if p is None else p, 1.0 if r is None else r) for name, n, p, r in rows}


def measure_cases(connection: duckdb.DuckDBPyConnection) -> tuple[float, float]:
    """Return precision and recall over pairs of records about persons, of `case_clusters` (node, cluster) and `true_cases` (node, case)."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE counted AS SELECT COUNT(*) OVER (PARTITION BY c.cluster) AS n_linked,"
        ' COUNT(*) OVER (PARTITION BY t."case") AS n_true, COUNT(*) OVER (PARTITION BY c.cluster, t."case") AS n_both'
        " FROM case_clusters AS c JOIN true_cases AS t ON t.node = c.node"
    )
    pairs, linked, true = connection.execute("SELECT SUM(n_both - 1), SUM(n_linked - 1), SUM(n_true - 1) FROM counted").fetchall()[0]
    return (pairs / linked if linked else 1.0), pairs / true
