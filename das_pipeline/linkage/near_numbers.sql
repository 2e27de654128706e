-- near numbers: one row per number of a record of an entity in wide, as it is now. Keys: node, role.
-- Source: numbers (right for core), before_numbers, members, core.
SELECT n.* FROM numbers AS n SEMI JOIN core AS c ON c.node = n.node
UNION ALL
SELECT b.* FROM before_numbers AS b SEMI JOIN members AS m ON m.node = b.node ANTI JOIN core AS c ON c.node = b.node
