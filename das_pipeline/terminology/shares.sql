-- How many coded values of a month are unmapped or unlisted: one row per field and month. Keys: field, month.
-- Versions in force; empty fields do not count. Source: usage.
WITH shares AS (
    SELECT
        field,
        month,
        CAST(SUM(rows_now) AS BIGINT) AS rows,
        CAST(SUM(CASE WHEN is_unmapped THEN rows_now ELSE 0 END) AS BIGINT) AS unmapped,
        CAST(SUM(CASE WHEN is_unlisted THEN rows_now ELSE 0 END) AS BIGINT) AS unlisted
    FROM usage
    WHERE code IS NOT NULL
    GROUP BY field, month
)
SELECT * FROM shares
