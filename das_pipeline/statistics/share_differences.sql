-- Rule F08: one row per cube, dimension and period whose shares of the total do not lie between 0 and 1, or do not sum to 1.
-- Must return no rows.
-- Keys: cube, dimension, period. Source: parts (cube, dimension, category, period, n); totals (cube, period, n).
WITH shares AS (
    SELECT p.cube, p.dimension, p.period, CAST(p.n AS DOUBLE) / t.n AS share
    FROM parts AS p
    JOIN totals AS t ON t.cube = p.cube AND t.period = p.period
),
differences AS (
    SELECT s.cube, s.dimension, s.period
    FROM shares AS s
    GROUP BY s.cube, s.dimension, s.period
    HAVING MIN(s.share) < 0 OR MAX(s.share) > 1 OR ABS(SUM(s.share) - 1) > 0.000000001
)
SELECT cube, dimension, period FROM differences
