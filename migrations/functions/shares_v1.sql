-- Divides slots among the parties that have claimable runs of a priority, as `core.fairness.shares` does: among the next
-- ones along the index after a party, at most twice as many as slots. Those that are spent are left out; of those that
-- have taken some already, these are in flight.
CREATE FUNCTION carillon_shares_v1(
    wanted TEXT, level SMALLINT, slots INTEGER, at TIMESTAMPTZ, after TEXT, spent TEXT[], takers TEXT[])
RETURNS TABLE (place BIGINT, party TEXT, share BIGINT)
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        WITH RECURSIVE onward (party) AS (
            SELECT (
                SELECT r.party FROM runs r
                WHERE r.queue = wanted AND r.status = 'queued' AND r.held_by IS NULL AND r.priority = level
                    AND (NOT r.expire OR r.deadline_at >= at) AND r.party > after AND r.party <> ALL (spent)
                ORDER BY r.party LIMIT 1)
            UNION ALL
            SELECT (
                SELECT r.party FROM runs r
                WHERE r.queue = wanted AND r.status = 'queued' AND r.held_by IS NULL AND r.priority = level
                    AND (NOT r.expire OR r.deadline_at >= at) AND r.party > o.party AND r.party <> ALL (spent)
                ORDER BY r.party LIMIT 1)
            FROM onward o WHERE o.party IS NOT NULL
        ), around (party) AS (
            SELECT (
                SELECT r.party FROM runs r
                WHERE r.queue = wanted AND r.status = 'queued' AND r.held_by IS NULL AND r.priority = level
                    AND (NOT r.expire OR r.deadline_at >= at) AND r.party <= after AND r.party <> ALL (spent)
                ORDER BY r.party LIMIT 1)
            UNION ALL
            SELECT (
                SELECT r.party FROM runs r
                WHERE r.queue = wanted AND r.status = 'queued' AND r.held_by IS NULL AND r.priority = level
                    AND (NOT r.expire OR r.deadline_at >= at) AND r.party > a.party AND r.party <= after
                    AND r.party <> ALL (spent)
                ORDER BY r.party LIMIT 1)
            FROM around a WHERE a.party IS NOT NULL
        ), walked AS MATERIALIZED (
            SELECT ROW_NUMBER() OVER () AS place, w.party FROM (
                SELECT o.party FROM onward o WHERE o.party IS NOT NULL
                UNION ALL
                SELECT a.party FROM around a WHERE a.party IS NOT NULL
                LIMIT 2 * slots
            ) AS w
        ), waiting AS MATERIALIZED (
            SELECT w.place, w.party,
                (SELECT COUNT(*) FROM runs r
                    WHERE r.party = w.party AND r.status = 'running' AND r.reports_until IS NULL)
                + (SELECT COUNT(*) FROM UNNEST(takers) AS t (party) WHERE t.party = w.party) AS in_flight,
                COALESCE((
                    SELECT l.weight FROM limits l
                    WHERE l.key = w.party COLLATE "default" AND (l.expires_at IS NULL OR l.expires_at > at)
                ), 1) AS weight
            FROM walked w
        )
        SELECT s.place, s.party, COUNT(*) FROM (
            SELECT w.place, w.party FROM waiting w CROSS JOIN GENERATE_SERIES(0, slots - 1) AS n (taken)
            ORDER BY (w.in_flight + n.taken) / w.weight, w.place
            LIMIT slots
        ) AS s
        GROUP BY s.place, s.party;
END $$
