#!/usr/bin/env bash
# sqlglot 30.30.0: optimize() changes the answer of a LEFT JOIN with a constant column.
# When the right side of the join is a subquery with a constant column (the usual
# "1 AS delivered" marker), the rule merge_subqueries moves the constant to the outer
# SELECT. A row without a match then shows the constant where SQL demands NULL.
# Expected: the documentation offers the optimized query as a canonical form to compare and
# to run, so it has to give the same rows.
# For a pipeline that optimizes or normalizes its SQL before running it: a completeness
# table says that every partner delivered, and COALESCE(marker, 0) is 1 everywhere.
set -euo pipefail
tmp="$(mktemp -d)"
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile 'sqlglot==30.30.0' 'duckdb==1.5.5'
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import duckdb
import sqlglot
from sqlglot.optimizer import optimize
from sqlglot.optimizer.merge_subqueries import merge_subqueries
from sqlglot.optimizer.qualify import qualify

print("sqlglot", sqlglot.__version__, "| duckdb", duckdb.__version__)

con = duckdb.connect()
con.execute("CREATE TABLE partner AS SELECT * FROM (VALUES ('P1'), ('P2'), ('P3')) t(code)")
con.execute("CREATE TABLE delivery AS SELECT * FROM (VALUES ('P1'), ('P2')) t(code)")
schema = {"partner": {"code": "text"}, "delivery": {"code": "text"}}

query = """
    SELECT p.code, d.delivered
    FROM partner AS p
    LEFT JOIN (SELECT code, 1 AS delivered FROM delivery) AS d ON d.code = p.code
    ORDER BY p.code
"""


def rows(sql):
    return con.execute(sql).fetchall()


original = rows(query)
optimized_sql = optimize(query, schema=schema, dialect="duckdb").sql("duckdb")
optimized = rows(optimized_sql)
print("as written :", original)
print("optimized  :", optimized)
print("its text   :", optimized_sql)

# One rule alone is enough.
tree = qualify(sqlglot.parse_one(query, dialect="duckdb"), schema=schema, dialect="duckdb")
before = rows(tree.sql("duckdb"))
after = rows(merge_subqueries(tree.copy()).sql("duckdb"))
print("qualify    :", before)
print("  + merge_subqueries:", after)

# The same column read from the table instead of written as a constant stays right.
con.execute("CREATE TABLE delivery_marked AS SELECT code, 1 AS delivered FROM delivery")
control_query = query.replace("(SELECT code, 1 AS delivered FROM delivery)",
                              "(SELECT code, delivered FROM delivery_marked)")
control_schema = {**schema, "delivery_marked": {"code": "text", "delivered": "int"}}
control = rows(optimize(control_query, schema=control_schema, dialect="duckdb").sql("duckdb"))
print("control    :", control)

right = [("P1", 1), ("P2", 1), ("P3", None)]
wrong = [("P1", 1), ("P2", 1), ("P3", 1)]
assert original == right and before == right and control == right
assert optimized == wrong, "optimize() now keeps the NULL: the finding is out of date"
assert after == wrong, "merge_subqueries now keeps the NULL: the finding is out of date"
print("confirmed: the partner without a delivery is reported as delivered")
PY
