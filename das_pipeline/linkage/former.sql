-- former: one row per record that was linked once and is not in force now: the ids that it had last and gets back if it returns.
-- Keys: unit, record_no. An id that merged on $vintage is replaced by the one it merged into. Source: links_before, ledger, links.
SELECT b.unit, b.record_no, COALESCE(p.other_id, b.person_id) AS person_id, COALESCE(c.other_id, b.case_id) AS case_id
FROM links_before AS b
LEFT JOIN ledger AS p ON p.kind = 'person' AND p.event = 'merge' AND p.vintage = $vintage AND p.id = b.person_id
LEFT JOIN ledger AS c ON c.kind = 'case' AND c.event = 'merge' AND c.vintage = $vintage AND c.id = b.case_id
LEFT JOIN links AS l ON l.unit = b.unit AND l.record_no = b.record_no
WHERE l.unit IS NULL
