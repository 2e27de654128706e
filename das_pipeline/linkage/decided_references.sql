-- decided references: one row per reference that a record gets from the one whose case it is, by decision and of the same person.
-- Keys: node, reference, value. Source: decided (kind, node, other, outcome), people (node, person), case_references.
SELECT DISTINCT d.node, c.reference, c.value
FROM decided AS d
JOIN people AS l ON l.node = d.node
JOIN people AS r ON r.node = d.other AND r.person = l.person
JOIN case_references AS c ON c.node = d.other
LEFT JOIN case_references AS o ON o.node = d.node AND o.reference = c.reference AND o.value = c.value
WHERE d.kind = 'case' AND d.outcome = 'one' AND o.node IS NULL
