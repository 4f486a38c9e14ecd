"""Verdicts and incidents in SQL: SQLite by default, PostgreSQL by URL.

`tables` says what there is, `migrations` how it came about, `database` opens it. The archive worker alone
writes what the fleet found; who serves it to people reads it, and writes what they say of it.
"""
