-- held: one row per record and value that it has or had: numbers, those of placeholders too, and references. Source: the tables of the
-- version before; numbers and case_references of what was touched, as it is now; units (unit, first_node).
SELECT node, role AS key, value FROM before_numbers
UNION ALL SELECT u.first_node + d.record_no, d.role, d.value
FROM before_doubtful_numbers AS d JOIN units AS u ON u.unit = d.unit WHERE d.rule = 'K05'
UNION ALL SELECT node, reference, value FROM before_case_references
UNION ALL SELECT node, role, value FROM numbers
UNION ALL SELECT node, reference, value FROM case_references
