-- decided edges: one row per two entities with records that a person decided are of one person. Keys: left_entity, right_entity.
-- Source: decided (kind, node, other, outcome), members (node, entity).
SELECT DISTINCT LEAST(l.entity, r.entity) AS left_entity, GREATEST(l.entity, r.entity) AS right_entity, 'D' AS link_class,
    CAST(0 AS DECIMAL(12, 6)) AS weight
FROM decided AS d
JOIN members AS l ON l.node = d.node
JOIN members AS r ON r.node = d.other
WHERE d.kind = 'person' AND d.outcome = 'one' AND l.entity <> r.entity
ORDER BY left_entity, right_entity
