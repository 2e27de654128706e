-- Rule C06: one row with the number of spells of which the law allows a person one at a time, as known on $as_of, and how many of them
-- begin while another one of that person is open. Source: spells; single_spells (spell) from chain.yaml.
WITH whole AS (
    SELECT s.spell, s.person_id, s.record_no, s.spell_no, MIN(s.start_on) AS start_on,
        MAX(CASE WHEN s.end_known <= $as_of THEN s.end_on ELSE DATE '9999-12-31' END) AS end_on
    FROM spells AS s
    JOIN single_spells AS o ON o.spell = s.spell
    WHERE s.person_id IS NOT NULL AND s.known_from <= $as_of AND $as_of < s.known_until
    GROUP BY s.spell, s.person_id, s.record_no, s.spell_no
),
followed AS (
    SELECT spell, person_id, start_on,
        MAX(end_on) OVER (
            PARTITION BY spell, person_id ORDER BY start_on, record_no, spell_no ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS open_until
    FROM whole
),
counted AS (
    SELECT COUNT(*) AS spells, SUM(CASE WHEN open_until > start_on THEN 1 ELSE 0 END) AS overlapping FROM followed
)
SELECT spells, COALESCE(overlapping, 0) AS overlapping FROM counted
