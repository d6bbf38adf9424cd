-- Locks claimable runs of a queue and a priority for which several parties wait, at most so many: of each party its most
-- urgent, as many as its share. Never waits for a lock: a party that has fewer free runs than its share is spent, and
-- the others get what it leaves.
CREATE FUNCTION carillon_pick_shared_v1(wanted TEXT, level SMALLINT, room INTEGER, at TIMESTAMPTZ, after TEXT)
RETURNS TABLE (id UUID, party TEXT)
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
DECLARE
    names TEXT[];
    shares BIGINT[];
    found UUID[];
    finders TEXT[];
    taken UUID[] := '{}';
    takers TEXT[] := '{}';
    spent TEXT[] := '{}';
BEGIN
    LOOP
        SELECT ARRAY_AGG(s.party ORDER BY s.place), ARRAY_AGG(s.share ORDER BY s.place) INTO names, shares
            FROM carillon_shares_v1(wanted, level, room - CARDINALITY(taken), at, after, spent, takers) AS s;
        EXIT WHEN names IS NULL;
        SELECT ARRAY_AGG(p.id), ARRAY_AGG(n.party) INTO found, finders
            FROM UNNEST(names, shares) AS n (party, share)
            CROSS JOIN LATERAL (
                SELECT r.id FROM runs r
                WHERE r.queue = wanted AND r.status = 'queued' AND r.held_by IS NULL AND r.priority = level
                    AND r.party = n.party AND (NOT r.expire OR r.deadline_at >= at) AND r.id <> ALL (taken)
                ORDER BY (r.deadline_at IS NULL), r.deadline_at, r.due_at, r.id
                LIMIT n.share
                FOR NO KEY UPDATE SKIP LOCKED
            ) AS p;
        taken := taken || found;
        takers := takers || finders;
        EXIT WHEN CARDINALITY(taken) >= room;
        spent := spent || ARRAY(
            SELECT n.party FROM UNNEST(names, shares) AS n (party, share)
            WHERE n.share > (SELECT COUNT(*) FROM UNNEST(finders) AS f (party) WHERE f.party = n.party));
    END LOOP;
    RETURN QUERY SELECT * FROM UNNEST(taken, takers);
END $$
