-- Rule L03: one row per group of records without a verified number, by sex and by decade of birth, with $least records or more: these
-- records, and those that were linked to others all the same. Keys: trait, value. Source: people, records, members (node, anchor).
WITH unverified AS (
    SELECT r.sex, CAST(EXTRACT(YEAR FROM r.birth_on) AS BIGINT) AS born, CASE WHEN p.link_class = 'S' THEN 0 ELSE 1 END AS is_linked
    FROM people AS p
    JOIN records AS r ON r.node = p.node
    JOIN members AS m ON m.node = p.node
    WHERE m.anchor IS NULL
),
traits AS (
    SELECT 'sex' AS trait, sex AS value, is_linked FROM unverified WHERE sex IS NOT NULL
    UNION ALL
    SELECT 'decade of birth' AS trait, CAST(born - MOD(born, 10) AS VARCHAR) AS value, is_linked FROM unverified WHERE born IS NOT NULL
)
SELECT trait, value, COUNT(*) AS records, CAST(SUM(is_linked) AS BIGINT) AS linked
FROM traits
GROUP BY trait, value
HAVING COUNT(*) >= $least
ORDER BY trait, value
