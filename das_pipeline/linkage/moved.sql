-- moved: the entities of the records in core, as they were and as they are. Keys: entity. Source: before_members, members, core.
SELECT m.entity FROM before_members AS m SEMI JOIN core AS c ON c.node = m.node
UNION SELECT m.entity FROM members AS m SEMI JOIN core AS c ON c.node = m.node
