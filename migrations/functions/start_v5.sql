-- Starts picked runs, each under a lease, and returns all that a handler needs, with the traces that runs and jobs were
-- made in. The run keeps the current attempt until that is stored at its end (see `end_v3`): when it was claimed, the
-- hash of its token, and the version of the polling state that it goes by. Runs that use limited keys are named with
-- them: the run `used_by[n]` uses the key `used_keys[n]`.
CREATE FUNCTION carillon_start_v5(
    picked UUID[], worker UUID, at TIMESTAMPTZ, lease_until TIMESTAMPTZ, token_hashes TEXT[], used_keys TEXT[],
    used_by UUID[])
RETURNS TABLE (
    place BIGINT, id UUID, job_id UUID, job_version INTEGER, attempt_count INTEGER, fence BIGINT,
    scheduled_for TIMESTAMPTZ, data TEXT, version INTEGER, task_type TEXT, callback_url TEXT, board_id TEXT,
    job_data TEXT, max_retries INTEGER, retry_backoff_base DOUBLE PRECISION, retry_backoff_max DOUBLE PRECISION,
    time_limit_seconds DOUBLE PRECISION, polling_state TEXT, polling_version INTEGER, app_id UUID, base_url TEXT,
    type_max_retries INTEGER, type_backoff_base DOUBLE PRECISION, request TEXT, due_at TIMESTAMPTZ, trace TEXT,
    job_trace TEXT)
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
BEGIN
    UPDATE runs SET status = 'running', attempt_count = runs.attempt_count + 1, fence = runs.fence + 1,
        worker_id = worker, lease_expires_at = lease_until, held_key = NULL, held_until = NULL,
        started_at = COALESCE(runs.started_at, at),
        claimed_at = at, claimed_token_hash = p.token_hash, claimed_polling_version = NULL
        FROM UNNEST(picked, token_hashes) AS p (id, token_hash)
        WHERE runs.id = p.id;
    IF used_keys <> '{}' THEN
        INSERT INTO uses (key, run_id, fence)
            SELECT u.key, u.run_id, r.fence FROM UNNEST(used_keys, used_by) AS u (key, run_id)
            JOIN runs r ON r.id = u.run_id
            ON CONFLICT DO NOTHING;
    END IF;
    -- A statement of its own: it sees what was edited before the locks were had. The version is looked up after it.
    RETURN QUERY
        WITH started AS MATERIALIZED (
            SELECT p.place, r.id, r.job_id, r.job_version, r.attempt_count, r.fence, r.scheduled_for, r.data,
                j.version, j.task_type, j.callback_url, j.board_id, j.data AS job_data, j.max_retries,
                j.retry_backoff_base, j.retry_backoff_max, j.time_limit_seconds, j.polling_state, j.polling_version,
                j.app_id, a.callback_base_url AS base_url, t.max_retries AS type_max_retries,
                t.retry_backoff_base AS type_backoff_base, t.request, r.due_at, r.trace, j.trace AS job_trace
            FROM UNNEST(picked) WITH ORDINALITY AS p (id, place)
            JOIN runs r ON r.id = p.id
            JOIN jobs j ON j.id = r.job_id
            JOIN apps a ON a.id = j.app_id
            LEFT JOIN app_task_types t ON t.app_id = j.app_id AND t.name = j.task_type
        ), polling AS (
            UPDATE runs r SET claimed_polling_version = s.polling_version
            FROM started s WHERE r.id = s.id AND s.polling_state IS NOT NULL
        )
        SELECT s.place, s.id, s.job_id, s.job_version, s.attempt_count, s.fence, s.scheduled_for, s.data, s.version,
            s.task_type, s.callback_url, s.board_id, s.job_data, s.max_retries, s.retry_backoff_base,
            s.retry_backoff_max, s.time_limit_seconds, s.polling_state, s.polling_version, s.app_id, s.base_url,
            s.type_max_retries, s.type_backoff_base, s.request, s.due_at, s.trace, s.job_trace
        FROM started s;
END $$
