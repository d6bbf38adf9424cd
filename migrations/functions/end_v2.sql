-- Writes what follows from the ends of attempts, as end_v1 does, and that the calls use their limited keys no longer.
CREATE FUNCTION carillon_end_v2(ended JSONB, changed JSONB, following JSONB, maybe_over JSONB, at TIMESTAMPTZ)
RETURNS VOID
LANGUAGE plpgsql VOLATILE {settings} AS $$
#variable_conflict use_column
BEGIN
    PERFORM carillon_end_v1(ended, changed, following, maybe_over, at);
    UPDATE uses u SET ended_at = e.finished_at FROM JSONB_TO_RECORDSET(ended) AS e (id UUID, finished_at TIMESTAMPTZ)
        WHERE u.run_id = e.id AND u.ended_at IS NULL;
END $$
