-- One row per record version that this delivery closes, on $known_on. Keys: record_no, sub.
-- Sources: fates, versions (of the records that it names), absent (versions in force that a complete file leaves out), $delivery.
SELECT v.record_no, v.sub, v.opened_by, CAST($known_on AS DATE) AS known_until, f.fate AS closed_as, CAST($delivery AS VARCHAR) AS closed_by
FROM fates AS f
JOIN versions AS v ON v.record_no = f.record_no AND v.sub = f.sub AND v.known_until = DATE '9999-12-31'
WHERE f.fate IN ('changed', 'withdrawn')
UNION ALL
SELECT record_no, sub, opened_by, CAST($known_on AS DATE), 'withdrawn', CAST($delivery AS VARCHAR)
FROM absent
