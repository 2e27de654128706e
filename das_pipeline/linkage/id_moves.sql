-- Rule L09: one row: the records of the previous version that are still in force and whose person has another id now, and those of them
-- that no event of $vintage explains. Source: links_before, links, ledger.
WITH still AS (
    SELECT b.person_id AS earlier, l.person_id AS later
    FROM links_before AS b
    JOIN links AS l ON l.unit = b.unit AND l.record_no = b.record_no
    WHERE b.is_in_force AND b.person_id IS NOT NULL AND l.person_id IS NOT NULL
),
left_ids AS (
    SELECT DISTINCT id FROM ledger WHERE kind = 'person' AND vintage = $vintage AND event IN ('merge', 'end', 'move')
),
new_ids AS (
    SELECT DISTINCT id FROM ledger WHERE kind = 'person' AND vintage = $vintage AND event IN ('birth', 'return', 'split')
)
SELECT
    CAST(COALESCE(SUM(CASE WHEN b.earlier <> b.later THEN 1 ELSE 0 END), 0) AS BIGINT) AS moved,
    CAST(COALESCE(SUM(CASE WHEN b.earlier <> b.later AND o.id IS NULL AND n.id IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT) AS unexplained
FROM still AS b
LEFT JOIN left_ids AS o ON o.id = b.earlier
LEFT JOIN new_ids AS n ON n.id = b.later
