-- Matches that are being fetched, so that no two processes ask for one at the same time; and what
-- rank_monitor has judged.

-- Unlogged: a claim costs no wait for the disk, and after a crash of the server nobody is at it.
CREATE UNLOGGED TABLE match_claims (
    match_id  text        NOT NULL,
    until     timestamptz NOT NULL,
    CONSTRAINT match_claims_pkey PRIMARY KEY (match_id)
);
COMMENT ON TABLE match_claims IS 'Matches that somebody asks Riot for, or asked for a moment ago. Whoever else wants one waits until it is stored.';
COMMENT ON COLUMN match_claims.until IS 'After this, by the database''s clock, whoever asked is taken for dead.';

ALTER TABLE player_looks ADD COLUMN ranks_judged_at timestamptz;
COMMENT ON COLUMN player_looks.ranks_judged_at IS 'When the rank in the solo queue was seen that rank_monitor compares the next one with.';
