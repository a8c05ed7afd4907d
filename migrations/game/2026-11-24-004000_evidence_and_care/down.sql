DROP INDEX players_unseen_idx;
DROP TABLE matchmaking_analyses;
DROP TABLE suppressions;
DROP TABLE assessment_outcomes;
DROP TABLE told_stories;
DROP TABLE assessment_reviews;
DROP INDEX player_analysis_withheld_idx;
ALTER TABLE player_analysis
    ALTER COLUMN document SET COMPRESSION default,
    DROP COLUMN withheld,
    DROP COLUMN told_story,
    DROP COLUMN innocent_story,
    DROP COLUMN rank_height,
    DROP COLUMN tier,
    DROP COLUMN known_lobbies,
    DROP COLUMN sample_games;
DROP INDEX player_analysis_created_idx;
DROP TABLE assessment_claims;
DROP TABLE ranked_games;
ALTER TABLE players DROP COLUMN number;
