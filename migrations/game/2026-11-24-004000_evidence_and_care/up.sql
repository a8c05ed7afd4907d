-- Evidence beside the matches, and what is owed to the people it is about.

ALTER TABLE players ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE players ADD CONSTRAINT players_number_key UNIQUE (number);
COMMENT ON COLUMN players.number IS 'Stands for the player in ranked_games. Once the row is gone, it stands for nobody.';

CREATE TABLE ranked_games (
    player       bigint      NOT NULL,
    game_start   timestamptz NOT NULL,
    match_id     text        NOT NULL,
    time_played  integer     NOT NULL,
    role         text        NOT NULL,
    champion_id  integer     NOT NULL,
    win          boolean     NOT NULL,
    kills        integer     NOT NULL,
    deaths       integer     NOT NULL,
    assists      integer     NOT NULL,
    cs           integer     NOT NULL,
    gold         integer     NOT NULL,
    damage       integer     NOT NULL,
    vision       integer     NOT NULL,
    team_kills   integer     NOT NULL,
    flash_slot   smallint,
    cs_at_10     real,
    solo_kills   real,
    mates        bigint[]    NOT NULL,
    opponents    bigint[]    NOT NULL,
    CONSTRAINT ranked_games_pkey PRIMARY KEY (player, game_start, match_id),
    CONSTRAINT ranked_games_player_fkey FOREIGN KEY (player) REFERENCES players (number) ON DELETE CASCADE
);
COMMENT ON TABLE ranked_games IS 'What detection reads: one narrow row for each known player of a ranked solo game that was played out, made from the match when it is stored. It outlives the match.';
COMMENT ON COLUMN ranked_games.player IS 'players.number.';
COMMENT ON COLUMN ranked_games.time_played IS 'Seconds.';
COMMENT ON COLUMN ranked_games.role IS 'TOP, JUNGLE, MIDDLE, BOTTOM or UTILITY; games without a role have no row.';
COMMENT ON COLUMN ranked_games.damage IS 'To champions.';
COMMENT ON COLUMN ranked_games.flash_slot IS '1: Flash on D, 2: on F; null without Flash.';
COMMENT ON COLUMN ranked_games.cs_at_10 IS 'Lane minions and monsters in the first ten minutes.';
COMMENT ON COLUMN ranked_games.mates IS 'players.number of the others on the side; hidden players and the computer are left out.';
COMMENT ON COLUMN ranked_games.opponents IS 'players.number of the other side, likewise.';

