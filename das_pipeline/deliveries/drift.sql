-- What of a delivery is not as in the earlier ones: one row per change. Key: file, column, code, what.
-- A share has moved when it is further than `share` outside what it was until now, by `rows` rows and by more than four standard errors.
-- Sources: profile (this delivery) and earlier (the ones that it is compared with), as profile.py has them.
WITH profiles AS (
    SELECT *, 1 AS is_new FROM profile
    UNION ALL
    SELECT *, 0 AS is_new FROM earlier),
totals AS (
    SELECT delivery, is_new, file, declared, rows FROM profiles WHERE "column" = '' AND code IS NULL),
unknown AS (
    SELECT file, rows, is_new FROM profiles WHERE "column" = '' AND code IS NOT NULL),
filled AS (
    SELECT delivery, is_new, file, "column", declared, listed, rows FROM profiles WHERE "column" <> '' AND code IS NULL),
codes AS (
    SELECT DISTINCT file, "column", code FROM profiles WHERE "column" <> '' AND code IS NOT NULL),
shares AS (
    SELECT f.is_new, f.file, f."column", CAST(NULL AS VARCHAR) AS code, f.rows AS part, t.rows AS whole
    FROM filled AS f
    JOIN totals AS t ON t.delivery = f.delivery AND t.file = f.file
    WHERE t.rows > 0
    UNION ALL
    SELECT f.is_new, f.file, f."column", c.code, COALESCE(p.rows, 0) AS part, f.rows AS whole
    FROM filled AS f
    JOIN codes AS c ON c.file = f.file AND c."column" = f."column"
    LEFT JOIN profiles AS p ON p.delivery = f.delivery AND p.file = f.file AND p."column" = f."column" AND p.code = c.code
    WHERE f.rows > 0),
sums AS (
    SELECT
        file,
        "column",
        code,
        SUM(CASE WHEN is_new = 1 THEN 0 ELSE part END) AS part_before,
        SUM(CASE WHEN is_new = 1 THEN 0 ELSE whole END) AS whole_before,
        MIN(CASE WHEN is_new = 1 THEN NULL ELSE part / whole END) AS least,
        MAX(CASE WHEN is_new = 1 THEN NULL ELSE part / whole END) AS most,
        SUM(CASE WHEN is_new = 1 THEN part ELSE 0 END) AS part_now,
        SUM(CASE WHEN is_new = 1 THEN whole ELSE 0 END) AS whole_now
    FROM shares
    GROUP BY file, "column", code),
compared AS (
    SELECT
        *,
        part_before / whole_before AS before,
        part_now / whole_now AS now,
        (part_before + part_now) / (whole_before + whole_now) AS pooled
    FROM sums
    WHERE whole_before > 0 AND whole_now > 0),
sizes AS (
    SELECT
        file,
        MIN(CASE WHEN is_new = 1 THEN NULL ELSE rows END) AS least,
        MAX(CASE WHEN is_new = 1 THEN NULL ELSE rows END) AS most,
        MAX(CASE WHEN is_new = 1 THEN rows ELSE NULL END) AS now
    FROM totals
    GROUP BY file),
changes AS (
    SELECT
        file,
        "column",
        code,
        CASE WHEN code IS NULL THEN 'filled' WHEN part_before = 0 THEN 'new code' ELSE 'share of code' END AS what,
        before,
        now
    FROM compared
    WHERE (code IS NOT NULL AND part_before = 0 AND part_now >= $rows)
        OR (GREATEST(least - now, now - most) > $share
            AND ABS(now - before) * whole_now >= $rows
            AND (now - before) * (now - before) > 16 * pooled * (1 - pooled) * (1 / whole_before + 1 / whole_now))
    UNION ALL
    SELECT file, '' AS "column", CAST(NULL AS VARCHAR) AS code, 'rows' AS what, CASE WHEN now > most THEN most ELSE least END AS before, now
    FROM sizes
    WHERE (now > $times * most AND now - most >= $rows) OR (now * $times < least AND least - now >= $rows)
    UNION ALL
    SELECT
        file,
        '' AS "column",
        CAST(NULL AS VARCHAR) AS code,
        'unknown columns' AS what,
        MAX(CASE WHEN is_new = 1 THEN NULL ELSE rows END) AS before,
        MAX(CASE WHEN is_new = 1 THEN rows ELSE NULL END) AS now
    FROM unknown
    GROUP BY file
    HAVING MAX(CASE WHEN is_new = 1 THEN rows ELSE NULL END) > MAX(CASE WHEN is_new = 1 THEN NULL ELSE rows END)),
declarations AS (
    SELECT delivery, is_new, file, "column", declared, listed FROM profiles WHERE code IS NULL),
ours AS (
    SELECT
        n.file,
        n."column",
        CASE WHEN b.declared <> n.declared THEN 'contract' WHEN b.listed <> n.listed THEN 'code list' ELSE '' END AS ours
    FROM declarations AS n
    JOIN declarations AS b ON b.file = n.file AND b."column" = n."column" AND b.delivery = $last
    WHERE n.is_new = 1)
SELECT c.file, c."column", c.code, c.what, CAST(c.before AS DOUBLE) AS before, CAST(c.now AS DOUBLE) AS now, COALESCE(o.ours, '') AS ours
FROM changes AS c
LEFT JOIN ours AS o ON o.file = c.file AND o."column" = c."column"
