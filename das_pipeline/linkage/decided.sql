-- decided: one row per decision on two records in force; decisions on records that are gone wait. Keys: kind, node, other.
-- Source: decisions (kind, unit, record_no, other_unit, other_record_no, outcome), records (node, unit, record_no).
SELECT d.kind, l.node, r.node AS other, d.outcome
FROM decisions AS d
JOIN records AS l ON l.unit = d.unit AND l.record_no = d.record_no
JOIN records AS r ON r.unit = d.other_unit AND r.record_no = d.other_record_no
