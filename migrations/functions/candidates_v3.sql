-- Locks the most urgent claimable runs of a queue, at most so many, as `pick` finds them, and returns what their limits go
-- by; never waits for a lock. `looks_further`: some host or some key of data is limited, or some destination left
-- alone, so that the job and its data must be read, too.
CREATE FUNCTION carillon_candidates_v3(wanted TEXT, room INTEGER, at TIMESTAMPTZ, after TEXT[])
RETURNS TABLE (
    id UUID, job_id UUID, job_version INTEGER, queue TEXT, app_id UUID, app_name TEXT, account_id TEXT,
    priority SMALLINT, party TEXT, looks_further BOOLEAN)
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
DECLARE
    picked UUID[] := ARRAY(SELECT p.id FROM carillon_pick_v2(wanted, room, at, after) AS p);
    further BOOLEAN;
BEGIN
    IF picked = '{}' THEN
        RETURN;
    END IF;
    further := EXISTS (SELECT FROM limits l WHERE l.kind = 'host') OR EXISTS (SELECT FROM limits l WHERE l.kind = 'key')
        OR EXISTS (SELECT FROM breakers);
    RETURN QUERY
        SELECT r.id, r.job_id, r.job_version, r.queue, j.app_id, a.name, r.account_id, r.priority, r.party, further
        FROM UNNEST(picked) WITH ORDINALITY AS p (id, place)
        JOIN runs r ON r.id = p.id
        JOIN jobs j ON j.id = r.job_id
        JOIN apps a ON a.id = j.app_id
        ORDER BY p.place;
END $$
