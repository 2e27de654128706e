-- cases: one row per record: the case it belongs to, named by the lowest node of that case. Keys: node.
-- Sources: case_references (node, reference, value), people (node, person), anchor_strength (reference, strength: 1 is the strongest).
-- A case is what one person's records share: the strongest reference they name, also where a record names a weaker one only and another
-- record of the person names both. A record about no person joins the case of a person's record that shares a reference with it.
WITH held AS (
    SELECT p.node, p.person, r.reference, r.value, s.strength
    FROM case_references AS r JOIN people AS p ON p.node = r.node JOIN anchor_strength AS s ON s.reference = r.reference
    WHERE p.person IS NOT NULL
),
stronger AS (
    SELECT w.person, w.reference, w.value, s.reference AS stronger_reference, s.value AS stronger_value,
        ROW_NUMBER() OVER (PARTITION BY w.person, w.reference, w.value ORDER BY s.strength, s.value) AS place
    FROM held AS w JOIN held AS s ON s.node = w.node AND s.strength < w.strength
),
own AS (
    SELECT node, person, reference, value, ROW_NUMBER() OVER (PARTITION BY node ORDER BY strength, value) AS place FROM held
),
named AS (
    SELECT o.node, o.person, COALESCE(s.stronger_reference, o.reference) AS reference, COALESCE(s.stronger_value, o.value) AS value
    FROM own AS o
    LEFT JOIN stronger AS s ON s.person = o.person AND s.reference = o.reference AND s.value = o.value AND s.place = 1
    WHERE o.place = 1
),
of_persons AS (
    SELECT node, reference AS anchor, MIN(node) OVER (PARTITION BY person, reference, value) AS case_node FROM named
),
of_things AS (
    SELECT t.node, MIN(c.case_node) AS case_node
    FROM case_references AS t
    JOIN people AS p ON p.node = t.node
    JOIN case_references AS r ON r.reference = t.reference AND r.value = t.value
    JOIN of_persons AS c ON c.node = r.node
    WHERE p.person IS NULL
    GROUP BY t.node
)
SELECT p.node, COALESCE(c.case_node, t.case_node, p.node) AS cluster, c.anchor
FROM people AS p
LEFT JOIN of_persons AS c ON c.node = p.node
LEFT JOIN of_things AS t ON t.node = p.node
