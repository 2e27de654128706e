-- One row per quarantined line whose record stays in force as an earlier delivery gave it. Keys: line_no.
-- Sources: delivered_rows, faults, keys, versions.
SELECT DISTINCT r.line_no
FROM delivered_rows AS r
JOIN keys AS k ON k.record_key = r.record_key
JOIN versions AS v ON v.record_no = k.record_no AND v.sub = r.sub AND v.known_until = DATE '9999-12-31'
WHERE r.line_no IN (SELECT line_no FROM faults)
