"""Runs one command to its end and prints what it took, as JSON on the last line.

wall_s, cpu_s (user and system, children included), rss_mb (the greatest resident size).
"""

import json
import os
import sys
import time

begin = time.monotonic()
child = os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(child, 0)
wall = time.monotonic() - begin
print(json.dumps({"wall_s": wall, "cpu_s": used.ru_utime + used.ru_stime, "rss_mb": used.ru_maxrss / 1024}))
sys.exit(os.waitstatus_to_exitcode(status))
