-- Locks those of these keys that are limited until the transaction ends, all in one order, and returns how each stands.
-- A key that has no limit of its own, but perhaps a weight, is limited by the default rate if it is one of `by_default`.
-- Limits are read and calls counted only once the locks are had, in one statement, so that a call which ends meanwhile
-- is counted once. A destination with an open breaker has as many places as the breaker says, and one once it is to be
-- tried again.
CREATE FUNCTION carillon_limited_v3(keys TEXT[], by_default TEXT[], default_seconds INTEGER, at TIMESTAMPTZ)
RETURNS TABLE (
    key TEXT, is_default BOOLEAN, concurrency INTEGER, calls INTEGER, per_seconds INTEGER, expires_at TIMESTAMPTZ,
    running BIGINT, ended BIGINT, first_ended_at TIMESTAMPTZ)
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
DECLARE
    limited TEXT[] := ARRAY(
        SELECT k.key FROM UNNEST(keys) AS k (key)
        WHERE k.key = ANY (by_default)
            OR EXISTS (SELECT FROM breakers b WHERE b.key = k.key)
            OR EXISTS (
                SELECT FROM limits l
                WHERE l.key = k.key AND (l.expires_at IS NULL OR l.expires_at > at)
                    AND (l.concurrency IS NOT NULL OR l.calls IS NOT NULL)));
BEGIN
    IF limited = '{}' THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(locks.lock) FROM (
        SELECT DISTINCT HASHTEXTEXTENDED(k.key, 0) AS lock FROM UNNEST(limited) AS k (key) ORDER BY lock
    ) AS locks;
    RETURN QUERY
        SELECT k.key, l.key IS NULL AND b.key IS NULL,
            CASE WHEN b.probe_at <= at THEN GREATEST(b.places, 1) ELSE COALESCE(b.places, l.concurrency) END,
            l.calls, l.per_seconds, l.expires_at,
            (SELECT COUNT(*) FROM uses u WHERE u.key = k.key AND u.ended_at IS NULL), e.ended, e.first_ended_at
        FROM UNNEST(limited) AS k (key)
        LEFT JOIN limits l ON l.key = k.key AND (l.expires_at IS NULL OR l.expires_at > at)
            AND (l.concurrency IS NOT NULL OR l.calls IS NOT NULL)
        LEFT JOIN breakers b ON b.key = k.key
        CROSS JOIN LATERAL (
            SELECT COUNT(*) AS ended, MIN(u.ended_at) AS first_ended_at FROM uses u
            WHERE u.key = k.key
                AND u.ended_at > at - MAKE_INTERVAL(
                    secs => CASE WHEN l.key IS NULL THEN default_seconds ELSE COALESCE(l.per_seconds, 0) END)
        ) AS e
        WHERE l.key IS NOT NULL OR b.key IS NOT NULL OR k.key = ANY (by_default);
END $$
