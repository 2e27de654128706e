-- One row per line without a fault: what becomes of it, exactly one thing. Keys: line_no.
-- Sources: delivered_rows, faults, versions and keys in force, $last_wins (whether the last of conflicting rows counts).
-- Identical rows of one key count once. Whether two rows agree is judged on their content hash, which leaves out columns without history.
WITH whole AS (
    SELECT line_no, record_key, sub, is_withdrawal, content_hash,
        CASE WHEN is_withdrawal THEN CAST('' AS BLOB) ELSE content_hash END AS mark
    FROM delivered_rows
    WHERE line_no NOT IN (SELECT line_no FROM faults)
),
placed AS (
    SELECT line_no, record_key, sub, is_withdrawal, content_hash,
        MIN(mark) OVER (PARTITION BY record_key, sub) <> MAX(mark) OVER (PARTITION BY record_key, sub) AS is_conflict,
        ROW_NUMBER() OVER (PARTITION BY record_key, sub ORDER BY line_no) AS place,
        ROW_NUMBER() OVER (PARTITION BY record_key, sub ORDER BY line_no DESC) AS place_from_end
    FROM whole
),
in_force AS (
    SELECT record_no, sub, content_hash FROM versions WHERE known_until = DATE '9999-12-31'
),
ever AS (
    SELECT DISTINCT record_no, sub FROM versions
),
compared AS (
    SELECT p.line_no, p.record_key, p.sub, p.is_withdrawal, p.content_hash, p.is_conflict, p.place, p.place_from_end, k.record_no,
        f.content_hash AS held, f.record_no IS NOT NULL AS is_in_force, e.record_no IS NOT NULL AS is_known
    FROM placed AS p
    LEFT JOIN keys AS k ON k.record_key = p.record_key
    LEFT JOIN in_force AS f ON f.record_no = k.record_no AND f.sub = p.sub
    LEFT JOIN ever AS e ON e.record_no = k.record_no AND e.sub = p.sub
)
SELECT line_no, record_key, sub, record_no, content_hash,
    CASE WHEN is_conflict AND NOT $last_wins THEN 'K01'
    WHEN is_conflict AND place_from_end > 1 THEN 'superseded'
    WHEN NOT is_conflict AND place > 1 THEN 'duplicate'
    WHEN is_withdrawal AND NOT is_known THEN 'K03'
    WHEN is_withdrawal AND NOT is_in_force THEN 'duplicate'
    WHEN is_withdrawal THEN 'withdrawn'
    WHEN NOT is_known THEN 'new'
    WHEN NOT is_in_force THEN 'returned'
    WHEN held = content_hash THEN 'duplicate'
    ELSE 'changed' END AS fate
FROM compared
