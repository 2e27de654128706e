-- The months within which a list changes: one row per list and month (its first day). Keys: list, month.
-- In every other month a code means the same on each day as on the first. Sources: mappings, codes.
WITH turns AS (
    SELECT list, valid_from AS day FROM mappings
    UNION ALL
    SELECT list, valid_from AS day FROM codes
    UNION ALL
    SELECT list, CAST(valid_until + INTERVAL '1' DAY AS DATE) AS day FROM mappings WHERE valid_until < DATE '9999-12-31'
    UNION ALL
    SELECT list, CAST(valid_until + INTERVAL '1' DAY AS DATE) AS day FROM codes WHERE valid_until < DATE '9999-12-31'
),
changes AS (
    SELECT DISTINCT
        list,
        CAST(DATE_TRUNC('month', day) AS DATE) AS month
    FROM turns
    WHERE EXTRACT(DAY FROM day) <> 1
)
SELECT * FROM changes
