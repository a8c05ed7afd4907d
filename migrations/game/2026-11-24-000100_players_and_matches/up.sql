-- Players, what they played, and how they ranked.

CREATE TABLE players (
    puuid            text        NOT NULL,
    platform         text        NOT NULL,
    game_name        text,
    tag_line         text,
    profile_icon_id  integer,
    summoner_level   bigint,
    is_tracked       boolean     NOT NULL DEFAULT false,
    is_analyzed      boolean     NOT NULL DEFAULT false,
    tracked_at       timestamptz,
    last_synced_at   timestamptz,
    profile_seen_at  timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT players_pkey PRIMARY KEY (puuid),
    CONSTRAINT players_riot_id_whole CHECK ((game_name IS NULL) = (tag_line IS NULL)),
    CONSTRAINT players_tracked_at_iff_tracked CHECK (is_tracked = (tracked_at IS NOT NULL))
);
COMMENT ON TABLE players IS 'Everyone we know: tracked, or met in a tracked player''s match.';
COMMENT ON COLUMN players.puuid IS 'Riot''s id of the player, as the current API key sees it.';
COMMENT ON COLUMN players.platform IS 'Where the account plays, as hosts spell it: euw1.';
COMMENT ON COLUMN players.game_name IS 'The current Riot ID before #; past names are not kept.';
COMMENT ON COLUMN players.tag_line IS 'The current Riot ID after #.';
COMMENT ON COLUMN players.summoner_level IS 'Account level, 1 upwards.';
COMMENT ON COLUMN players.is_tracked IS 'Whether tracked_player_updater keeps the player current.';
COMMENT ON COLUMN players.is_analyzed IS 'False while there is evidence that no assessment has seen.';
COMMENT ON COLUMN players.last_synced_at IS 'When the player was last brought current without a gap.';
COMMENT ON COLUMN players.profile_seen_at IS 'When name, level and icon were last known to be true: the start of the newest match, or a look-up.';

-- tracked_player_updater: who is due, longest unsynced first.
CREATE INDEX players_tracked_idx ON players (last_synced_at NULLS FIRST, puuid) WHERE is_tracked;
-- player_analyzer: who has evidence that no assessment has seen, longest waiting first.
CREATE INDEX players_due_idx ON players (updated_at, puuid) WHERE NOT is_analyzed;
-- POST /players/track: is this Riot ID known already?
CREATE INDEX players_riot_id_idx ON players (lower(game_name), lower(tag_line)) WHERE game_name IS NOT NULL;

-- GET /players/search: any part of a Riot ID, and what is spelt nearly like it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX players_riot_id_trgm_idx ON players USING gin (lower(game_name || '#' || tag_line) gin_trgm_ops) WHERE game_name IS NOT NULL;

CREATE TABLE player_sync_cursors (
    puuid          text        NOT NULL,
    queue_id       integer     NOT NULL,
    synced_from    timestamptz NOT NULL,
    synced_until   timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT player_sync_cursors_pkey PRIMARY KEY (puuid, queue_id),
    CONSTRAINT player_sync_cursors_span_check CHECK (synced_from <= synced_until),
    CONSTRAINT player_sync_cursors_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE
);
COMMENT ON TABLE player_sync_cursors IS 'How far each tracked player is stored without a gap.';
COMMENT ON COLUMN player_sync_cursors.queue_id IS 'Riot''s queue number; 0 stands for all queues together.';
COMMENT ON COLUMN player_sync_cursors.synced_from IS 'Start of the oldest match of the first sync: there tracking began.';
COMMENT ON COLUMN player_sync_cursors.synced_until IS 'Every listed match that started from synced_from up to this time is stored.';

