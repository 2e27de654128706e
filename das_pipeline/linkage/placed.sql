-- placed: one row per entity: its person, whether it has a verified number, and the weight that links it. Keys: entity.
-- Source: members (node, entity, anchor), records (node, unit, record_no), links.
SELECT m.entity, MIN(l.person_id) AS person, MAX(CASE WHEN m.anchor IS NULL THEN 0 ELSE 1 END) = 1 AS is_anchored, MIN(l.weight) AS weight
FROM members AS m
JOIN records AS r ON r.node = m.node
JOIN links AS l ON l.unit = r.unit AND l.record_no = r.record_no
GROUP BY m.entity
