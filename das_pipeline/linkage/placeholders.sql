-- Rule K05: one row per number of the key $role that more than $max_profiles different persons have, with its records: a placeholder.
-- Keys: role, value. Persons differ in surname and in birth date. Source: numbers (node, role, value), records.
SELECT n.role, n.value, COUNT(*) AS records
FROM numbers AS n
JOIN records AS r ON r.node = n.node
WHERE n.role = $role
GROUP BY n.role, n.value
HAVING LEAST(COUNT(DISTINCT r.surname), COUNT(DISTINCT r.birth_on)) > $max_profiles
