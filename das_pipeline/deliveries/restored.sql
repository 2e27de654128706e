-- One row per version that is in force again because the delivery that closed it, $last, was replaced. Keys: record_no, sub.
-- Sources: file_versions, replaced (the deliveries of the period that were replaced), named (the records that the new delivery names).
SELECT v.record_no, v.sub, v.delivery, v.line_no, v.content_hash
FROM file_versions AS v
LEFT JOIN named AS n ON n.record_no = v.record_no AND n.sub = v.sub
WHERE v.closed_by = $last AND v.delivery NOT IN (SELECT delivery FROM replaced) AND n.record_no IS NULL
