"""sqlite3 that creates and queries a database file replays with the database gone."""

from support import programs

SQL = """
PRAGMA journal_mode = WAL;
CREATE TABLE numbers (id INTEGER PRIMARY KEY, value INTEGER, at TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
  INSERT INTO numbers (value, at) SELECT random(), strftime('%f', 'now') FROM n;
CREATE INDEX by_value ON numbers (value);
SELECT count(*), min(value), max(at) FROM numbers;
SELECT hex(randomblob(8)), datetime('now');
DELETE FROM numbers WHERE id % 2;
VACUUM;
SELECT count(*) FROM numbers;
"""


def test(space):
    sqlite3 = programs.rectest.require_program("sqlite3")
    work = space.directory("work")
    recorded = programs.round_trip(space, [sqlite3, "new.db"], stdin=SQL.encode(), forget=[work])
    programs.rectest.check(b"\n250\n" in recorded.stdout, "the query's answer is wrong", recorded)
    programs.rectest.check(not work.exists(), "replay made the database again", recorded)


programs.main(test)
