"""The invariants of a chaos run, by their numbers: any breach fails the run."""

from __future__ import annotations

from bench.chaos.evidence import Evidence
from bench.chaos.invariants import of_jobs, of_others, of_runs
from bench.chaos.invariants.breaches import Breach, Invariant

INVARIANTS: dict[int, Invariant] = {
    1: of_jobs.every_accepted_post_has_one_job,
    2: of_jobs.rows_match_the_oracle,
    3: of_runs.everything_ends,
    4: of_runs.attempts_add_up,
    5: of_runs.completed_means_done,
    6: of_runs.attempts_never_overlap,
    7: of_runs.fences_hold,
    8: of_others.polling_states_go_forward,
    9: of_others.cancelled_means_over,
    10: of_others.small_tenants_do_not_wait,
    11: of_others.live_updates_go_forward,
    12: of_others.processes_stay_small,
    13: of_jobs.the_api_answers_through_outages,
    14: of_jobs.runs_of_a_job_that_skips_take_turns,
}


def check(evidence: Evidence) -> dict[int, list[Breach]]:
    """Returns the breaches of each invariant that has any."""
    found = {number: list(invariant(evidence)) for number, invariant in INVARIANTS.items()}
    return {number: breaches for number, breaches in found.items() if breaches}
