ALTER TABLE player_looks DROP COLUMN ranks_judged_at;
DROP TABLE match_claims;
