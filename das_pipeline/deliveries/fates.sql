-- One row per line without a fault: what becomes of it, exactly one thing. Keys: line_no.
-- Sources: delivered_rows, faults, versions and keys in force, $last_wins (whether the last of conflicting rows counts).
-- Identical rows of one key count once. Whether two rows agree is judged on their content hash, which leaves out columns without history.
WITH whole AS (
    SELECT line_no, record_key, sub, is_withdrawal, content_hash,
        CASE WHEN is_withdrawal THEN CAST('' AS BLOB) ELSE content_hash END AS mark
    FROM delivered_rows
    WHERE line_no NOT IN (SELECT line_no FROM faults)
),
shared AS (
    SELECT record_key, sub, MIN(mark) <> MAX(mark) AS is_conflict FROM whole GROUP BY record_key, sub HAVING COUNT(*) > 1
),
placed AS (
    SELECT w.line_no, s.is_conflict,
        ROW_NUMBER() OVER (PARTITION BY w.record_key, w.sub ORDER BY w.line_no) AS place,
        ROW_NUMBER() OVER (PARTITION BY w.record_key, w.sub ORDER BY w.line_no DESC) AS place_from_end
    FROM whole AS w
    JOIN shared AS s ON s.record_key = w.record_key AND s.sub = w.sub
),
numbered AS (
    SELECT w.line_no, w.record_key, w.sub, w.is_withdrawal, w.content_hash, k.record_no
    FROM whole AS w
    LEFT JOIN keys AS k ON k.record_key = w.record_key
),
known AS (
    SELECT n.line_no, MAX(CASE WHEN v.known_until = DATE '9999-12-31' THEN v.content_hash END) AS held
    FROM numbered AS n
    JOIN versions AS v ON v.record_no = n.record_no AND v.sub = n.sub
    GROUP BY n.line_no
)
SELECT n.line_no, n.record_key, n.sub, n.record_no, n.content_hash,
    CASE WHEN p.is_conflict AND NOT $last_wins THEN 'K01'
    WHEN p.is_conflict AND p.place_from_end > 1 THEN 'superseded'
    WHEN NOT p.is_conflict AND p.place > 1 THEN 'duplicate'
    WHEN n.is_withdrawal AND k.line_no IS NULL THEN 'K03'
    WHEN n.is_withdrawal AND k.held IS NULL THEN 'duplicate'
    WHEN n.is_withdrawal THEN 'withdrawn'
    WHEN k.line_no IS NULL THEN 'new'
    WHEN k.held IS NULL THEN 'returned'
    WHEN k.held = n.content_hash THEN 'duplicate'
    ELSE 'changed' END AS fate
FROM numbered AS n
LEFT JOIN placed AS p ON p.line_no = n.line_no
LEFT JOIN known AS k ON k.line_no = n.line_no
