-- second numbers: one row per entity of a record whose number was set apart: the entity with a verified number that it joined.
-- Keys: entity. Source: doubtful_numbers (rule, unit, record_no), records, members (node, entity), placed (entity, person, is_anchored).
SELECT m.entity, MIN(o.entity) AS other
FROM doubtful_numbers AS d
JOIN records AS r ON r.unit = d.unit AND r.record_no = d.record_no
JOIN members AS m ON m.node = r.node
JOIN placed AS p ON p.entity = m.entity
JOIN placed AS o ON o.person = p.person AND o.is_anchored AND o.entity <> p.entity
WHERE d.rule = 'pair'
GROUP BY m.entity