INSERT INTO ranked_games
SELECT p.number, m.game_start, m.match_id, m.time_played, m.team_position, m.champion_id, m.win,
       m.kills, m.deaths, m.assists, m.cs, m.gold_earned, m.total_damage_dealt_to_champions,
       m.vision_score, others.team_kills,
       CASE WHEN m.summoner1_id = 4 THEN 1 WHEN m.summoner2_id = 4 THEN 2 END,
       (m.details #>> '{challenges,laneMinionsFirst10Minutes}')::real
           + (m.details #>> '{challenges,jungleCsBefore10Minutes}')::real,
       (m.details #>> '{challenges,soloKills}')::real,
       others.mates, others.opponents
FROM match_participants m
JOIN players p USING (puuid)
CROSS JOIN LATERAL (
    SELECT coalesce(sum(o.kills) FILTER (WHERE o.team_id = m.team_id), 0)::integer AS team_kills,
           coalesce(array_agg(q.number ORDER BY o.participant_id)
               FILTER (WHERE o.team_id = m.team_id AND q.number <> p.number), '{}') AS mates,
           coalesce(array_agg(q.number ORDER BY o.participant_id)
               FILTER (WHERE o.team_id <> m.team_id AND q.number IS NOT NULL), '{}') AS opponents
    FROM match_participants o
    LEFT JOIN players q ON q.puuid = o.puuid
    WHERE o.match_id = m.match_id) others
WHERE m.queue_id = 420 AND NOT m.game_ended_in_early_surrender
  AND m.team_position IN ('TOP', 'JUNGLE', 'MIDDLE', 'BOTTOM', 'UTILITY')
ON CONFLICT DO NOTHING;

CREATE TABLE assessment_claims (
    id      bigint      GENERATED ALWAYS AS IDENTITY,
    puuids  text[]      NOT NULL,
    until   timestamptz NOT NULL,
    CONSTRAINT assessment_claims_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE assessment_claims IS 'Batches of players that a run is assessing: one row a batch, gone when it is done. There are a handful at a time.';
COMMENT ON COLUMN assessment_claims.until IS 'After this the run is taken for dead, and its players are due again.';

ALTER TABLE player_analysis
    ADD COLUMN sample_games    integer NOT NULL DEFAULT 0,
    ADD COLUMN known_lobbies   integer NOT NULL DEFAULT 0,
    ADD COLUMN tier            text,
    ADD COLUMN rank_height     double precision,
    ADD COLUMN innocent_story  text,
    ADD COLUMN told_story      text,
    ADD COLUMN withheld        boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN player_analysis.sample_games IS 'Games that were looked at, whether they counted or not.';
COMMENT ON COLUMN player_analysis.known_lobbies IS 'Of these, games in which the ranks of enough others were known.';
COMMENT ON COLUMN player_analysis.tier IS 'The tier that the account displayed; null: unranked or not known.';
COMMENT ON COLUMN player_analysis.rank_height IS 'The same in tiers: Iron IV with 0 points is 0, a division 0.25.';
COMMENT ON COLUMN player_analysis.innocent_story IS 'Key of the innocent story that explains the account best.';
COMMENT ON COLUMN player_analysis.told_story IS 'Key of the story that somebody had told about the account.';
COMMENT ON COLUMN player_analysis.withheld IS 'The pattern was unusual, and the verdict says inconclusive because the circuit breaker was open.';

-- Compressing a document takes a third of the time that way; where the server was built without it, it
-- takes the time.
DO $$
BEGIN
    ALTER TABLE player_analysis ALTER COLUMN document SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;

-- retention: the oldest first.
CREATE INDEX player_analysis_created_idx ON player_analysis (created_at, id);
-- The circuit breaker: unusual results of the last 30 days.
CREATE INDEX player_analysis_withheld_idx ON player_analysis (created_at) WHERE verdict = 'unusual_pattern' OR withheld;

CREATE TABLE assessment_reviews (
    id             bigint      GENERATED ALWAYS AS IDENTITY,
    assessment_id  bigint      NOT NULL,
    verdict        text        NOT NULL,
    note           text,
    reviewer       text        NOT NULL,
    created_at     timestamptz NOT NULL,
    CONSTRAINT assessment_reviews_pkey PRIMARY KEY (id),
    CONSTRAINT assessment_reviews_assessment_fkey FOREIGN KEY (assessment_id) REFERENCES player_analysis (id) ON DELETE CASCADE,
    CONSTRAINT assessment_reviews_verdict_check CHECK (verdict IN ('confirmed', 'false_positive', 'unsure'))
);
COMMENT ON TABLE assessment_reviews IS 'What people said about assessments. The newest of an assessment counts; none is changed.';
-- An assessment's reviews, and its newest.
CREATE INDEX assessment_reviews_assessment_idx ON assessment_reviews (assessment_id, id DESC);

CREATE TABLE told_stories (
    id           bigint      GENERATED ALWAYS AS IDENTITY,
    puuid        text        NOT NULL,
    story        text        NOT NULL,
    note         text,
    reported_by  text        NOT NULL,
    told_at      timestamptz NOT NULL,
    until        timestamptz NOT NULL,
    CONSTRAINT told_stories_pkey PRIMARY KEY (id),
    CONSTRAINT told_stories_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT told_stories_until_check CHECK (told_at < until)
);
COMMENT ON TABLE told_stories IS 'Appeals: the innocent story that somebody told about an account. The newest counts until it ends.';
COMMENT ON COLUMN told_stories.story IS 'Key of an innocent story; it counts five times as much beforehand.';
-- The story that holds for a player, and the log of them.
CREATE INDEX told_stories_puuid_idx ON told_stories (puuid, id DESC);

CREATE TABLE assessment_outcomes (
    assessment_id      bigint           NOT NULL,
    assessed_at        timestamptz      NOT NULL,
    model_version      text             NOT NULL,
    verdict            text             NOT NULL,
    probability        double precision NOT NULL,
    smurf_probability  double precision NOT NULL,
    gained             boolean          NOT NULL,
    games              integer          NOT NULL,
    decided_at         timestamptz      NOT NULL,
    CONSTRAINT assessment_outcomes_pkey PRIMARY KEY (assessment_id)
);
COMMENT ON TABLE assessment_outcomes IS 'What happened after an assessment. Names nobody, and outlives the assessment: no foreign key.';
COMMENT ON COLUMN assessment_outcomes.gained IS 'Whether the displayed rank rose by two tiers or more within the next 50 ranked games.';
COMMENT ON COLUMN assessment_outcomes.games IS 'Games after the assessment that this was decided on: 50, fewer where the rank rose sooner.';
-- The reliability report, by month.
CREATE INDEX assessment_outcomes_assessed_idx ON assessment_outcomes (assessed_at);

CREATE TABLE suppressions (
    digest      bytea       NOT NULL,
    key_check   bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    CONSTRAINT suppressions_pkey PRIMARY KEY (digest)
);
COMMENT ON TABLE suppressions IS 'People who were erased: they are never stored again. Nobody can be read back from a row.';
COMMENT ON COLUMN suppressions.digest IS 'HMAC-SHA256 of the puuid, under a key that the database does not know.';
COMMENT ON COLUMN suppressions.key_check IS 'HMAC-SHA256 of a fixed text under the same key, to notice another key.';

CREATE TABLE matchmaking_analyses (
    id                   bigint      GENERATED ALWAYS AS IDENTITY,
    puuid                text        NOT NULL,
    games_wanted         integer     NOT NULL,
    requested_by         text        NOT NULL,
    status               text        NOT NULL DEFAULT 'pending',
    games_total          integer     NOT NULL DEFAULT 0,
    compared             jsonb       NOT NULL DEFAULT '[]',
    result               jsonb,
    error                text,
    lease_until          timestamptz,
    cancel_requested_at  timestamptz,
    created_at           timestamptz NOT NULL,
    started_at           timestamptz,
    ended_at             timestamptz,
    CONSTRAINT matchmaking_analyses_pkey PRIMARY KEY (id),
    CONSTRAINT matchmaking_analyses_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT matchmaking_analyses_games_check CHECK (games_wanted BETWEEN 1 AND 500),
    CONSTRAINT matchmaking_analyses_status_check CHECK (status IN ('pending', 'running', 'completed', 'cancelled', 'failed')),
    CONSTRAINT matchmaking_analyses_ended_check CHECK ((ended_at IS NOT NULL) = (status IN ('completed', 'cancelled', 'failed'))),
    CONSTRAINT matchmaking_analyses_result_check CHECK ((result IS NOT NULL) = (status = 'completed'))
);
COMMENT ON TABLE matchmaking_analyses IS 'How strong a player''s team-mates were against their opponents, by the ranks displayed before each game.';
COMMENT ON COLUMN matchmaking_analyses.compared IS 'The games that are done, newest first: whoever goes on after a stop begins behind them.';
COMMENT ON COLUMN matchmaking_analyses.lease_until IS 'After this the run that works on it is taken for dead.';

-- A player's analyses, newest first.
CREATE INDEX matchmaking_analyses_puuid_idx ON matchmaking_analyses (puuid, id DESC);
-- One at a time for each player; what there is to do, oldest first.
CREATE UNIQUE INDEX matchmaking_analyses_unfinished_key ON matchmaking_analyses (puuid) WHERE status IN ('pending', 'running');

-- retention: players whom nobody has met for long.
CREATE INDEX players_unseen_idx ON players (profile_seen_at NULLS FIRST, puuid) WHERE NOT is_tracked;
