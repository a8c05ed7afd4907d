// Printed from migrations/game by tests/schema.rs; see there.

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
    }
}

diesel::table! {
    reachability_observations (puuid, seen_at) {
        puuid -> Text,
        seen_at -> Timestamptz,
        reachable -> Bool,
    }
}

diesel::joinable!(match_participants -> matches (match_id));
diesel::joinable!(player_analysis -> players (puuid));
diesel::joinable!(player_ranks -> players (puuid));
diesel::joinable!(player_sync_cursors -> players (puuid));
diesel::joinable!(reachability_observations -> players (puuid));

diesel::allow_tables_to_appear_in_same_query!(
    match_participants,
    match_rejects,
    matches,
    player_analysis,
    player_ranks,
    player_sync_cursors,
    players,
    reachability_observations,
);
