-- Rule L11: one row per group of records with a later strong key, by partner, sex and decade of birth, with $least records or more:
-- pairs of records of which one is in the group, that have one value (`same`), that are one person (`linked`), or both (`both`).
-- Keys: trait, value. Source: numbers (node, role, value), people (node, partner, person), records, $first (the first key).
WITH labelled AS (
    SELECT n.node, p.partner, r.sex, CAST(EXTRACT(YEAR FROM r.birth_on) AS BIGINT) AS born,
        COUNT(*) OVER (PARTITION BY n.role, n.value) - 1 AS same,
        COUNT(*) OVER (PARTITION BY n.role, p.person) - 1 AS linked,
        COUNT(*) OVER (PARTITION BY n.role, n.value, p.person) - 1 AS both_ways
    FROM numbers AS n
    JOIN people AS p ON p.node = n.node
    JOIN records AS r ON r.node = n.node
    WHERE n.role <> $first AND p.person IS NOT NULL
),
traits AS (
    SELECT 'partner' AS trait, partner AS value, same, linked, both_ways FROM labelled
    UNION ALL
    SELECT 'sex' AS trait, sex AS value, same, linked, both_ways FROM labelled WHERE sex IS NOT NULL
    UNION ALL
    SELECT 'decade of birth' AS trait, CAST(born - MOD(born, 10) AS VARCHAR) AS value, same, linked, both_ways
    FROM labelled WHERE born IS NOT NULL
)
SELECT trait, value, CAST(SUM(same) AS BIGINT) AS same, CAST(SUM(linked) AS BIGINT) AS linked, CAST(SUM(both_ways) AS BIGINT) AS both_ways
FROM traits
GROUP BY trait, value
HAVING COUNT(*) >= $least
ORDER BY trait, value
