-- every_entity: one row per entity as it is now, with `is_near`. Keys: entity. Source: entities (right for moved), before_entities, moved,
-- near.
SELECT e.*, n.entity IS NOT NULL AS is_near
FROM (SELECT b.* FROM before_entities AS b ANTI JOIN moved AS m ON m.entity = b.entity
    UNION ALL SELECT e.* FROM entities AS e SEMI JOIN moved AS m ON m.entity = e.entity) AS e
LEFT JOIN near AS n ON n.entity = e.entity
