-- Locks accounts until the transaction ends, then counts their permits in use: of calls that last, and of those that
-- ended a short while ago. In one statement, so that a call which ends meanwhile is counted once.
CREATE FUNCTION carillon_permits_v1(accounts TEXT[], since TIMESTAMPTZ)
RETURNS TABLE (account_id TEXT, taken BIGINT, first_ended_at TIMESTAMPTZ)
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
BEGIN
    PERFORM pg_advisory_xact_lock(keys.key) FROM (
        SELECT DISTINCT HASHTEXTEXTENDED(named.account, 0) AS key FROM UNNEST(accounts) AS named (account) ORDER BY key
    ) AS keys;
    RETURN QUERY
        SELECT used.account_id, SUM(used.taken)::BIGINT, MIN(used.first_ended_at) FROM (
            SELECT a.account_id, COUNT(*) AS taken, NULL::TIMESTAMPTZ AS first_ended_at FROM attempts a
            WHERE a.account_id IS NOT NULL AND a.account_id = ANY (accounts) AND a.finished_at IS NULL
            GROUP BY a.account_id
            UNION ALL
            SELECT a.account_id, COUNT(*), MIN(a.finished_at) FROM attempts a
            WHERE a.account_id IS NOT NULL AND a.account_id = ANY (accounts) AND a.finished_at > since
            GROUP BY a.account_id
        ) AS used
        GROUP BY used.account_id;
END $$
