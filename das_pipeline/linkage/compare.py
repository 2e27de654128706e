"""How two profiles are compared, the same in every layer: as SQL expressions over the columns of `records`."""

from __future__ import annotations

from das_pipeline.linkage.definition import LinkageDefinition


def alike(left: str, right: str) -> str:
    """Return a condition: two names differ in one letter at most, or in the order of two. Short names must be equal: Vos is not Bos."""
    return f"(LEAST(length({left}), length({right})) >= 4 AND damerau_levenshtein({left}, {right}) <= 1)"


def one_edit_apart(left: str, right: str) -> str:
    """Return a condition: two numbers differ in one character, or in the order of two neighbours."""
    return f"damerau_levenshtein({left}, {right}) = 1"


def given_equal(left: str, right: str) -> str:
    """Return a condition, NULL if a name is unknown: given names are equal, or one is the second of the other: a call name."""
    return (
        f"({left}.given_name = {right}.given_name OR COALESCE({left}.given_2 = {right}.given_name, false)"
        f" OR COALESCE({left}.given_name = {right}.given_2, false))"
    )


def given_alike(left: str, right: str) -> str:
    """Return a condition: all given names together differ in one letter at most, as when the space between two was mistyped."""
    return (
        f"(LEAST(length({left}.given_surname), length({right}.given_surname)) >= 6"
        f" AND damerau_levenshtein({left}.given_surname, {right}.given_surname) <= 1)"
    )


def given_kin(left: str, right: str) -> str:
    """Return a condition, NULL if a name is unknown: one given name is the beginning or the end of the other, or two edits from it.

    So are pet names (Leen, Cisca) and what another clerk heard or read (Olexandr).
    """
    one, two = f"{left}.given_name", f"{right}.given_name"
    ways = (
        f"(length({a}) >= 3 AND starts_with({b}, {a})) OR (length({a}) >= 4 AND ends_with({b}, {a}))" for a, b in ((one, two), (two, one))
    )
    return f"({' OR '.join(ways)} OR (LEAST(length({one}), length({two})) >= 5 AND damerau_levenshtein({one}, {two}) <= 2))"


def of_initial(left: str, right: str) -> str:
    """Return a condition: of one, only an initial is known, which is that of the other's given name or call name."""
    ways = (
        f"(length({a}.given_name) = 1 AND COALESCE({a}.given_name IN ({b}.initial, left({b}.given_2, 1)), false))"
        for a, b in ((left, right), (right, left))
    )
    return f"({' OR '.join(ways)})"


def swapped(left: str, right: str) -> str:
    """Return a condition, never NULL: one has as surname what the other has as given name, and the other way round.

    One mistyped letter in each is allowed, and the given name may be a call name or an initial.
    """
    ways = (
        f"(({a}.given_name = {b}.surname_1 OR {alike(f'{a}.given_name', f'{b}.surname_1')})"
        f" AND ({a}.surname IN ({b}.given_surname, {b}.given_2) OR {a}.surname_1 = {b}.given_name"
        f" OR {alike(f'{a}.surname_1', f'{b}.given_name')} OR (length({a}.surname_1) = 1 AND {a}.surname_1 = {b}.initial)))"
        for a, b in ((left, right), (right, left))
    )
    return f"COALESCE({' OR '.join(ways)}, false)"


# Every term gives +1 (agrees), 0 (says nothing) or -1 (disagrees), and tests for NULL first: with three-valued logic left to itself, a
# missing value silently counts as disagreement in one place and as agreement in another.
_TERMS = {
    "surname": """CASE WHEN {l}.surname IS NULL OR {r}.surname IS NULL THEN 0
        WHEN {l}.surname = {r}.surname OR COALESCE({l}.surname_1 IN ({r}.surname_1, {r}.surname_2), false)
            OR COALESCE({l}.surname_2 IN ({r}.surname_1, {r}.surname_2), false)
            OR """
    + f"{alike('{l}.surname', '{r}.surname')} OR {swapped('{l}', '{r}')} THEN 1 ELSE -1 END",
    "given_names": "CASE WHEN {l}.initial IS NULL OR {r}.initial IS NULL THEN 0 WHEN {l}.initial = {r}.initial "
    + f"OR {given_equal('{l}', '{r}')} OR {given_kin('{l}', '{r}')} OR {of_initial('{l}', '{r}')} "
    + f"OR {swapped('{l}', '{r}')} THEN 1 ELSE -1 END",
    "birth_date": """CASE WHEN {l}.birth_on IS NULL OR {r}.birth_on IS NULL THEN 0
        WHEN {l}.is_year_only OR {r}.is_year_only THEN CASE WHEN year({l}.birth_on) = year({r}.birth_on) THEN 1 ELSE -1 END
        WHEN {l}.birth_on = {r}.birth_on THEN 1 ELSE -1 END""",
    # Half of all pairs agree on sex: agreement says nothing, disagreement does.
    "sex": "CASE WHEN COALESCE({l}.sex <> {r}.sex, false) THEN -1 ELSE 0 END",
}


