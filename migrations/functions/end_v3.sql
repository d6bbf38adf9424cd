-- Writes what follows from the ends of attempts. The jobs are locked by the caller, and the fences were read under the
-- lock. Each list is JSON and may be empty: ends of runs, changes of jobs, jobs that may be over.
CREATE FUNCTION carillon_end_v3(ended JSONB, changed JSONB, maybe_over JSONB, at TIMESTAMPTZ)
RETURNS VOID
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
BEGIN
    -- One statement, so that all of it reads the runs as they were before these ends.
    WITH ends AS MATERIALIZED (
        SELECT e.* FROM JSONB_TO_RECORDSET(ended) AS e (
            id UUID, c JSONB, outcome TEXT, finished_at TIMESTAMPTZ, error_type TEXT, error_message TEXT,
            status_code INTEGER, answer TEXT)
    ), kept AS (
        INSERT INTO attempts AS t (
            run_id, number, fence, worker_id, started_at, token_hash, polling_version, outcome, finished_at, error_type,
            error_message, status_code, answer)
        SELECT r.id, r.attempt_count, r.fence, r.worker_id, COALESCE(r.claimed_at, r.started_at, r.due_at),
            r.claimed_token_hash, r.claimed_polling_version, e.outcome, e.finished_at, e.error_type, e.error_message,
            e.status_code, e.answer
        FROM ends e JOIN runs r ON r.id = e.id
        WHERE r.status = 'running'
        -- Workers of the former release stored it when it began.
        ON CONFLICT (run_id, number) DO UPDATE SET
            outcome = EXCLUDED.outcome, finished_at = EXCLUDED.finished_at, error_type = EXCLUDED.error_type,
            error_message = EXCLUDED.error_message, status_code = EXCLUDED.status_code, answer = EXCLUDED.answer
        WHERE t.finished_at IS NULL
    ), freed AS (
        UPDATE uses u SET ended_at = e.finished_at FROM ends e WHERE u.run_id = e.id AND u.ended_at IS NULL
    )
    UPDATE runs r SET
        status = e.c ->> 'status',
        lease_expires_at = NULL, worker_id = NULL, reports_until = NULL, report_lease_at = NULL,
        claimed_at = NULL, claimed_token_hash = NULL, claimed_polling_version = NULL,
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
    FROM ends e
    WHERE r.id = e.id AND r.status = 'running';

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

    UPDATE jobs j SET state = e.state, next_run_at = NULL, finished_at = at, updated_at = at
    FROM JSONB_TO_RECORDSET(maybe_over) AS e (id UUID, state TEXT)
    WHERE j.id = e.id AND j.state IN ('active', 'paused') AND j.next_run_at IS NULL AND NOT EXISTS (
        SELECT FROM runs r
        WHERE r.job_id = j.id AND r.status IN ('pending', 'queued', 'running', 'retrying'));
END $$
