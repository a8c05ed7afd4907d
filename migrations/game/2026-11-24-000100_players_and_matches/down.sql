DROP TABLE reachability_observations;
DROP TABLE player_analysis;
DROP TABLE match_rejects;
DROP TABLE match_participants;
DROP TABLE matches;
DROP TABLE player_ranks;
DROP TABLE player_sync_cursors;
DROP TABLE players;
