-- kept edges: one row per edge that stays and goes by an entity whose edges are written again. Keys: left_entity, right_entity,
-- link_class. Source: before_edges, redrawn, gone.
SELECT b.* FROM before_edges AS b SEMI JOIN redrawn AS t ON t.left_entity = b.left_entity
ANTI JOIN gone AS g ON g.left_entity = b.left_entity AND g.right_entity = b.right_entity AND g.link_class = b.link_class
