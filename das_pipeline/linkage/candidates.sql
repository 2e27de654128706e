-- candidates: the edges that the merge may take, one row each. Keys: left_entity, right_entity, link_class.
-- An edge from an entity without anchor to one with an anchor is kept only if it is the best of its class by 1 bit or more.
-- Source: edges, entities (entity, anchor).
WITH sided AS (
    SELECT e.left_entity, e.right_entity, e.link_class, e.weight,
        CASE WHEN l.anchor IS NULL AND r.anchor IS NOT NULL THEN e.left_entity
            WHEN r.anchor IS NULL AND l.anchor IS NOT NULL THEN e.right_entity END AS member
    FROM edges AS e
    JOIN entities AS l ON l.entity = e.left_entity
    JOIN entities AS r ON r.entity = e.right_entity
),
ranked AS (
    SELECT left_entity, right_entity, link_class, weight, member,
        ROW_NUMBER() OVER (PARTITION BY member, link_class ORDER BY weight DESC, left_entity, right_entity) AS place,
        LEAD(weight) OVER (PARTITION BY member, link_class ORDER BY weight DESC, left_entity, right_entity) AS next_weight
    FROM sided
)
SELECT left_entity, right_entity, link_class, weight
FROM ranked
WHERE member IS NULL OR (place = 1 AND weight - COALESCE(next_weight, weight - 1) >= 1)
