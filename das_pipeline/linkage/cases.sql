-- cases: one row per record: the case it belongs to, whose name is its lowest node. Keys: node.
-- A record that names no case, and could be of two (2.), has a record of each in `candidate` and `rival`.
-- Sources: case_references (node, reference, value), people (node, person), anchor_strength (reference, strength: 1 is the strongest),
-- keys (key, value, is_sure: a reference that names one person), record_dates (node, date: a day on which what the record is about took
-- place), case_dates (node, date: any day that the record names), $window (days; NULL: no window).
-- 1. Records of one person are one case if they share their strongest reference, and so are records of anybody if it names one person. A
--    record with only a weaker reference takes the stronger one from another record of the person that has both, or of anybody if the
--    weaker one names one person; up to two such steps, from an incident via a report to a docket.
-- 2. A missing reference is filled in if there is only one candidate: a person's only two cases are one if they have no kind of reference
--    in common (a report without its docket, a docket without its report) and their days are not known to differ. A record without
--    references joins the case of its person that was last heard of in the $window days before the record's first day, if no other was in
--    the $window days before that; without days, or without a window, its person's only case.
-- 3. Two cases of a person are one if a record of each has the same day, each has no other such case, only one of them has the strongest
--    reference of both, and they have no kind of reference in common but the weakest, of which a case can have several.
-- 4. A record about no person joins the case of the first person's record that shares a reference with it.
WITH sure AS (
    SELECT DISTINCT key AS reference, value FROM keys WHERE is_sure
),
held AS (
    SELECT p.node, p.person, r.reference, r.value, s.strength, CASE WHEN k.value IS NULL THEN p.person ELSE 0 END AS holder
    FROM case_references AS r
    JOIN people AS p ON p.node = r.node
    JOIN anchor_strength AS s ON s.reference = r.reference
    LEFT JOIN sure AS k ON k.reference = r.reference AND k.value = r.value
    WHERE p.person IS NOT NULL
),
stronger AS (
    SELECT w.holder, w.reference, w.value, s.holder AS stronger_holder, s.reference AS stronger_reference, s.value AS stronger_value,
        ROW_NUMBER() OVER (PARTITION BY w.holder, w.reference, w.value ORDER BY s.strength, s.value) AS place
    FROM held AS w JOIN held AS s ON s.node = w.node AND s.strength < w.strength
),
own AS (
    SELECT node, holder, reference, value, ROW_NUMBER() OVER (PARTITION BY node ORDER BY strength, value) AS place FROM held
),
named AS (
    SELECT o.node, COALESCE(t.stronger_holder, s.stronger_holder, o.holder) AS holder,
        COALESCE(t.stronger_reference, s.stronger_reference, o.reference) AS reference,
        COALESCE(t.stronger_value, s.stronger_value, o.value) AS value
    FROM own AS o
    LEFT JOIN stronger AS s ON s.holder = o.holder AND s.reference = o.reference AND s.value = o.value AND s.place = 1
    LEFT JOIN stronger AS t
        ON t.holder = s.stronger_holder AND t.reference = s.stronger_reference AND t.value = s.stronger_value AND t.place = 1
    WHERE o.place = 1
),
exact AS (
    SELECT p.node, p.person, n.reference AS anchor,
        COALESCE(MIN(n.node) OVER (PARTITION BY n.holder, n.reference, n.value), p.node) AS case_node
    FROM people AS p LEFT JOIN named AS n ON n.node = p.node
    WHERE p.person IS NOT NULL
),
kinds AS (
    SELECT DISTINCT e.person, e.case_node, h.reference FROM exact AS e JOIN held AS h ON h.node = e.node
),
cases AS (
    SELECT person, case_node, COUNT(anchor) > 0 AS is_named,
        SUM(CASE WHEN COUNT(anchor) > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY person) AS named_cases
    FROM exact GROUP BY person, case_node
),
strongest AS (
    SELECT k.person, k.case_node, MIN(s.strength) AS strength
    FROM kinds AS k JOIN anchor_strength AS s ON s.reference = k.reference
    GROUP BY k.person, k.case_node
),
days AS (
    SELECT DISTINCT e.person, e.case_node, d.date FROM exact AS e JOIN record_dates AS d ON d.node = e.node
),
clashing AS (
    SELECT DISTINCT a.case_node, b.case_node AS other
    FROM kinds AS a
    JOIN kinds AS b ON b.person = a.person AND b.reference = a.reference AND b.case_node <> a.case_node
    JOIN anchor_strength AS s ON s.reference = a.reference
    WHERE s.strength < (SELECT MAX(strength) FROM anchor_strength)
),
same_day AS (
    SELECT DISTINCT a.case_node, b.case_node AS other
    FROM days AS a
    JOIN days AS b ON b.person = a.person AND b.date = a.date AND b.case_node <> a.case_node
    JOIN strongest AS s ON s.person = a.person AND s.case_node = a.case_node
    JOIN strongest AS t ON t.person = b.person AND t.case_node = b.case_node AND t.strength < s.strength
    LEFT JOIN clashing AS c ON c.case_node = a.case_node AND c.other = b.case_node
    WHERE c.other IS NULL
),
counted_days AS (
    SELECT case_node, other, COUNT(*) OVER (PARTITION BY case_node) AS others FROM same_day
),
dated AS (
    SELECT case_node, other FROM counted_days WHERE others = 1
),
alike AS (
    SELECT DISTINCT a.case_node, b.case_node AS other
    FROM kinds AS a JOIN kinds AS b ON b.person = a.person AND b.reference = a.reference AND b.case_node <> a.case_node
),
apart AS (
    SELECT a.case_node, b.case_node AS other, MAX(CASE WHEN a.date = b.date THEN 1 ELSE 0 END) AS has_a_day_in_common
    FROM days AS a
    JOIN days AS b ON b.person = a.person AND b.case_node <> a.case_node
    GROUP BY a.case_node, b.case_node
),
candidates AS (
    SELECT a.case_node, a.is_named, b.case_node AS other
    FROM cases AS a
    JOIN cases AS b ON b.person = a.person AND b.case_node <> a.case_node AND b.is_named
    LEFT JOIN alike AS s ON s.case_node = a.case_node AND s.other = b.case_node
    LEFT JOIN apart AS d ON d.case_node = a.case_node AND d.other = b.case_node
    WHERE s.other IS NULL AND NOT (a.is_named AND COALESCE(d.has_a_day_in_common, 1) = 0)
        AND a.named_cases = CASE WHEN a.is_named THEN 2 ELSE 1 END
),
first_days AS (
    SELECT e.node, e.person, e.case_node, MIN(d.date) AS date
    FROM exact AS e JOIN case_dates AS d ON d.node = e.node
    WHERE e.anchor IS NULL AND $window IS NOT NULL
    GROUP BY e.node, e.person, e.case_node
),
heard_of AS (
    SELECT f.case_node, e.case_node AS other, MIN(CASE WHEN d.date <= f.date THEN DATE_DIFF('day', d.date, f.date) END) AS days
    FROM first_days AS f
    JOIN exact AS e ON e.person = f.person AND e.anchor IS NOT NULL
    JOIN case_dates AS d ON d.node = e.node
    GROUP BY f.case_node, e.case_node
),
nearest AS (
    SELECT case_node, other, days, LEAD(days) OVER (PARTITION BY case_node ORDER BY days, other) AS next_days,
        ROW_NUMBER() OVER (PARTITION BY case_node ORDER BY days, other) AS place
    FROM heard_of
    WHERE days IS NOT NULL
),
open_case AS (
    SELECT case_node, other FROM nearest WHERE place = 1 AND days <= $window AND COALESCE(next_days, days + $window + 1) > days + $window
),
unsure AS (
    SELECT n.case_node, n.other AS candidate, r.other AS rival
    FROM nearest AS n JOIN nearest AS r ON r.case_node = n.case_node AND r.place = 2
    WHERE n.place = 1 AND n.days <= $window AND r.days <= n.days + $window
),
repaired AS (
    SELECT case_node, other FROM candidates WHERE is_named AND other < case_node
),
filled AS (
    SELECT case_node, other FROM open_case
    UNION ALL
    SELECT c.case_node, c.other
    FROM candidates AS c LEFT JOIN first_days AS f ON f.case_node = c.case_node
    WHERE NOT c.is_named AND f.case_node IS NULL
),
of_persons AS (
    SELECT e.node, e.anchor, COALESCE(q.other, d.other, r.other, u.other, c.other, e.case_node) AS case_node
    FROM exact AS e
    LEFT JOIN repaired AS r ON r.case_node = e.case_node
    LEFT JOIN filled AS c ON c.case_node = e.case_node
    LEFT JOIN repaired AS u ON u.case_node = c.other
    LEFT JOIN dated AS d ON d.case_node = e.case_node
    LEFT JOIN dated AS q ON q.case_node = d.other
),
shared AS (
    SELECT t.node, c.case_node, ROW_NUMBER() OVER (PARTITION BY t.node ORDER BY c.node) AS place
    FROM case_references AS t
    JOIN people AS p ON p.node = t.node
    JOIN case_references AS r ON r.reference = t.reference AND r.value = t.value
    JOIN of_persons AS c ON c.node = r.node
    WHERE p.person IS NULL
),
of_things AS (
    SELECT node, case_node FROM shared WHERE place = 1
),
assigned AS (
    SELECT p.node, c.anchor, COALESCE(c.case_node, t.case_node, p.node) AS case_node
    FROM people AS p
    LEFT JOIN of_persons AS c ON c.node = p.node
    LEFT JOIN of_things AS t ON t.node = p.node
)
SELECT a.node, a.anchor, MIN(a.node) OVER (PARTITION BY a.case_node) AS cluster, u.candidate, u.rival
FROM assigned AS a LEFT JOIN unsure AS u ON u.case_node = a.node
