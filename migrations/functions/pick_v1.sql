-- Locks the most urgent claimable runs of a queue, at most so many; never waits for a lock.
CREATE FUNCTION carillon_pick_v1(wanted TEXT, room INTEGER, at TIMESTAMPTZ)
RETURNS TABLE (id UUID, account_id TEXT)
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT r.id, r.account_id FROM runs r
        WHERE r.queue = wanted AND r.status = 'queued' AND r.held_by IS NULL AND (NOT r.expire OR r.deadline_at >= at)
        ORDER BY r.priority DESC, (r.deadline_at IS NULL), r.deadline_at, r.due_at, r.id
        LIMIT room
        FOR NO KEY UPDATE SKIP LOCKED;
END $$
