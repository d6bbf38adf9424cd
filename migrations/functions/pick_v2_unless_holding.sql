-- As `pick_v2`, in its place, but picks nothing while everything is being held after a restore: neither for processes of
-- this release nor for those of the former one. And whether a party waits alone is looked up in the order of parties:
-- for a bare EXISTS, another index was read, and with it all that was queued.
CREATE OR REPLACE FUNCTION carillon_pick_v2(wanted TEXT, room INTEGER, at TIMESTAMPTZ, after TEXT[])
RETURNS TABLE (id UUID, priority SMALLINT, party TEXT)
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
DECLARE
    level SMALLINT := 10;
    first_party TEXT;
    is_alone BOOLEAN;
    picked INTEGER;
BEGIN
    IF EXISTS (SELECT FROM installation i WHERE i.id = 1 AND i.holding_since IS NOT NULL) THEN
        RETURN;
    END IF;
    LOOP
        SELECT r.priority, r.party, (
            SELECT o.party FROM runs o
            WHERE o.queue = wanted AND o.status = 'queued' AND o.held_by IS NULL AND o.priority = r.priority
                AND o.party > r.party AND (NOT o.expire OR o.deadline_at >= at)
            ORDER BY o.party LIMIT 1) IS NULL
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
