-- Rule L05: one row: the records of the largest person, and the number of persons with more records without a verified number than $limit.
-- Source: links.
WITH sizes AS (
    SELECT person_id, COUNT(*) AS records, SUM(CASE WHEN link_class = 'A' THEN 0 ELSE 1 END) AS unverified
    FROM links
    WHERE person_id IS NOT NULL
    GROUP BY person_id
)
SELECT COALESCE(MAX(records), 0) AS largest, CAST(COALESCE(SUM(CASE WHEN unverified > $limit THEN 1 ELSE 0 END), 0) AS BIGINT) AS above
FROM sizes
