-- When players are looked at, and a puuid that changes with the API key.

CREATE TABLE player_looks (
    puuid            text        NOT NULL,
    looked_at        timestamptz,
    next_look_at     timestamptz NOT NULL,
    planned_on       timestamptz,
    ranks_looked_at  timestamptz,
    CONSTRAINT player_looks_pkey PRIMARY KEY (puuid),
    CONSTRAINT player_looks_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE ON UPDATE CASCADE
) WITH (fillfactor = 70);
COMMENT ON TABLE player_looks IS 'When Riot was asked about a player, and when it is worth the next request. Apart from players, whose rows carry more indexes than a row that changes with every look should. No row: never asked.';
COMMENT ON COLUMN player_looks.looked_at IS 'When the player''s list of matches was last read to its end.';
COMMENT ON COLUMN player_looks.next_look_at IS 'From the player''s own rhythm of play. For a player who is not tracked: when match_fetcher may come back.';
COMMENT ON COLUMN player_looks.planned_on IS 'Start of the newest stored match when next_look_at was reckoned; a newer one makes it out of date.';
COMMENT ON COLUMN player_looks.ranks_looked_at IS 'When the ranks were last asked for: only a ranked game that ended later can have changed them.';

-- Players of another API key are found again by their Riot ID and get their new puuid everywhere.
ALTER TABLE player_sync_cursors
    DROP CONSTRAINT player_sync_cursors_puuid_fkey,
    ADD CONSTRAINT player_sync_cursors_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE player_ranks
    DROP CONSTRAINT player_ranks_puuid_fkey,
    ADD CONSTRAINT player_ranks_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE player_analysis
    DROP CONSTRAINT player_analysis_puuid_fkey,
    ADD CONSTRAINT player_analysis_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE reachability_observations
    DROP CONSTRAINT reachability_observations_puuid_fkey,
    ADD CONSTRAINT reachability_observations_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE ON UPDATE CASCADE;

-- match_fetcher: what a newer reader may be able to read.
CREATE INDEX match_rejects_malformed_idx ON match_rejects (parser_version, match_id) WHERE reason = 'malformed';
