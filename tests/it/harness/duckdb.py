# Runs the SQL on standard input in DuckDB and prints the rows of the last statement as JSON.
# Every value is DuckDB's own text for it, or null. Times are shown in UTC. Nothing is downloaded:
# the Delta reader is a file of an installed Python package.
import json
import pathlib
import sys

import duckdb
import duckdb_extension_delta

package = pathlib.Path(duckdb_extension_delta.__file__).parent
extension = package / "extensions" / f"v{duckdb.__version__}" / "delta.duckdb_extension"

connection = duckdb.connect(":memory:")
connection.execute("SET autoinstall_known_extensions = false; SET TimeZone = 'UTC'")
# A slow statement would otherwise draw its progress among the rows.
connection.execute("SET enable_progress_bar = false")
connection.load_extension(str(extension))

*before, last = connection.extract_statements(sys.stdin.read())
for statement in before:
    connection.execute(statement)
rows = connection.sql(last.query)
json.dump(rows.project("COLUMNS(*)::VARCHAR").fetchall() if rows else [], sys.stdout)
