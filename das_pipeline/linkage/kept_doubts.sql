-- kept doubts: one row per doubtful number, as it is now: those of core were resolved again, the others stay. Keys: rule, role, value,
-- unit, record_no. Source: doubtful_numbers (right for core), before_doubtful_numbers, before_records, records, core.
WITH resolved AS (
    SELECT r.unit, r.record_no FROM before_records AS r SEMI JOIN core AS c ON c.node = r.node
    UNION SELECT r.unit, r.record_no FROM records AS r SEMI JOIN core AS c ON c.node = r.node)
SELECT d.* FROM doubtful_numbers AS d SEMI JOIN resolved AS r ON r.unit = d.unit AND r.record_no = d.record_no
UNION ALL
SELECT b.* FROM before_doubtful_numbers AS b ANTI JOIN resolved AS r ON r.unit = b.unit AND r.record_no = b.record_no
