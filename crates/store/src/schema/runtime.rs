// Printed from migrations/runtime by tests/schema.rs; see there.

diesel::table! {
    audit_log (id) {
        id -> Int8,
        at -> Timestamptz,
        actor -> Text,
        action -> Text,
        outcome -> Text,
        job_id -> Nullable<Int8>,
        job_name -> Nullable<Text>,
        execution_id -> Nullable<Int8>,
        difference -> Jsonb,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    job_configuration_versions (job_id, version) {
        job_id -> Int8,
        version -> Int8,
        configuration -> Jsonb,
        changed_at -> Timestamptz,
        changed_by -> Text,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    job_configurations (id) {
        id -> Int8,
        name -> Text,
        job_type -> Text,
        interval_seconds -> Nullable<Int4>,
        cron -> Nullable<Text>,
        time_zone -> Text,
        manual_only -> Bool,
        jitter_seconds -> Int4,
        enabled -> Bool,
        config_json -> Jsonb,
        timeout_seconds -> Nullable<Int4>,
        max_instances -> Int4,
        misfire_policy -> Text,
        version -> Int8,
        paused_at -> Nullable<Timestamptz>,
        paused_reason -> Nullable<Text>,
        paused_until -> Nullable<Timestamptz>,
        next_run_at -> Nullable<Timestamptz>,
        next_nominal_at -> Nullable<Timestamptz>,
        last_run_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    job_execution_logs (execution_id, seq, at) {
        execution_id -> Int8,
        seq -> Int4,
        at -> Timestamptz,
        level -> Text,
        target -> Text,
        message -> Text,
        fields -> Jsonb,
    }
}

diesel::table! {
    job_execution_tails (execution_id) {
        execution_id -> Int8,
        lines -> Jsonb,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    job_executions (id) {
        id -> Int8,
        job_id -> Int8,
        job_name -> Text,
        job_type -> Text,
        slot -> Int4,
        attempt -> Int4,
        status -> Text,
        reason -> Nullable<Text>,
        trigger -> Text,
        requested_by -> Nullable<Text>,
        retry_of -> Nullable<Int8>,
        scheduled_for -> Nullable<Timestamptz>,
        started_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        metrics -> Jsonb,
        log_data -> Jsonb,
        error -> Nullable<Text>,
        config_version -> Nullable<Int8>,
        config_snapshot -> Nullable<Jsonb>,
        progress -> Nullable<Jsonb>,
        worker_id -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
        cancel_requested_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        unfinished -> Bool,
        ended_badly -> Bool,
    }
}

diesel::table! {
    workers (id) {
        id -> Uuid,
        host -> Text,
        pid -> Int4,
        version -> Text,
        job_types -> Array<Nullable<Text>>,
        concurrency -> Int4,
        running -> Int4,
        scheduler -> Bool,
        draining -> Bool,
        started_at -> Timestamptz,
        heartbeat_at -> Timestamptz,
        lease_until -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    audit_log,
    job_configuration_versions,
    job_configurations,
    job_execution_logs,
    job_execution_tails,
    job_executions,
    workers,
);
