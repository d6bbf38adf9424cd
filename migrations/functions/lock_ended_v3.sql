-- Locks jobs, and those of their given runs that are running, and returns all that decides about the end of an attempt.
-- One row for each running run, and for a locked job of which none runs one row without a run. With `patient` false
-- it waits neither for the gate of pauses nor for a job: what is locked by others is left out. What follows a_run_waits
-- of a job, and report_lease_at of a run, decides nothing: it is for the metrics.
CREATE FUNCTION carillon_lock_ended_v3(gate BIGINT, job_ids UUID[], run_ids UUID[], patient BOOLEAN)
RETURNS TABLE (
    job_id UUID, version INTEGER, account_id TEXT, queue TEXT, schedule_kind TEXT, schedule TEXT, priority SMALLINT,
    job_deadline_at TIMESTAMPTZ, deadline_seconds DOUBLE PRECISION, job_expire BOOLEAN, state TEXT,
    next_run_at TIMESTAMPTZ, polling_state TEXT, polling_version INTEGER, polls INTEGER, created_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ, reopened_at TIMESTAMPTZ, failures_in_row INTEGER, late_since TIMESTAMPTZ, a_run_waits BOOLEAN,
    app_name TEXT, task_type TEXT,
    run_id UUID, run_queue TEXT, job_version INTEGER, scheduled_for TIMESTAMPTZ, failure_count INTEGER,
    loss_count INTEGER, fence BIGINT, expire BOOLEAN,
    deadline_at TIMESTAMPTZ, deadline_missed_at TIMESTAMPTZ, late_at TIMESTAMPTZ, cancel_requested_at TIMESTAMPTZ,
    lease_expires_at TIMESTAMPTZ, reports_until TIMESTAMPTZ, report_lease_at TIMESTAMPTZ,
    claimable_since TIMESTAMPTZ, began_at TIMESTAMPTZ)
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
DECLARE
    locked UUID[];
BEGIN
    IF patient THEN
        PERFORM pg_advisory_xact_lock_shared(gate);
        locked := ARRAY(SELECT j.id FROM jobs j WHERE j.id = ANY (job_ids) ORDER BY j.id FOR NO KEY UPDATE);
    ELSIF pg_try_advisory_xact_lock_shared(gate) THEN
        locked := ARRAY(SELECT j.id FROM jobs j WHERE j.id = ANY (job_ids) ORDER BY j.id FOR NO KEY UPDATE SKIP LOCKED);
    ELSE
        RETURN;
    END IF;
    PERFORM 1 FROM runs r WHERE r.id = ANY (run_ids) AND r.job_id = ANY (locked) AND r.status = 'running'
        ORDER BY r.id FOR NO KEY UPDATE;
    RETURN QUERY
        SELECT j.id, j.version, j.account_id, j.queue, j.schedule_kind, j.schedule, j.priority, j.deadline_at,
            j.deadline_seconds, j.expire, j.state, j.next_run_at, j.polling_state, j.polling_version, j.polls,
            j.created_at, j.deleted_at, j.reopened_at, j.failures_in_row, j.late_since,
            EXISTS (SELECT FROM runs w WHERE w.job_id = j.id AND w.status = 'queued' AND w.held_by = 'overlap'),
            a.name, j.task_type,
            r.id, r.queue, r.job_version, r.scheduled_for, r.failure_count, r.loss_count, r.fence, r.expire,
            r.deadline_at, r.deadline_missed_at, r.late_at, r.cancel_requested_at, r.lease_expires_at, r.reports_until,
            r.report_lease_at,
            CASE WHEN r.was_held OR r.rate_limited_at IS NOT NULL THEN NULL ELSE r.due_at END,
            COALESCE(r.claimed_at, r.started_at)
        FROM jobs j
        JOIN apps a ON a.id = j.app_id
        LEFT JOIN runs r ON r.job_id = j.id AND r.id = ANY (run_ids) AND r.status = 'running'
        WHERE j.id = ANY (locked);
END $$
