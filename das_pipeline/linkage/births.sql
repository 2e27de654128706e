-- births: one row per record about a person: its birth date, or its person's usual one if the record has none or only a year.
-- Keys: unit, record_no. Source: records, members (node, entity), merged (entity, cluster), entities.
WITH ranked AS (
    SELECT m.cluster, e.birth_on, ROW_NUMBER() OVER (PARTITION BY m.cluster ORDER BY e.is_year_only, e.records DESC, e.entity) AS place
    FROM merged AS m
    JOIN entities AS e ON e.entity = m.entity
    WHERE e.birth_on IS NOT NULL
)
SELECT r.unit, r.record_no,
    CASE WHEN r.is_year_only OR r.birth_on IS NULL THEN COALESCE(u.birth_on, r.birth_on) ELSE r.birth_on END AS birth_on
FROM records AS r
JOIN members AS m ON m.node = r.node
JOIN merged AS g ON g.entity = m.entity
LEFT JOIN ranked AS u ON u.cluster = g.cluster AND u.place = 1
