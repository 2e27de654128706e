-- candidates: the edges that the merge may take, one row each. Keys: left_entity, right_entity, link_class.
-- 1. A probable edge needs $join_at bits, or, if both entities had a record of one person in the previous version, what the edges were kept
-- for: a weight that drops a little, as when a birth date becomes a year, splits nobody.
-- 2. An edge from an entity without anchor to one with an anchor is kept only if it is the best of its class by 1 bit or more. A rival does
-- not count that has one record, and looks like another with several: a number that only it has is one that somebody mistyped.
-- Source: edges, entities, members (node, entity), records (node, unit, record_no), links_before (unit, record_no, person_id, is_in_force).
WITH before AS (
    SELECT DISTINCT m.entity, b.person_id
    FROM links_before AS b
    JOIN records AS r ON r.unit = b.unit AND r.record_no = b.record_no
    JOIN members AS m ON m.node = r.node
    WHERE b.is_in_force AND b.person_id IS NOT NULL
),
weak AS (
    SELECT left_entity, right_entity FROM edges WHERE link_class = 'C' AND weight < $join_at
),
kept AS (
    SELECT DISTINCT w.left_entity, w.right_entity
    FROM weak AS w
    JOIN before AS l ON l.entity = w.left_entity
    JOIN before AS r ON r.entity = w.right_entity AND r.person_id = l.person_id
),
sided AS (
    SELECT e.left_entity, e.right_entity, e.link_class, e.weight,
        CASE WHEN l.anchor IS NULL AND r.anchor IS NOT NULL THEN e.left_entity
            WHEN r.anchor IS NULL AND l.anchor IS NOT NULL THEN e.right_entity END AS member,
        CASE WHEN l.anchor IS NULL THEN e.right_entity ELSE e.left_entity END AS hub
    FROM edges AS e
    JOIN entities AS l ON l.entity = e.left_entity
    JOIN entities AS r ON r.entity = e.right_entity
    LEFT JOIN kept AS k ON k.left_entity = e.left_entity AND k.right_entity = e.right_entity
    WHERE e.link_class <> 'C' OR e.weight >= $join_at OR k.left_entity IS NOT NULL
),
hubs AS (
    SELECT s.member, s.link_class, s.hub, h.records, h.surname, h.given_name, h.birth_on
    FROM sided AS s JOIN entities AS h ON h.entity = s.hub
    WHERE s.member IS NOT NULL
),
lone AS (
    SELECT DISTINCT o.member, o.link_class, o.hub
    FROM hubs AS o
    JOIN hubs AS b ON b.member = o.member AND b.link_class = o.link_class AND b.birth_on = o.birth_on
        AND b.surname = o.surname AND b.given_name = o.given_name
    WHERE o.records = 1 AND b.records > 1
),
ranked AS (
    SELECT s.left_entity, s.right_entity, s.link_class, s.weight, s.member,
        ROW_NUMBER() OVER (PARTITION BY s.member, s.link_class ORDER BY s.weight DESC, s.left_entity, s.right_entity) AS place,
        LEAD(s.weight) OVER (PARTITION BY s.member, s.link_class ORDER BY s.weight DESC, s.left_entity, s.right_entity) AS next_weight
    FROM sided AS s
    LEFT JOIN lone AS o ON o.member = s.member AND o.link_class = s.link_class AND o.hub = s.hub
    WHERE o.hub IS NULL
)
SELECT left_entity, right_entity, link_class, weight
FROM ranked
WHERE member IS NULL OR (place = 1 AND weight - COALESCE(next_weight, weight - 1) >= 1)
