-- Rule L15: one row per strong key: its values that several records hold, and those of which two records are of one person. Keys: role.
-- Source: numbers (node, role, value), people (node, person).
WITH held AS (
    SELECT n.role, n.value, COUNT(*) AS records, COUNT(DISTINCT p.person) AS persons
    FROM numbers AS n
    JOIN people AS p ON p.node = n.node
    WHERE p.person IS NOT NULL
    GROUP BY n.role, n.value
)
SELECT role, COUNT(*) AS shared, CAST(SUM(CASE WHEN persons < records THEN 1 ELSE 0 END) AS BIGINT) AS joined
FROM held
WHERE records > 1
GROUP BY role
ORDER BY role
