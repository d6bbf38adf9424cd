-- Whether a JSON text contains a value; not if it is not JSON, or holds what PostgreSQL cannot: no row breaks a list.
CREATE FUNCTION carillon_json_contains_v1(value TEXT, wanted JSONB) RETURNS BOOLEAN
LANGUAGE plpgsql IMMUTABLE STRICT {settings} AS $$
BEGIN
    RETURN value::JSONB @> wanted;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN FALSE;
END $$
