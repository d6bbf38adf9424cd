-- Picks the most urgent claimable runs of a queue, at most so many, and starts them. For queues on which no limit is.
CREATE FUNCTION carillon_claim_v2(
    wanted TEXT, room INTEGER, worker UUID, at TIMESTAMPTZ, lease_until TIMESTAMPTZ, token_hashes TEXT[])
RETURNS TABLE (
    place BIGINT, id UUID, job_id UUID, job_version INTEGER, attempt_count INTEGER, fence BIGINT,
    scheduled_for TIMESTAMPTZ, data TEXT, version INTEGER, task_type TEXT, callback_url TEXT, board_id TEXT,
    job_data TEXT, max_retries INTEGER, retry_backoff_base DOUBLE PRECISION, retry_backoff_max DOUBLE PRECISION,
    time_limit_seconds DOUBLE PRECISION, polling_state TEXT, polling_version INTEGER, app_id UUID, base_url TEXT,
    type_max_retries INTEGER, type_backoff_base DOUBLE PRECISION, request TEXT)
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
DECLARE
    picked UUID[] := ARRAY(SELECT p.id FROM carillon_pick_v1(wanted, room, at) AS p);
BEGIN
    IF picked <> '{}' THEN
        RETURN QUERY SELECT * FROM carillon_start_v3(picked, worker, at, lease_until, token_hashes, '{}', '{}');
    END IF;
END $$
