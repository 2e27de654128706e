-- One row per unit that is seen for the first time, with its record number. Keys: record_key; record_no.
-- Sources: fates, unit_keys, $after (the number before the partner's first), $delivery. Numbers go up in the order of lines.
WITH newcomers AS (
    SELECT record_key, MIN(line_no) AS line_no FROM fates WHERE fate = 'new' AND record_no IS NULL GROUP BY record_key
)
SELECT record_key, (SELECT COALESCE(MAX(record_no), $after) FROM unit_keys) + ROW_NUMBER() OVER (ORDER BY line_no) AS record_no,
    CAST($delivery AS VARCHAR) AS first_delivery
FROM newcomers
