DROP TRIGGER record_version ON job_configurations;
DROP TRIGGER record_first_version ON job_configurations;
DROP FUNCTION job_configurations_record_version();
DROP INDEX audit_log_actor_idx;
DROP TABLE job_execution_tails;
DROP TABLE job_configuration_versions;
