-- One row per quarantined line, rule and column, with the line as it came. Keys: line_no, rule, column.
-- Sources: lines (the file once more), faults, stale.
SELECT f.line_no, f.rule, f."column", l.line AS raw, CASE WHEN s.line_no IS NULL THEN 'open' ELSE 'stale' END AS state
FROM lines AS l
JOIN faults AS f ON f.line_no = l.line_no
LEFT JOIN stale AS s ON s.line_no = f.line_no