CREATE TABLE player_ranks (
    id             bigint      GENERATED ALWAYS AS IDENTITY,
    puuid          text        NOT NULL,
    queue_type     text        NOT NULL,
    tier           text,
    division       text,
    league_points  integer     NOT NULL,
    wins           integer     NOT NULL,
    losses         integer     NOT NULL,
    hot_streak     boolean     NOT NULL,
    veteran        boolean     NOT NULL,
    fresh_blood    boolean     NOT NULL,
    inactive       boolean     NOT NULL,
    seen_at        timestamptz NOT NULL,
    CONSTRAINT player_ranks_pkey PRIMARY KEY (id),
    CONSTRAINT player_ranks_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE,
    CONSTRAINT player_ranks_division_check CHECK (division IN ('I', 'II', 'III', 'IV')),
    CONSTRAINT player_ranks_games_check CHECK (wins >= 0 AND losses >= 0),
    CONSTRAINT player_ranks_puuid_queue_seen_key UNIQUE (puuid, queue_type, seen_at)
);
COMMENT ON TABLE player_ranks IS 'Ranks over time: a row when a rank was first seen or had changed, none when it was seen again.';
COMMENT ON COLUMN player_ranks.queue_type IS 'Riot''s name of the ladder: RANKED_SOLO_5x5, RANKED_FLEX_SR.';
COMMENT ON COLUMN player_ranks.tier IS 'IRON to CHALLENGER, or what Riot adds; null where a ladder has none.';
COMMENT ON COLUMN player_ranks.league_points IS '0 to 100 in a division, without upper end from Master on.';

CREATE TABLE matches (
    match_id            text        NOT NULL,
    platform_id         text        NOT NULL,
    queue_id            integer     NOT NULL,
    map_id              integer     NOT NULL,
    game_mode           text        NOT NULL,
    game_type           text,
    game_version        text        NOT NULL,
    game_creation       timestamptz NOT NULL,
    game_start          timestamptz NOT NULL,
    game_end            timestamptz NOT NULL,
    game_duration       integer     NOT NULL,
    end_of_game_result  text,
    teams               jsonb       NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT matches_pkey PRIMARY KEY (match_id),
    CONSTRAINT matches_duration_check CHECK (game_duration >= 0)
);
COMMENT ON TABLE matches IS 'Finished games, each stored whole with its participants or not at all.';
COMMENT ON COLUMN matches.platform_id IS 'The prefix of the match id in lower case: euw1.';
COMMENT ON COLUMN matches.game_duration IS 'Seconds.';
COMMENT ON COLUMN matches.game_end IS 'Start and duration added where Riot does not say (before patch 11.20).';
COMMENT ON COLUMN matches.teams IS '[{"team_id": 100, "win": true, "bans": [champion, …]}]; -1 is no ban.';

-- retention: the oldest first.
CREATE INDEX matches_game_start_idx ON matches (game_start, match_id);

CREATE TABLE match_participants (
    match_id                         text        NOT NULL,
    participant_id                   integer     NOT NULL,
    puuid                            text,
    game_start                       timestamptz NOT NULL,
    queue_id                         integer     NOT NULL,
    summoner_level                   integer     NOT NULL,
    team_id                          integer     NOT NULL,
    champion_id                      integer     NOT NULL,
    champion_name                    text        NOT NULL,
    champ_level                      integer     NOT NULL,
    team_position                    text        NOT NULL,
    individual_position              text        NOT NULL,
    win                              boolean     NOT NULL,
    kills                            integer     NOT NULL,
    deaths                           integer     NOT NULL,
    assists                          integer     NOT NULL,
    gold_earned                      integer     NOT NULL,
    total_minions_killed             integer     NOT NULL,
    neutral_minions_killed           integer     NOT NULL,
    cs                               integer     NOT NULL GENERATED ALWAYS AS (total_minions_killed + neutral_minions_killed) STORED,
    vision_score                     integer     NOT NULL,
    total_damage_dealt_to_champions  integer     NOT NULL,
    damage_dealt_to_objectives       integer     NOT NULL,
    total_damage_taken               integer     NOT NULL,
    wards_placed                     integer     NOT NULL,
    wards_killed                     integer     NOT NULL,
    time_played                      integer     NOT NULL,
    summoner1_id                     integer     NOT NULL,
    summoner2_id                     integer     NOT NULL,
    game_ended_in_early_surrender    boolean     NOT NULL,
    placement                        integer,
    details                          jsonb       NOT NULL,
    CONSTRAINT match_participants_pkey PRIMARY KEY (match_id, participant_id),
    CONSTRAINT match_participants_match_id_fkey FOREIGN KEY (match_id) REFERENCES matches (match_id) ON DELETE CASCADE
);
COMMENT ON TABLE match_participants IS 'Who played in a match and how: one to sixteen rows a match.';
COMMENT ON COLUMN match_participants.puuid IS 'Null for players hidden by the game; BOT for the computer.';
COMMENT ON COLUMN match_participants.game_start IS 'The match''s, kept here so that a player''s games are one range of one index.';
COMMENT ON COLUMN match_participants.team_position IS 'TOP, JUNGLE, MIDDLE, BOTTOM, UTILITY; empty in remakes and on maps without positions.';
COMMENT ON COLUMN match_participants.cs IS 'Creep score: lane minions and jungle monsters.';
COMMENT ON COLUMN match_participants.time_played IS 'Seconds.';
COMMENT ON COLUMN match_participants.summoner1_id IS 'Summoner spell on D; 4 is Flash.';
COMMENT ON COLUMN match_participants.placement IS 'Arena: 1 to 8.';
COMMENT ON COLUMN match_participants.details IS 'What no query filters on: items, spell casts, pings, the challenges that detection reads.';

