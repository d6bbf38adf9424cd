-- Stores new jobs with their tags and first runs, and returns the ids of the jobs stored: one whose name another job of
-- its app has is left out, with all that is its own. Each list is JSON and may be empty; what it leaves out is null. The
-- jobs come in the order of their names, so that two calls with the same names never wait for each other.
CREATE FUNCTION carillon_create_v4(new_jobs JSONB, new_tags JSONB, new_runs JSONB)
RETURNS SETOF UUID
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
DECLARE
    stored UUID[];
BEGIN
    WITH made AS (
        INSERT INTO jobs (
            id, app_id, owner_id, account_id, name, name_key, title, search_text, metadata, user_id, board_id, task_type,
            queue, callback_url, data, schedule_kind, schedule, priority, max_retries, retry_backoff_base,
            retry_backoff_max, time_limit_seconds, catch_up, catch_up_window_seconds, overlap, deadline_at,
            deadline_seconds, expire, limit_key, state, next_run_at, polling_state, created_at, updated_at, created_by,
            trace, version, runs_started, polling_version, polls, failures_in_row)
        SELECT j.id, j.app_id, j.owner_id, j.account_id, j.name, j.name_key, j.title, j.search_text, j.metadata,
            j.user_id, j.board_id, j.task_type, j.queue, j.callback_url, j.data, j.schedule_kind, j.schedule, j.priority,
            j.max_retries, j.retry_backoff_base, j.retry_backoff_max, j.time_limit_seconds, j.catch_up,
            j.catch_up_window_seconds, j.overlap, j.deadline_at, j.deadline_seconds, j.expire, j.limit_key, j.state,
            j.next_run_at, j.polling_state, j.created_at, j.updated_at, j.created_by, j.trace, 1, 0, 0, 0, 0
        FROM JSONB_TO_RECORDSET(new_jobs) AS j (
            id UUID, app_id UUID, owner_id UUID, account_id TEXT, name TEXT, name_key TEXT, title TEXT, search_text TEXT,
            metadata TEXT, user_id TEXT, board_id TEXT, task_type TEXT, queue TEXT, callback_url TEXT, data TEXT,
            schedule_kind TEXT, schedule TEXT, priority SMALLINT, max_retries INTEGER,
            retry_backoff_base DOUBLE PRECISION, retry_backoff_max DOUBLE PRECISION,
            time_limit_seconds DOUBLE PRECISION, catch_up TEXT, catch_up_window_seconds DOUBLE PRECISION, overlap TEXT,
            deadline_at TIMESTAMPTZ, deadline_seconds DOUBLE PRECISION, expire BOOLEAN, limit_key TEXT, state TEXT,
            next_run_at TIMESTAMPTZ, polling_state TEXT, created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ,
            created_by TEXT, trace TEXT)
        ON CONFLICT DO NOTHING
        RETURNING id
    )
    SELECT ARRAY_AGG(m.id) INTO stored FROM made m;

    IF JSONB_ARRAY_LENGTH(new_tags) > 0 THEN
        INSERT INTO job_tags (job_id, tag)
            SELECT t.job_id, t.tag FROM JSONB_TO_RECORDSET(new_tags) AS t (job_id UUID, tag TEXT)
            WHERE t.job_id = ANY (stored);
    END IF;

    INSERT INTO runs (
        id, job_id, job_version, account_id, queue, trigger, scheduled_for, due_at, priority, deadline_at, expire,
        aged_at, status, held_by, reason, finished_at, occurrences, created_at, attempt_count, failure_count, loss_count,
        fence, was_held, party, trace)
    SELECT r.id, r.job, r.job_version, r.account_id, r.queue, r.trigger, r.scheduled_for, r.due_at, r.priority,
        r.deadline_at, r.expire, r.aged_at, r.status, r.held_by, r.reason, r.finished_at, r.occurrences, r.created_at,
        0, 0, 0, 0, FALSE, r.party, r.trace
    FROM JSONB_TO_RECORDSET(new_runs) AS r (
        id UUID, job UUID, job_version INTEGER, account_id TEXT, queue TEXT, trigger TEXT, scheduled_for TIMESTAMPTZ,
        due_at TIMESTAMPTZ, priority SMALLINT, deadline_at TIMESTAMPTZ, expire BOOLEAN, aged_at TIMESTAMPTZ, status TEXT,
        held_by TEXT, reason TEXT, finished_at TIMESTAMPTZ, occurrences INTEGER, created_at TIMESTAMPTZ,
        party TEXT, trace TEXT)
    WHERE r.job = ANY (stored)
    ON CONFLICT DO NOTHING;

    RETURN QUERY SELECT UNNEST(stored);
END $$
