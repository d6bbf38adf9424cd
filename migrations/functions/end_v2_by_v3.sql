-- Writes what follows from the ends of attempts, for processes of the former release. They end attempts of new workers,
-- too, which are not stored yet; end_v3 stores them.
CREATE OR REPLACE FUNCTION carillon_end_v2(ended JSONB, changed JSONB, following JSONB, maybe_over JSONB, at TIMESTAMPTZ)
RETURNS VOID
LANGUAGE plpgsql VOLATILE {settings} AS $$
BEGIN
    PERFORM carillon_end_v3(ended, changed, maybe_over, at);
END $$
