-- Rule F05: one row per cube, dimension and period whose categories do not sum to the events counted without any, or whose categories
-- are not all concepts of the dimension's level. Must return no rows. Keys: cube, dimension, period.
-- Dimension `total` has one category, `all`.
-- Source: parts (cube, dimension, category, period, n); totals (cube, period, n); cube_dimensions (cube, dimension, scheme, level);
-- hierarchies.
WITH sums AS (
    SELECT p.cube, p.dimension, p.period, SUM(p.n) AS n,
        SUM(CASE WHEN h.node IS NULL AND p.category NOT IN ('unknown', 'all') THEN 1 ELSE 0 END) AS strangers
    FROM parts AS p
    JOIN cube_dimensions AS d ON d.cube = p.cube AND d.dimension = p.dimension
    LEFT JOIN (SELECT DISTINCT scheme, level, node FROM hierarchies) AS h
        ON h.scheme = d.scheme AND h.level = d.level AND h.node = p.category
    GROUP BY p.cube, p.dimension, p.period
),
expected AS (
    SELECT d.cube, d.dimension, t.period, t.n
    FROM cube_dimensions AS d
    JOIN totals AS t ON t.cube = d.cube
),
cells AS (
    SELECT cube, dimension, period FROM sums
    UNION
    SELECT cube, dimension, period FROM expected
),
differences AS (
    SELECT c.cube, c.dimension, c.period
    FROM cells AS c
    LEFT JOIN sums AS s ON s.cube = c.cube AND s.dimension = c.dimension AND s.period = c.period
    LEFT JOIN expected AS e ON e.cube = c.cube AND e.dimension = c.dimension AND e.period = c.period
    WHERE COALESCE(s.n, 0) <> COALESCE(e.n, 0) OR s.strangers > 0
)
SELECT cube, dimension, period FROM differences
