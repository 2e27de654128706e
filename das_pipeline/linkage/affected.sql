-- affected: the entities of records that were touched, and those that are not what they were: another profile or anchor, another record,
-- another key, or an edge that is gone, new or of another weight. Keys: entity.
-- Source: the tables of the version before, and entities and members (right for moved and core), keys (right for near), edges (those drawn
-- anew, of which `gone` names the earlier ones), touched_nodes.
WITH changed_entities AS (
    (SELECT b.* FROM before_entities AS b SEMI JOIN moved AS m ON m.entity = b.entity
        EXCEPT SELECT n.* FROM entities AS n SEMI JOIN moved AS m ON m.entity = n.entity)
    UNION (SELECT n.* FROM entities AS n SEMI JOIN moved AS m ON m.entity = n.entity
        EXCEPT SELECT b.* FROM before_entities AS b SEMI JOIN moved AS m ON m.entity = b.entity)
),
changed_members AS (
    (SELECT b.* FROM before_members AS b SEMI JOIN core AS c ON c.node = b.node
        EXCEPT SELECT n.* FROM members AS n SEMI JOIN core AS c ON c.node = n.node)
    UNION (SELECT n.* FROM members AS n SEMI JOIN core AS c ON c.node = n.node
        EXCEPT SELECT b.* FROM before_members AS b SEMI JOIN core AS c ON c.node = b.node)
),
changed_keys AS (
    (SELECT b.* FROM before_keys AS b SEMI JOIN near AS w ON w.entity = b.entity
        EXCEPT SELECT n.* FROM keys AS n SEMI JOIN near AS w ON w.entity = n.entity)
    UNION (SELECT n.* FROM keys AS n SEMI JOIN near AS w ON w.entity = n.entity
        EXCEPT SELECT b.* FROM before_keys AS b SEMI JOIN near AS w ON w.entity = b.entity)
),
drawn_before AS (
    SELECT b.* FROM before_edges AS b
    SEMI JOIN gone AS g ON g.left_entity = b.left_entity AND g.right_entity = b.right_entity AND g.link_class = b.link_class
),
changed_edges AS (
    (SELECT * FROM drawn_before EXCEPT SELECT * FROM edges) UNION (SELECT * FROM edges EXCEPT SELECT * FROM drawn_before)
)
SELECT entity FROM changed_entities
UNION SELECT entity FROM changed_members
UNION SELECT entity FROM changed_keys
UNION SELECT left_entity FROM changed_edges
UNION SELECT right_entity FROM changed_edges
UNION SELECT b.entity FROM before_members AS b SEMI JOIN touched_nodes AS t ON t.node = b.node
UNION SELECT n.entity FROM members AS n SEMI JOIN touched_nodes AS t ON t.node = n.node
