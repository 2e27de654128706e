-- ages: one row per record and date that asks for an age: whole years on that date. Keys: unit, record_no, date.
-- Sources: asked (unit, record_no, date; several rows may ask for one), births (unit, record_no, birth_on: the record's own birth date,
-- or else its person's usual one). An age outside 0..120 means a mistake in one of the two dates: it is unknown and has no row.
WITH whole_years AS (
    SELECT a.unit, a.record_no, a.date,
        EXTRACT(YEAR FROM a.date) - EXTRACT(YEAR FROM b.birth_on)
        - CASE WHEN EXTRACT(MONTH FROM a.date) * 100 + EXTRACT(DAY FROM a.date)
            < EXTRACT(MONTH FROM b.birth_on) * 100 + EXTRACT(DAY FROM b.birth_on) THEN 1 ELSE 0 END AS age
    FROM asked AS a JOIN births AS b ON b.unit = a.unit AND b.record_no = a.record_no
    WHERE b.birth_on IS NOT NULL
)
SELECT DISTINCT unit, record_no, date, CAST(age AS SMALLINT) AS age FROM whole_years WHERE age BETWEEN 0 AND 120
