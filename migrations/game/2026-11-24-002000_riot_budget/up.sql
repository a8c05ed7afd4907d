-- What all processes together have spent of an API key's budget, route by route.

CREATE TABLE riot_budgets (
    key_hash    text        NOT NULL,
    route       text        NOT NULL,
    record      jsonb       NOT NULL,
    written_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT riot_budgets_pkey PRIMARY KEY (key_hash, route)
);
COMMENT ON TABLE riot_budgets IS 'Whose turn it is to send requests with an API key to a route, and what was spent there. Without a row, a route begins with single requests.';
COMMENT ON COLUMN riot_budgets.key_hash IS 'The beginning of a hash of the key; the key itself is not stored.';
COMMENT ON COLUMN riot_budgets.route IS 'A platform or a region, as hosts spell it: euw1, europe.';
COMMENT ON COLUMN riot_budgets.record IS 'Owner, queue and log of the budget, in milliseconds before and after written_at; riftwatch-riot writes and reads it.';

-- Written several times a second and never deleted: room for updates in place.
ALTER TABLE riot_budgets SET (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 2000);
