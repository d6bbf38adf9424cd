-- Picks the most urgent claimable runs of a queue, at most so many, and starts them, each with the priority and, where
-- parties share it, the party for which it was picked. For queues on which no limit is.
CREATE FUNCTION carillon_claim_v5(
    wanted TEXT, room INTEGER, worker UUID, at TIMESTAMPTZ, lease_until TIMESTAMPTZ, token_hashes TEXT[], after TEXT[])
RETURNS TABLE (
    place BIGINT, id UUID, job_id UUID, job_version INTEGER, attempt_count INTEGER, fence BIGINT,
    scheduled_for TIMESTAMPTZ, data TEXT, version INTEGER, task_type TEXT, callback_url TEXT, board_id TEXT,
    job_data TEXT, max_retries INTEGER, retry_backoff_base DOUBLE PRECISION, retry_backoff_max DOUBLE PRECISION,
    time_limit_seconds DOUBLE PRECISION, polling_state TEXT, polling_version INTEGER, app_id UUID, base_url TEXT,
    type_max_retries INTEGER, type_backoff_base DOUBLE PRECISION, request TEXT, due_at TIMESTAMPTZ, trace TEXT,
    job_trace TEXT, priority SMALLINT, party TEXT)
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
DECLARE
    picked UUID[];
    levels SMALLINT[];
    parties TEXT[];
BEGIN
    SELECT ARRAY_AGG(p.id), ARRAY_AGG(p.priority), ARRAY_AGG(p.party) INTO picked, levels, parties
        FROM carillon_pick_v2(wanted, room, at, after) AS p;
    IF picked IS NOT NULL THEN
        RETURN QUERY
            SELECT s.*, levels[s.place], parties[s.place]
            FROM carillon_start_v5(picked, worker, at, lease_until, token_hashes, '{}', '{}') AS s;
    END IF;
END $$
