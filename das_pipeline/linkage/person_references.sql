-- person_references: one row per record about a person and reference: which person the record is about, by a number of what happened.
-- Keys: node, key, value. `is_sure`: the value names one person: every value of its kind does, or the unit that gives it, and every other
-- unit, has it for one record only (a report with a single suspect).
-- Source: case_references (node, reference, value), records, reference_homes (reference, unit, names_one_person).
WITH held AS (
    SELECT c.node, c.reference, c.value, r.unit, h.unit AS home, h.names_one_person
    FROM case_references AS c
    JOIN records AS r ON r.node = c.node
    JOIN reference_homes AS h ON h.reference = c.reference
    WHERE r.is_person
),
by_unit AS (
    SELECT reference, value, unit, MAX(CASE WHEN unit = home THEN 1 ELSE 0 END) AS is_home, COUNT(*) AS records
    FROM held
    WHERE NOT names_one_person
    GROUP BY reference, value, unit
),
single AS (
    SELECT reference, value FROM by_unit GROUP BY reference, value HAVING MAX(records) = 1 AND MAX(is_home) = 1
)
SELECT h.node, h.reference AS key, h.value, h.names_one_person OR s.value IS NOT NULL AS is_sure
FROM held AS h
LEFT JOIN single AS s ON s.reference = h.reference AND s.value = h.value
