-- One row per unit, partner and kind (rule K10) with the events as known on $as_of that have neighbours in the order of
-- their unit and a date that can be read both ways (`ambiguous`), and how many of them break the order and would not with
-- day and month swapped (`swapped`).
-- Keys: unit, partner, kind. Sources: events; kinds (kind, chain_place).
WITH placed AS (
    SELECT e.unit, e.partner, e.record_no, e.kind, e.occurred_on, k.chain_place,
        TRY_CAST(
            CONCAT_WS(
                '-',
                CAST(EXTRACT(YEAR FROM e.occurred_on) AS VARCHAR),
                CAST(EXTRACT(DAY FROM e.occurred_on) AS VARCHAR),
                CAST(EXTRACT(MONTH FROM e.occurred_on) AS VARCHAR)
            ) AS DATE
        ) AS swapped_on
    FROM events AS e
    JOIN kinds AS k ON k.kind = e.kind
    WHERE k.chain_place IS NOT NULL AND e.known_from <= $as_of AND $as_of < e.known_until
),
places AS (
    SELECT unit, partner, record_no, chain_place, MIN(occurred_on) AS first_on, MAX(occurred_on) AS last_on
    FROM placed
    GROUP BY unit, partner, record_no, chain_place
),
neighbours AS (
    SELECT unit, partner, record_no, chain_place,
        MAX(first_on) OVER (
            PARTITION BY unit, partner, record_no ORDER BY chain_place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS not_before,
        MIN(last_on) OVER (
            PARTITION BY unit, partner, record_no ORDER BY chain_place ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS not_after
    FROM places
)
SELECT p.unit, p.partner, p.kind, COUNT(*) AS ambiguous,
    SUM(
        CASE WHEN (p.occurred_on < n.not_before OR p.occurred_on > n.not_after)
            AND p.swapped_on >= COALESCE(n.not_before, p.swapped_on) AND p.swapped_on <= COALESCE(n.not_after, p.swapped_on)
            THEN 1 ELSE 0 END
    ) AS swapped
FROM placed AS p
JOIN neighbours AS n ON n.unit = p.unit AND n.partner = p.partner AND n.record_no = p.record_no AND n.chain_place = p.chain_place
WHERE p.swapped_on <> p.occurred_on AND (n.not_before IS NOT NULL OR n.not_after IS NOT NULL)
GROUP BY p.unit, p.partner, p.kind
ORDER BY p.unit, p.partner, p.kind
