-- decided apart: one row per decision that entities are two persons. Keys: number.
-- Source: decided (kind, node, other, outcome), members (node, entity).
SELECT ROW_NUMBER() OVER (ORDER BY d.node, d.other) AS number, l.entity, r.entity AS other
FROM decided AS d
JOIN members AS l ON l.node = d.node
JOIN members AS r ON r.node = d.other
WHERE d.kind = 'person' AND d.outcome = 'two' AND l.entity <> r.entity
ORDER BY number
