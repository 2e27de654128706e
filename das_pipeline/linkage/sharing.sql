-- sharing: one row per record that names a case that one in reached names, and is not in reached yet. Keys: node.
-- Source: reached, whole_case_references.
SELECT DISTINCT o.node FROM whole_case_references AS o
SEMI JOIN (SELECT c.reference, c.value FROM whole_case_references AS c SEMI JOIN reached AS r ON r.node = c.node) AS v
    ON v.reference = o.reference AND v.value = o.value
ANTI JOIN reached AS r ON r.node = o.node
