-- joined: one row per entity that edges lead to from one in joined, or that was one person with it, and is not in joined yet.
-- Keys: entity. Source: joined, whole_edges, persons_before.
SELECT DISTINCT f.entity
FROM (
    SELECT e.right_entity AS entity FROM whole_edges AS e SEMI JOIN joined AS j ON j.entity = e.left_entity
    UNION ALL SELECT e.left_entity FROM whole_edges AS e SEMI JOIN joined AS j ON j.entity = e.right_entity
    UNION ALL SELECT p.entity FROM persons_before AS p
    SEMI JOIN (SELECT q.person_id FROM persons_before AS q SEMI JOIN joined AS j ON j.entity = q.entity) AS o
        ON o.person_id = p.person_id
) AS f ANTI JOIN joined AS j ON j.entity = f.entity