_BORN_APART = """(COALESCE(CASE WHEN {l}.is_year_only OR {r}.is_year_only THEN year({l}.birth_on) <> year({r}.birth_on)
    ELSE CAST(year({l}.birth_on) = year({r}.birth_on) AS INTEGER) + CAST(month({l}.birth_on) = month({r}.birth_on) AS INTEGER)
        + CAST(day({l}.birth_on) = day({r}.birth_on) AS INTEGER) < 2
        AND NOT (year({l}.birth_on) = year({r}.birth_on) AND month({l}.birth_on) = day({r}.birth_on)
            AND day({l}.birth_on) = month({r}.birth_on)) END, false))"""


def agreement(definition: LinkageDefinition, left: str, right: str) -> str:
    """Return the agreement score of two profiles: the sum over the roles in `profile`; 1 or more accepts a key that both hold."""
    return " + ".join(f"({term})" for term in agreements(definition, left, right).values()) or "0"


def agreements(definition: LinkageDefinition, left: str, right: str) -> dict[str, str]:
    """Return what each role in `profile` adds to the agreement score of two profiles: 1 agrees, 0 says nothing, -1 disagrees."""
    return {role: _TERMS[role].format(l=left, r=right) for role in definition.profile}


def surname_agrees(left: str, right: str) -> str:
    """Return a condition, never NULL: both surnames are known and agree."""
    return f"({_TERMS['surname'].format(l=left, r=right)}) = 1"


def surname_disagrees(left: str, right: str) -> str:
    """Return a condition, never NULL: both surnames are known and do not agree."""
    return f"({_TERMS['surname'].format(l=left, r=right)}) = -1"


def is_another_person(left: str, right: str) -> str:
    """Return a condition: two profiles have another surname and another birth date, both of them known (rule K04)."""
    return " AND ".join(f"({_TERMS[role].format(l=left, r=right)}) = -1" for role in ("surname", "birth_date"))


def born_apart(left: str, right: str) -> str:
    """Return a condition: two birth dates are beyond tolerance (rule L04): fewer than two of year, month and day agree, and it is no swap.

    One different part is a typing mistake; two mean another person. Of a partial date only the year counts.
    """
    return _BORN_APART.format(l=left, r=right)


def nearly_born(left: str, right: str) -> str:
    """Return a condition: two birth dates differ in no more than one mistyped part, or are day and month swapped."""
    whole = f"NOT {left}.is_year_only AND NOT {right}.is_year_only"
    return f"(COALESCE({left}.birth_on <> {right}.birth_on AND {whole}, false) AND NOT {born_apart(left, right)})"


def given_apart(left: str, right: str) -> str:
    """Return a condition: two given names are nothing alike, as those of twins or of father and son.

    An initial is like its name, a call name like the names that it is one of, and a name like another in which one letter was mistyped.
    """
    return f"""COALESCE(NOT {given_equal(left, right)} AND NOT {swapped(left, right)} AND NOT {given_alike(left, right)}
        AND NOT (LEAST(length({left}.given_name), length({right}.given_name)) >= 3
            AND damerau_levenshtein({left}.given_name, {right}.given_name) <= 1)
        AND NOT {given_kin(left, right)} AND NOT {of_initial(left, right)}, false)"""


def sexes_apart(left: str, right: str) -> str:
    """Return a condition: of another sex, and neither of one given name nor born on one day. A mistaken sex alone says little."""
    return (
        f"COALESCE({left}.sex <> {right}.sex AND NOT (COALESCE({left}.given_name = {right}.given_name, false)"
        f" AND COALESCE({left}.birth_on = {right}.birth_on, false)), false)"
    )


def of_twins(left: str, right: str) -> str:
    """Return a condition: two children born together: one surname and birth date, and given names that are nothing alike, or another sex.

    A mistaken sex alone makes no twins: the given names must differ, if only in a letter.
    """
    born = f"{left}.birth_on = {right}.birth_on AND NOT {left}.is_year_only AND NOT {right}.is_year_only"
    sexes = f"COALESCE({left}.sex <> {right}.sex AND NOT {given_equal(left, right)} AND NOT {of_initial(left, right)}, false)"
    return f"(COALESCE({born}, false) AND {surname_agrees(left, right)} AND ({given_apart(left, right)} OR {sexes}))"
