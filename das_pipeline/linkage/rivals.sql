-- One row: the persons with a verified number to whom links of $entity were proposed, but for $other, and the best weight. An entity that
-- has a verified number itself has none. Source: edges, entities.
SELECT COUNT(*) AS rivals, MAX(e.weight) AS weight
FROM edges AS e
JOIN entities AS h ON h.entity = CASE WHEN e.left_entity = $entity THEN e.right_entity ELSE e.left_entity END
JOIN entities AS m ON m.entity = $entity AND m.anchor IS NULL
WHERE $entity IN (e.left_entity, e.right_entity) AND h.entity <> $other AND h.anchor IS NOT NULL
