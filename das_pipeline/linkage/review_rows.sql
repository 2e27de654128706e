-- One row per row of review, with its records as they are named outside linkage. Keys: kind, unit, record_no, other_unit, other_record_no.
-- Source: review (kind, urgency, reason, node, other, rival, weight), records (node, unit, record_no).
SELECT w.kind, w.reason, r.unit, r.record_no, o.unit AS other_unit, o.record_no AS other_record_no, v.unit AS rival_unit,
    v.record_no AS rival_record_no, w.weight, w.urgency
FROM review AS w
JOIN records AS r ON r.node = w.node
JOIN records AS o ON o.node = w.other
LEFT JOIN records AS v ON v.node = w.rival