-- A player's matches, newest first; keyset paging.
CREATE INDEX match_participants_puuid_start_idx ON match_participants (puuid, game_start DESC, match_id DESC) WHERE puuid IS NOT NULL;

CREATE TABLE match_rejects (
    match_id        text        NOT NULL,
    reason          text        NOT NULL,
    detail          text        NOT NULL DEFAULT '',
    parser_version  integer     NOT NULL,
    attempts        integer     NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT match_rejects_pkey PRIMARY KEY (match_id),
    CONSTRAINT match_rejects_reason_check CHECK (reason IN ('private', 'gone', 'malformed'))
);
COMMENT ON TABLE match_rejects IS 'Listed matches that cannot be stored, so that they are not fetched again and again.';
COMMENT ON COLUMN match_rejects.reason IS 'private: Riot answers 403; gone: 404 long after the game; malformed: the answer could not be read.';
COMMENT ON COLUMN match_rejects.parser_version IS 'The reader that gave up; a newer one tries malformed matches again.';

CREATE TABLE player_analysis (
    id                 bigint           GENERATED ALWAYS AS IDENTITY,
    puuid              text             NOT NULL,
    model_version      text             NOT NULL,
    games              integer          NOT NULL,
    probability        double precision,
    interval_low       double precision,
    interval_high      double precision,
    verdict            text             NOT NULL,
    smurf_probability  double precision,
    legacy_score       double precision,
    evidence_until     timestamptz,
    document           text             NOT NULL,
    created_at         timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT player_analysis_pkey PRIMARY KEY (id),
    CONSTRAINT player_analysis_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE,
    CONSTRAINT player_analysis_probability_check CHECK (probability BETWEEN 0 AND 1),
    CONSTRAINT player_analysis_interval_check CHECK (interval_low <= interval_high)
);
COMMENT ON TABLE player_analysis IS 'Assessments. A row is never changed: the document is what was said at the time.';
COMMENT ON COLUMN player_analysis.probability IS '0 to 1: the account''s play comes from somebody other than its rank and age suggest.';
COMMENT ON COLUMN player_analysis.legacy_score IS 'The nine-factor score, 0 to 1; not a probability. Null below 30 games.';
COMMENT ON COLUMN player_analysis.evidence_until IS 'Start of the newest game that was looked at.';
COMMENT ON COLUMN player_analysis.document IS 'JSON as it was made. Text, since jsonb would reorder the keys, and every later view has the same bytes.';

-- A player's newest assessment.
CREATE INDEX player_analysis_puuid_idx ON player_analysis (puuid, id DESC);
-- The review list.
CREATE INDEX player_analysis_probability_idx ON player_analysis (probability DESC NULLS LAST, id DESC);
-- player_analyzer: whose reachability is worth a look.
CREATE INDEX player_analysis_unusual_idx ON player_analysis (puuid) WHERE verdict = 'unusual_pattern';

CREATE TABLE reachability_observations (
    puuid      text        NOT NULL,
    seen_at    timestamptz NOT NULL,
    reachable  boolean     NOT NULL,
    CONSTRAINT reachability_observations_pkey PRIMARY KEY (puuid, seen_at),
    CONSTRAINT reachability_observations_puuid_fkey FOREIGN KEY (puuid) REFERENCES players (puuid) ON DELETE CASCADE
);
COMMENT ON TABLE reachability_observations IS 'Whether Riot still knew an account when it was asked. Why it does not, nobody tells us.';
