-- Locks the most urgent claimable runs of a queue, at most so many, with what their limits go by; never waits for a lock.
-- `looks_further`: some host or some key of data is limited, so that the job and its data must be read, too.
CREATE FUNCTION carillon_candidates_v1(wanted TEXT, room INTEGER, at TIMESTAMPTZ)
RETURNS TABLE (
    id UUID, job_id UUID, job_version INTEGER, queue TEXT, app_id UUID, app_name TEXT, account_id TEXT,
    looks_further BOOLEAN)
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
DECLARE
    further BOOLEAN := EXISTS (SELECT FROM limits l WHERE l.kind = 'host')
        OR EXISTS (SELECT FROM limits l WHERE l.kind = 'key');
BEGIN
    RETURN QUERY
        SELECT r.id, r.job_id, r.job_version, r.queue, j.app_id, a.name, r.account_id, further
        FROM runs r
        JOIN jobs j ON j.id = r.job_id
        JOIN apps a ON a.id = j.app_id
        WHERE r.queue = wanted AND r.status = 'queued' AND r.held_by IS NULL AND (NOT r.expire OR r.deadline_at >= at)
        ORDER BY r.priority DESC, (r.deadline_at IS NULL), r.deadline_at, r.due_at, r.id
        LIMIT room
        FOR NO KEY UPDATE OF r SKIP LOCKED;
END $$
