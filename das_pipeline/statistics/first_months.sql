-- Rule F15: one row per cube by month of which the first two months hold less than $share of what two of the twelve months after
-- them hold, by more than chance can do: $deviations times the square root of the number expected. Must return no rows.
-- Keys: cube. Source: totals (cube, period, n).
WITH placed AS (
    SELECT cube, n, ROW_NUMBER() OVER (PARTITION BY cube ORDER BY period) AS place
    FROM totals
    WHERE LENGTH(period) = 7
),
compared AS (
    SELECT p.cube, SUM(CASE WHEN p.place <= 2 THEN p.n ELSE 0 END) AS first_two,
        CAST(SUM(CASE WHEN p.place > 2 THEN p.n ELSE 0 END) AS DOUBLE) / 6 AS expected
    FROM placed AS p
    WHERE p.place <= 14
    GROUP BY p.cube
    HAVING COUNT(*) = 14
)
SELECT cube FROM compared
WHERE first_two < $share * expected AND (expected - first_two) * (expected - first_two) > $deviations * $deviations * expected
ORDER BY cube
