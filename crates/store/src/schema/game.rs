// Printed from migrations/game by tests/schema.rs; see there.

diesel::table! {
    api_sessions (secret_hash) {
        secret_hash -> Bytea,
        token_id -> Int8,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> Int8,
        name -> Text,
        role -> Text,
        token_hash -> Bytea,
        created_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    assessment_claims (id) {
        id -> Int8,
        puuids -> Array<Nullable<Text>>,
        until -> Timestamptz,
    }
}

diesel::table! {
    assessment_outcomes (assessment_id) {
        assessment_id -> Int8,
        assessed_at -> Timestamptz,
        model_version -> Text,
        verdict -> Text,
        probability -> Float8,
        smurf_probability -> Float8,
        gained -> Bool,
        games -> Int4,
        decided_at -> Timestamptz,
    }
}

diesel::table! {
    assessment_reviews (id) {
        id -> Int8,
        assessment_id -> Int8,
        verdict -> Text,
        note -> Nullable<Text>,
        reviewer -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    match_claims (match_id) {
        match_id -> Text,
        until -> Timestamptz,
    }
}

diesel::table! {
    match_participants (match_id, participant_id) {
        match_id -> Text,
        participant_id -> Int4,
        puuid -> Nullable<Text>,
        game_start -> Timestamptz,
        queue_id -> Int4,
        summoner_level -> Int4,
        team_id -> Int4,
        champion_id -> Int4,
        champion_name -> Text,
        champ_level -> Int4,
        team_position -> Text,
        individual_position -> Text,
        win -> Bool,
        kills -> Int4,
        deaths -> Int4,
        assists -> Int4,
        gold_earned -> Int4,
        total_minions_killed -> Int4,
        neutral_minions_killed -> Int4,
        cs -> Int4,
        vision_score -> Int4,
        total_damage_dealt_to_champions -> Int4,
        damage_dealt_to_objectives -> Int4,
        total_damage_taken -> Int4,
        wards_placed -> Int4,
        wards_killed -> Int4,
        time_played -> Int4,
        summoner1_id -> Int4,
        summoner2_id -> Int4,
        game_ended_in_early_surrender -> Bool,
        placement -> Nullable<Int4>,
        details -> Jsonb,
    }
}

diesel::table! {
    match_rejects (match_id) {
        match_id -> Text,
        reason -> Text,
        detail -> Text,
        parser_version -> Int4,
        attempts -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    matches (match_id) {
        match_id -> Text,
        platform_id -> Text,
        queue_id -> Int4,
        map_id -> Int4,
        game_mode -> Text,
        game_type -> Nullable<Text>,
        game_version -> Text,
        game_creation -> Timestamptz,
        game_start -> Timestamptz,
        game_end -> Timestamptz,
        game_duration -> Int4,
        end_of_game_result -> Nullable<Text>,
        teams -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    matchmaking_analyses (id) {
        id -> Int8,
        puuid -> Text,
        games_wanted -> Int4,
        requested_by -> Text,
        status -> Text,
        games_total -> Int4,
        compared -> Jsonb,
        result -> Nullable<Jsonb>,
        error -> Nullable<Text>,
        lease_until -> Nullable<Timestamptz>,
        cancel_requested_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    player_analysis (id) {
        id -> Int8,
        puuid -> Text,
        model_version -> Text,
        games -> Int4,
        probability -> Nullable<Float8>,
        interval_low -> Nullable<Float8>,
        interval_high -> Nullable<Float8>,
        verdict -> Text,
        smurf_probability -> Nullable<Float8>,
        legacy_score -> Nullable<Float8>,
        evidence_until -> Nullable<Timestamptz>,
        document -> Text,
        created_at -> Timestamptz,
        sample_games -> Int4,
        known_lobbies -> Int4,
        tier -> Nullable<Text>,
        rank_height -> Nullable<Float8>,
        innocent_story -> Nullable<Text>,
        told_story -> Nullable<Text>,
        withheld -> Bool,
    }
}

diesel::table! {
    player_looks (puuid) {
        puuid -> Text,
        looked_at -> Nullable<Timestamptz>,
        next_look_at -> Timestamptz,
        planned_on -> Nullable<Timestamptz>,
        ranks_looked_at -> Nullable<Timestamptz>,
        ranks_judged_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    player_ranks (id) {
        id -> Int8,
        puuid -> Text,
        queue_type -> Text,
        tier -> Nullable<Text>,
        division -> Nullable<Text>,
        league_points -> Int4,
        wins -> Int4,
        losses -> Int4,
        hot_streak -> Bool,
        veteran -> Bool,
        fresh_blood -> Bool,
        inactive -> Bool,
        seen_at -> Timestamptz,
    }
}

diesel::table! {
    player_sync_cursors (puuid, queue_id) {
        puuid -> Text,
        queue_id -> Int4,
        synced_from -> Timestamptz,
        synced_until -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    players (puuid) {
        puuid -> Text,
        platform -> Text,
        game_name -> Nullable<Text>,
        tag_line -> Nullable<Text>,
        profile_icon_id -> Nullable<Int4>,
        summoner_level -> Nullable<Int8>,
        is_tracked -> Bool,
        is_analyzed -> Bool,
        tracked_at -> Nullable<Timestamptz>,
        last_synced_at -> Nullable<Timestamptz>,
        profile_seen_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        number -> Int8,
    }
}

diesel::table! {
    ranked_games (player, game_start, match_id) {
        player -> Int8,
        game_start -> Timestamptz,
        match_id -> Text,
        time_played -> Int4,
        role -> Text,
        champion_id -> Int4,
        win -> Bool,
        kills -> Int4,
        deaths -> Int4,
        assists -> Int4,
        cs -> Int4,
        gold -> Int4,
        damage -> Int4,
        vision -> Int4,
        team_kills -> Int4,
        flash_slot -> Nullable<Int2>,
        cs_at_10 -> Nullable<Float4>,
        solo_kills -> Nullable<Float4>,
        mates -> Array<Nullable<Int8>>,
        opponents -> Array<Nullable<Int8>>,
    }
}

diesel::table! {
    reachability_observations (puuid, seen_at) {
        puuid -> Text,
        seen_at -> Timestamptz,
        reachable -> Bool,
    }
}

diesel::table! {
    riot_budgets (key_hash, route) {
        key_hash -> Text,
        route -> Text,
        record -> Jsonb,
        written_at -> Timestamptz,
    }
}

diesel::table! {
    settings (name) {
        name -> Text,
        sealed -> Bytea,
        key_id -> Text,
        version -> Int8,
        updated_at -> Timestamptz,
        updated_by -> Text,
    }
}

diesel::table! {
    suppressions (digest) {
        digest -> Bytea,
        key_check -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    told_stories (id) {
        id -> Int8,
        puuid -> Text,
        story -> Text,
        note -> Nullable<Text>,
        reported_by -> Text,
        told_at -> Timestamptz,
        until -> Timestamptz,
    }
}

diesel::joinable!(api_sessions -> api_tokens (token_id));
diesel::joinable!(assessment_reviews -> player_analysis (assessment_id));
diesel::joinable!(match_participants -> matches (match_id));
diesel::joinable!(matchmaking_analyses -> players (puuid));
diesel::joinable!(player_analysis -> players (puuid));
diesel::joinable!(player_looks -> players (puuid));
diesel::joinable!(player_ranks -> players (puuid));
diesel::joinable!(player_sync_cursors -> players (puuid));
diesel::joinable!(reachability_observations -> players (puuid));
diesel::joinable!(told_stories -> players (puuid));

diesel::allow_tables_to_appear_in_same_query!(
    api_sessions,
    api_tokens,
    assessment_claims,
    assessment_outcomes,
    assessment_reviews,
    match_claims,
    match_participants,
    match_rejects,
    matches,
    matchmaking_analyses,
    player_analysis,
    player_looks,
    player_ranks,
    player_sync_cursors,
    players,
    ranked_games,
    reachability_observations,
    riot_budgets,
    settings,
    suppressions,
    told_stories,
);
