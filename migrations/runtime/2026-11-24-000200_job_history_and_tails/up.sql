-- What each version of a job was, and the newest lines of runs that log more than is kept.

CREATE TABLE job_configuration_versions (
    job_id         bigint      NOT NULL,
    version        bigint      NOT NULL,
    configuration  jsonb       NOT NULL,
    changed_at     timestamptz NOT NULL DEFAULT now(),
    changed_by     text        NOT NULL,
    reason         text,
    CONSTRAINT job_configuration_versions_pkey PRIMARY KEY (job_id, version)
);

COMMENT ON TABLE job_configuration_versions IS 'Every version that a job ever had, whoever made it; stays when the job is deleted.';
COMMENT ON COLUMN job_configuration_versions.job_id IS 'A job configuration; no foreign key, because history outlives its job.';
COMMENT ON COLUMN job_configuration_versions.configuration IS 'All columns of the job that somebody may set.';
COMMENT ON COLUMN job_configuration_versions.changed_by IS 'Who made it: an actor of the audit log, or sql:ROLE for hand-written SQL.';

-- The tail of a log is known only when its run ends, and the table of lines is append-only. Until
-- then the newest lines are here, one row for a run, rewritten as they come.
CREATE TABLE job_execution_tails (
    execution_id  bigint      NOT NULL,
    lines         jsonb       NOT NULL,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT job_execution_tails_pkey PRIMARY KEY (execution_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

COMMENT ON TABLE job_execution_tails IS 'The newest log lines of running runs that have logged more than their first lines. No row outlives its run.';
COMMENT ON COLUMN job_execution_tails.lines IS '[{"seq", "at", "level", "target", "message", "fields"}], oldest first.';

-- GET /audit?actor=…
CREATE INDEX audit_log_actor_idx ON audit_log (actor, id);

-- A trigger, so that hand-written SQL makes history too. Ticks do not raise the version, and so do
-- not come here.
CREATE FUNCTION job_configurations_record_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO job_configuration_versions (job_id, version, configuration, changed_by, reason)
    VALUES (NEW.id, NEW.version,
            to_jsonb(NEW) - ARRAY['id', 'version', 'next_run_at', 'next_nominal_at', 'last_run_at',
                                  'created_at', 'updated_at'],
            coalesce(nullif(current_setting('riftwatch.actor', true), ''), 'sql:' || session_user),
            nullif(current_setting('riftwatch.reason', true), ''))
    -- Only a row that is inserted under the key of a deleted one finds its version taken.
    ON CONFLICT ON CONSTRAINT job_configuration_versions_pkey DO UPDATE
    SET configuration = excluded.configuration, changed_at = excluded.changed_at,
        changed_by = excluded.changed_by, reason = excluded.reason;
    RETURN NULL;
END $$;

CREATE TRIGGER record_first_version AFTER INSERT ON job_configurations
    FOR EACH ROW EXECUTE FUNCTION job_configurations_record_version();
CREATE TRIGGER record_version AFTER UPDATE ON job_configurations
    FOR EACH ROW WHEN (OLD.version <> NEW.version)
    EXECUTE FUNCTION job_configurations_record_version();

-- Jobs that are there already begin their history with what they are now.
INSERT INTO job_configuration_versions (job_id, version, configuration, changed_at, changed_by)
SELECT id, version,
       to_jsonb(j) - ARRAY['id', 'version', 'next_run_at', 'next_nominal_at', 'last_run_at',
                           'created_at', 'updated_at'],
       updated_at, 'sql:' || session_user
FROM job_configurations j;
