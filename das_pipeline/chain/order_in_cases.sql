-- Rule C01: one row with the number of events of the ordered kinds as known on $as_of, how many of them are dated before an earlier kind
-- of their unit (`in_units`: not counted), and how many others before an earlier kind of their case (`in_cases`: reported only, for the
-- other unit may be wrong).
-- Source: events; kinds (kind, chain_place).
WITH placed AS (
    SELECT e.case_id, e.occurred_on, e.rule, k.chain_place
    FROM events AS e
    JOIN kinds AS k ON k.kind = e.kind
    WHERE k.chain_place IS NOT NULL AND e.known_from <= $as_of AND $as_of < e.known_until
),
first_dates AS (
    SELECT case_id, chain_place, MIN(occurred_on) AS first_on
    FROM placed
    WHERE rule IS NULL AND case_id IS NOT NULL
    GROUP BY case_id, chain_place
),
earliest_dates AS (
    SELECT case_id, chain_place,
        MAX(first_on) OVER (PARTITION BY case_id ORDER BY chain_place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS not_before
    FROM first_dates
),
counted AS (
    SELECT COUNT(*) AS events,
        SUM(CASE WHEN p.rule = 'C01' THEN 1 ELSE 0 END) AS in_units,
        SUM(CASE WHEN p.rule IS NULL AND p.occurred_on < e.not_before THEN 1 ELSE 0 END) AS in_cases
    FROM placed AS p
    LEFT JOIN earliest_dates AS e ON e.case_id = p.case_id AND e.chain_place = p.chain_place
)
SELECT events, COALESCE(in_units, 0) AS in_units, COALESCE(in_cases, 0) AS in_cases FROM counted
