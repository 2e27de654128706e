-- gone: the edges of the version before that are drawn anew: by key between near entities, by name from near entities, by decision all.
-- Keys: left_entity, right_entity, link_class. Source: before_edges, near.
SELECT b.left_entity, b.right_entity, b.link_class
FROM before_edges AS b LEFT JOIN near AS l ON l.entity = b.left_entity LEFT JOIN near AS r ON r.entity = b.right_entity
WHERE b.link_class NOT IN ('B', 'C') OR (b.link_class = 'B' AND l.entity IS NOT NULL AND r.entity IS NOT NULL)
    OR (b.link_class = 'C' AND (l.entity IS NOT NULL OR r.entity IS NOT NULL))
