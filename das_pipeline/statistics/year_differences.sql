-- Rule F06: one row per cube, dimension and year in which the periods and categories, rolled up to the year and to the total of their
-- scheme, are not the events counted by year. Must return no rows. Keys: cube, dimension, year.
-- Dimension `total` has one category, `all`.
-- Source: parts (cube, dimension, category, period, n); year_totals (cube, year, n); cube_dimensions (cube, dimension, scheme);
-- hierarchies.
WITH rolled_up AS (
    SELECT p.cube, p.dimension, SUBSTR(p.period, 1, 4) AS year, SUM(p.n) AS n
    FROM parts AS p
    JOIN cube_dimensions AS d ON d.cube = p.cube AND d.dimension = p.dimension
    LEFT JOIN hierarchies AS h ON h.scheme = d.scheme AND h.level = 'total' AND h.leaf = p.category
    WHERE h.node = 'all' OR d.dimension = 'total'
    GROUP BY p.cube, p.dimension, SUBSTR(p.period, 1, 4)
),
expected AS (
    SELECT d.cube, d.dimension, y.year, y.n
    FROM cube_dimensions AS d
    JOIN year_totals AS y ON y.cube = d.cube
),
cells AS (
    SELECT cube, dimension, year FROM rolled_up
    UNION
    SELECT cube, dimension, year FROM expected
),
differences AS (
    SELECT c.cube, c.dimension, c.year
    FROM cells AS c
    LEFT JOIN rolled_up AS r ON r.cube = c.cube AND r.dimension = c.dimension AND r.year = c.year
    LEFT JOIN expected AS e ON e.cube = c.cube AND e.dimension = c.dimension AND e.year = c.year
    WHERE COALESCE(r.n, 0) <> COALESCE(e.n, 0)
)
SELECT cube, dimension, year FROM differences
