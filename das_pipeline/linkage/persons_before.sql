-- persons_before: one row per record that is in force and had a person: that person and the record's entity. Keys: none.
-- Source: links_before, units (unit, first_node), whole_members.
SELECT b.person_id, m.entity
FROM links_before AS b JOIN units AS u ON u.unit = b.unit JOIN whole_members AS m ON m.node = u.first_node + b.record_no
WHERE b.person_id IS NOT NULL
