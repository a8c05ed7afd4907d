DROP INDEX match_rejects_malformed_idx;
ALTER TABLE reachability_observations
    DROP CONSTRAINT reachability_observations_puuid_fkey,
    ADD CONSTRAINT reachability_observations_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE;
ALTER TABLE player_analysis
    DROP CONSTRAINT player_analysis_puuid_fkey,
    ADD CONSTRAINT player_analysis_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE;
ALTER TABLE player_ranks
    DROP CONSTRAINT player_ranks_puuid_fkey,
    ADD CONSTRAINT player_ranks_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE;
ALTER TABLE player_sync_cursors
    DROP CONSTRAINT player_sync_cursors_puuid_fkey,
    ADD CONSTRAINT player_sync_cursors_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE;
DROP TABLE player_looks;
