-- Locks the most urgent claimable runs of a queue, at most so many; never waits for a lock. The highest priority first;
-- within one, parties share what is picked, and a party that waits alone gets it all, without being named. The walk over
-- the parties of a priority begins after `after[priority + 1]`.
CREATE FUNCTION carillon_pick_v2(wanted TEXT, room INTEGER, at TIMESTAMPTZ, after TEXT[])
RETURNS TABLE (id UUID, priority SMALLINT, party TEXT)
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
DECLARE
    level SMALLINT := 10;
    first_party TEXT;
    is_alone BOOLEAN;
    picked INTEGER;
BEGIN
    LOOP
        SELECT r.priority, r.party, NOT EXISTS (
            SELECT FROM runs o
            WHERE o.queue = wanted AND o.status = 'queued' AND o.held_by IS NULL AND o.priority = r.priority
                AND o.party > r.party AND (NOT o.expire OR o.deadline_at >= at))
            INTO level, first_party, is_alone
            FROM runs r
            WHERE r.queue = wanted AND r.status = 'queued' AND r.held_by IS NULL AND r.priority < level
                AND (NOT r.expire OR r.deadline_at >= at)
            ORDER BY r.priority DESC, r.party, (r.deadline_at IS NULL), r.deadline_at, r.due_at, r.id
            LIMIT 1;
        EXIT WHEN NOT FOUND;
        IF is_alone THEN
            RETURN QUERY
                SELECT r.id, r.priority, NULL FROM runs r
                WHERE r.queue = wanted AND r.status = 'queued' AND r.held_by IS NULL AND r.priority = level
                    AND r.party = first_party AND (NOT r.expire OR r.deadline_at >= at)
                ORDER BY (r.deadline_at IS NULL), r.deadline_at, r.due_at, r.id
                LIMIT room
                FOR NO KEY UPDATE SKIP LOCKED;
        ELSE
            RETURN QUERY
                SELECT s.id, level, s.party
                FROM carillon_pick_shared_v1(wanted, level, room, at, COALESCE(after[level + 1], '')) AS s;
        END IF;
        GET DIAGNOSTICS picked = ROW_COUNT;
        room := room - picked;
        EXIT WHEN room <= 0;
    END LOOP;
END $$
