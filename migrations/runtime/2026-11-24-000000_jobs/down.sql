DROP TABLE audit_log;
DROP TABLE workers;
DROP TABLE job_execution_logs;
DROP TABLE job_executions;
DROP TABLE job_configurations;
DROP FUNCTION job_configurations_changed;
DROP FUNCTION job_configurations_before_edit;
DROP FUNCTION job_configurations_before_insert;
