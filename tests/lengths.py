"""How many of each thing the long tests take: enough for what they show, and more where TEST_JOBS asks for it."""

from __future__ import annotations

import os

# Jobs that each crash and each outage meets. TEST_JOBS=2000 asks for the long run of them and of all below.
JOBS = int(os.environ.get("TEST_JOBS", "100"))
LONG = JOBS >= 1_000
MINUTES = 3 if LONG else 2  # for which cron jobs are counted, with everything twice
RACES = max(50, JOBS // 3)  # of each kind of race
SCHEDULES = max(24, JOBS // 6)  # of each kind that an outage of the coordinator meets: each pair of policies twice
EXAMPLES = max(5, JOBS // 30)  # requests made up from the description of each operation
OF_BORDERS = 1 if LONG else 3  # one in so many of the requests about the borders of a long description
DEATHS = 3 if LONG else 2  # of one process, one after the other, where each takes long to come back
OF_OTHERS = max(2, JOBS // 75)  # requests made up for each operation, about what is another tenant's
EXPRESSIONS = max(100, JOBS * 2 // 3)  # cron expressions made up for each of twelve zones
STEPS = max(300, JOBS * 2)  # of the random walk on each database; TEST_JOBS=5000 asks for 10,000
