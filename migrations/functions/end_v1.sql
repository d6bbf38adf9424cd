-- Writes what follows from the ends of attempts. The jobs are locked by the caller, and the fences were read under the
-- lock. Each list is JSON and may be empty: ends of runs, changes of jobs, the runs that follow, jobs that may be over.
CREATE FUNCTION carillon_end_v1(ended JSONB, changed JSONB, following JSONB, maybe_over JSONB, at TIMESTAMPTZ)
RETURNS VOID
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
BEGIN
    UPDATE runs r SET
        status = e.c ->> 'status',
        lease_expires_at = NULL, worker_id = NULL, reports_until = NULL, report_lease_at = NULL,
        finished_at = CASE WHEN e.c ? 'finished_at' THEN (e.c ->> 'finished_at')::TIMESTAMPTZ ELSE r.finished_at END,
        due_at = CASE WHEN e.c ? 'due_at' THEN (e.c ->> 'due_at')::TIMESTAMPTZ ELSE r.due_at END,
        deadline_missed_at = CASE WHEN e.c ? 'deadline_missed_at'
            THEN (e.c ->> 'deadline_missed_at')::TIMESTAMPTZ ELSE r.deadline_missed_at END,
        held_by = CASE WHEN e.c ? 'held_by' THEN e.c ->> 'held_by' ELSE r.held_by END,
        reason = CASE WHEN e.c ? 'reason' THEN e.c ->> 'reason' ELSE r.reason END,
        failure_count = CASE WHEN e.c ? 'failure_count' THEN (e.c ->> 'failure_count')::INTEGER ELSE r.failure_count END,
        loss_count = CASE WHEN e.c ? 'loss_count' THEN (e.c ->> 'loss_count')::INTEGER ELSE r.loss_count END,
        fence = CASE WHEN e.c ? 'fence' THEN (e.c ->> 'fence')::BIGINT ELSE r.fence END,
        error_type = CASE WHEN e.c ? 'error_type' THEN e.c ->> 'error_type' ELSE r.error_type END,
        error_message = CASE WHEN e.c ? 'error_message' THEN e.c ->> 'error_message' ELSE r.error_message END,
        result = CASE WHEN e.c ? 'result' THEN e.c ->> 'result' ELSE r.result END,
        progress = CASE WHEN e.c ? 'progress' THEN e.c ->> 'progress' ELSE r.progress END,
        message = CASE WHEN e.c ? 'message' THEN e.c ->> 'message' ELSE r.message END
    FROM JSONB_TO_RECORDSET(ended) AS e (id UUID, c JSONB)
    WHERE r.id = e.id AND r.status = 'running';

    UPDATE attempts t SET
        outcome = e.outcome, finished_at = e.finished_at, error_type = e.error_type, error_message = e.error_message,
        status_code = e.status_code, answer = e.answer
    FROM JSONB_TO_RECORDSET(ended) AS e (
        id UUID, outcome TEXT, finished_at TIMESTAMPTZ, error_type TEXT, error_message TEXT, status_code INTEGER,
        answer TEXT)
    WHERE t.run_id = e.id AND t.finished_at IS NULL;

    IF JSONB_ARRAY_LENGTH(changed) > 0 THEN
        INSERT INTO polling_states (job_id, version, state, created_at)
            SELECT e.id, j.polling_version + 1, e.polling_state, at
            FROM JSONB_TO_RECORDSET(changed) AS e (id UUID, moves BOOLEAN, polling_state TEXT)
            JOIN jobs j ON j.id = e.id
            WHERE e.moves
            UNION ALL  -- the state before it is there already, but for the first
            SELECT e.id, j.polling_version, j.polling_state, CASE j.polling_version WHEN 0 THEN j.created_at ELSE at END
            FROM JSONB_TO_RECORDSET(changed) AS e (id UUID, moves BOOLEAN)
            JOIN jobs j ON j.id = e.id
            WHERE e.moves
            ON CONFLICT DO NOTHING;
        DELETE FROM polling_states p
            USING JSONB_TO_RECORDSET(changed) AS e (id UUID, moves BOOLEAN, oldest_kept INTEGER)
            WHERE p.job_id = e.id AND e.moves AND p.version < e.oldest_kept;
        UPDATE jobs j SET
            failures_in_row = e.failures_in_row, late_since = e.late_since, polls = j.polls + e.polls,
            polling_state = CASE WHEN e.moves THEN e.polling_state ELSE j.polling_state END,
            polling_version = CASE WHEN e.moves THEN j.polling_version + 1 ELSE j.polling_version END,
            end_reason = COALESCE(e.end_reason, j.end_reason)
        FROM JSONB_TO_RECORDSET(changed) AS e (
            id UUID, failures_in_row INTEGER, late_since TIMESTAMPTZ, polls INTEGER, moves BOOLEAN, polling_state TEXT,
            end_reason TEXT)
        WHERE j.id = e.id;
    END IF;

    IF JSONB_ARRAY_LENGTH(following) > 0 THEN
        INSERT INTO runs (
            id, job_id, job_version, account_id, queue, trigger, scheduled_for, due_at, priority, deadline_at, expire,
            aged_at, status, occurrences, attempt_count, failure_count, loss_count, fence, was_held, created_at)
        SELECT f.id, f.job_id, f.job_version, f.account_id, f.queue, f.trigger, f.scheduled_for, f.due_at, f.priority,
            f.deadline_at, f.expire, f.aged_at, f.status, 1, 0, 0, 0, 0, FALSE, f.created_at
        FROM JSONB_TO_RECORDSET(following) AS f (
            id UUID, job_id UUID, job_version INTEGER, account_id TEXT, queue TEXT, trigger TEXT,
            scheduled_for TIMESTAMPTZ, due_at TIMESTAMPTZ, priority SMALLINT, deadline_at TIMESTAMPTZ, expire BOOLEAN,
            aged_at TIMESTAMPTZ, status TEXT, created_at TIMESTAMPTZ)
        ON CONFLICT DO NOTHING;
    END IF;

    UPDATE jobs j SET state = e.state, next_run_at = NULL, finished_at = at, updated_at = at
    FROM JSONB_TO_RECORDSET(maybe_over) AS e (id UUID, state TEXT)
    WHERE j.id = e.id AND j.state IN ('active', 'paused') AND j.next_run_at IS NULL AND NOT EXISTS (
        SELECT FROM runs r
        WHERE r.job_id = j.id AND r.status IN ('pending', 'queued', 'running', 'retrying'));
END $$
