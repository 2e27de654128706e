-- One row per partner with $least records about persons or more: these records, and those of a person of whom another partner has records.
-- Keys: partner. Source: people.
WITH persons AS (
    SELECT person, COUNT(DISTINCT partner) AS partners FROM people WHERE person IS NOT NULL GROUP BY person
)
SELECT p.partner, COUNT(*) AS records, CAST(SUM(CASE WHEN k.partners > 1 THEN 1 ELSE 0 END) AS BIGINT) AS linked
FROM people AS p
JOIN persons AS k ON k.person = p.person
GROUP BY p.partner
HAVING COUNT(*) >= $least
ORDER BY p.partner
