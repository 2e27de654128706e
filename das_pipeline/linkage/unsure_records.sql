-- unsure_records: one row per record whose case is not sure: a record of the case that it was given and one of the case that was as near.
-- Keys: unit, record_no. Source: case_clusters, records.
SELECT r.unit, r.record_no, c.unit AS other_unit, c.record_no AS other_record_no, o.unit AS rival_unit,
    o.record_no AS rival_record_no
FROM case_clusters AS u JOIN records AS r ON r.node = u.node
JOIN records AS c ON c.node = u.candidate JOIN records AS o ON o.node = u.rival
