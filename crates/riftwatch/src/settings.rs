//! Settings: the compiled-in defaults, a file, the environment.
//!
//! `default.toml` lists every key with its unit, its default and its environment variable, and is
//! the only place that does: the variables' names are read from it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Config, File, FileFormat};
use riftwatch_http::{AccessConfig, AuthMode, HttpConfig, Limit};
use riftwatch_riot::client::RiotClientConfig;
use riftwatch_runner::RunnerConfig;
use riftwatch_store::DatabaseUrl;
use riftwatch_store::secret_key::{InvalidSecretKey, SecretKey};
use riftwatch_store::url::InvalidDatabaseUrl;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::cli::Role;

/// The defaults, and the documentation of every key.
pub(crate) const DEFAULTS: &str = include_str!("../default.toml");

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Where the API answers.
    pub(crate) bind: SocketAddr,
    auth_mode: AuthSetting,
    data_dir: PathBuf,
    database: DatabaseSettings,
    api: ApiSettings,
    secrets: SecretSettings,
    riot: RiotSettings,
    jobs: JobSettings,
    players: PlayerSettings,
    /// What is logged, and how.
    pub(crate) log: LogSettings,
    traces: TraceSettings,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct DatabaseSettings {
    url: SecretString,
    max_connections: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AuthSetting {
    On,
    Off,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiSettings {
    max_connections: usize,
    rate_limit: u32,
    trusted_proxies: String,
    max_streams: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretSettings {
    key: SecretString,
    key_file: PathBuf,
    old_key: SecretString,
    old_key_file: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RiotSettings {
    api_key: SecretString,
    api_key_file: PathBuf,
    base_url: String,
    usage_factor: f64,
    job_shares: String,
}

impl RiotSettings {
    /// `tracked_player_updater=3, rank_monitor=1`. `None`: not of this form.
    fn job_shares(&self) -> Option<BTreeMap<String, u32>> {
        let pairs = self.job_shares.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (job, share) = pair.split_once('=')?;
                let share = share.trim().parse().ok().filter(|share| (1..=1000).contains(share))?;
                Some((job.trim().to_owned(), share))
            })
            .collect()
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct JobSettings {
    scheduler_enabled: bool,
    worker_enabled: bool,
    interval_seconds: u32,
    timeout_seconds: u32,
    shutdown_grace_seconds: u32,
    concurrency: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlayerSettings {
    max_tracked: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSettings {
    /// An `EnvFilter`.
    pub(crate) filter: String,
    /// How lines look.
    pub(crate) format: LogFormat,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct TraceSettings {
    otlp_endpoint: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("reading the settings")]
    Read(#[source] config::ConfigError),
    #[error("reading .env")]
    DotEnv(#[source] dotenvy::Error),
    #[error("DATABASE_URL (database.url) cannot be used")]
    DatabaseUrl(#[source] InvalidDatabaseUrl),
    #[error("reading the key from RIOT_API_KEY_FILE (riot.api_key_file) {path}")]
    KeyFile {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("reading the key from {path} (RIFTWATCH_SECRET_KEY_FILE, secrets.key_file)")]
    SecretKeyFile {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("RIFTWATCH_SECRET_KEY (secrets.key) cannot be used")]
    SecretKey(#[source] InvalidSecretKey),
    #[error("RIFTWATCH_SECRET_KEY_OLD (secrets.old_key) cannot be used")]
    OldSecretKey(#[source] InvalidSecretKey),
    #[error(
        "API_TRUSTED_PROXIES (api.trusted_proxies) has {0:?}: expected addresses like 10.0.0.1"
    )]
    TrustedProxy(String),
    #[error("{name} ({key}) is {value}: expected {expected}")]
    Range { name: &'static str, key: &'static str, value: String, expected: &'static str },
}

impl Settings {
    /// Reads the defaults, then `file`, then `.env` in the working directory, then the environment;
    /// what comes later wins.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let mut variables = BTreeMap::new();
        match dotenvy::dotenv_iter() {
            Ok(lines) => {
                for line in lines {
                    let (name, value) = line.map_err(SettingsError::DotEnv)?;
                    variables.insert(name, value);
                }
            }
            Err(error) if error.not_found() => {}
            Err(error) => return Err(SettingsError::DotEnv(error)),
        }
        variables.extend(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }));
        Self::from_sources(file, &variables)
    }

    fn from_sources(
        file: Option<&Path>,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsError> {
        let mut builder = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = file {
            builder = builder.add_source(File::from(path).format(FileFormat::Toml));
        }
        for Documented { variable, key, .. } in documented(DEFAULTS) {
            // An empty variable is what `.env.example` and compose files have for "not set".
            if let Some(value) = variables.get(variable).filter(|value| !value.trim().is_empty()) {
                builder = builder.set_override(key, value.trim()).map_err(SettingsError::Read)?;
            }
        }
        let settings: Self =
            builder.build().and_then(Config::try_deserialize).map_err(SettingsError::Read)?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), SettingsError> {
        let jobs = &self.jobs;
        let factor = self.riot.usage_factor;
        let checks = [
            (
                jobs.interval_seconds >= 1,
                ("JOB_INTERVAL_SECONDS", "jobs.interval_seconds"),
                jobs.interval_seconds.to_string(),
                "1 or more",
            ),
            (
                jobs.timeout_seconds >= 1,
                ("JOB_TIMEOUT_SECONDS", "jobs.timeout_seconds"),
                jobs.timeout_seconds.to_string(),
                "1 or more",
            ),
            (
                (1..=256).contains(&jobs.concurrency),
                ("JOB_CONCURRENCY", "jobs.concurrency"),
                jobs.concurrency.to_string(),
                "1 to 256",
            ),
            (
                (4..=1000).contains(&self.database.max_connections),
                ("DATABASE_MAX_CONNECTIONS", "database.max_connections"),
                self.database.max_connections.to_string(),
                "4 to 1000",
            ),
            (
                (2..=1000).contains(&self.api.max_connections),
                ("API_MAX_CONNECTIONS", "api.max_connections"),
                self.api.max_connections.to_string(),
                "2 to 1000",
            ),
            (
                factor > 0.0 && factor <= 1.0,
                ("RIOT_USAGE_FACTOR", "riot.usage_factor"),
                factor.to_string(),
                "more than 0, at most 1",
            ),
            (
                self.riot.job_shares().is_some(),
                ("RIOT_JOB_SHARES", "riot.job_shares"),
                self.riot.job_shares.clone(),
                "job types with shares from 1 to 1000, as in tracked_player_updater=3, rank_monitor=1",
            ),
            (
                is_collector(&self.traces.otlp_endpoint),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "traces.otlp_endpoint"),
                // A URL may have a password in it.
                "something else".to_owned(),
                "an address like http://127.0.0.1:4318",
            ),
        ];
        for (fine, (name, key), value, expected) in checks {
            if !fine {
                return Err(SettingsError::Range { name, key, value, expected });
            }
        }
        Ok(())
    }

    /// The settings of a process that has these roles; none: those that it has.
    #[must_use]
    pub(crate) fn with_roles(mut self, roles: &[Role]) -> Self {
        if !roles.is_empty() {
            let has = |role| roles.contains(&role) || roles.contains(&Role::All);
            self.jobs.scheduler_enabled = has(Role::Scheduler);
            self.jobs.worker_enabled = has(Role::Worker);
        }
        self
    }

    /// The database that was named; `None`: our own.
    pub(crate) fn database_url(&self) -> Result<Option<DatabaseUrl>, SettingsError> {
        let text = self.database.url.expose_secret();
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(SettingsError::DatabaseUrl)
    }

    /// The most connections of the pool.
    pub(crate) fn max_connections(&self) -> usize {
        self.database.max_connections
    }

    /// The settings of a process in which nobody has to log in.
    #[must_use]
    pub(crate) fn without_access_control(mut self) -> Self {
        self.auth_mode = AuthSetting::Off;
        self
    }

    /// The most connections of the API's pool.
    pub(crate) fn api_max_connections(&self) -> usize {
        self.api.max_connections
    }

    /// The server's settings.
    pub(crate) fn http(&self) -> Result<HttpConfig, SettingsError> {
        let rate = self.api.rate_limit;
        let limit = |per_second: u32| Limit { per_second, burst: per_second.saturating_mul(5) };
        let proxies = self.api.trusted_proxies.split(',').map(str::trim);
        let trusted_proxies = proxies
            .filter(|text| !text.is_empty())
            .map(|text| text.parse().map_err(|_| SettingsError::TrustedProxy(text.to_owned())))
            .collect::<Result<_, _>>()?;
        Ok(HttpConfig {
            access: AccessConfig {
                mode: match self.auth_mode {
                    AuthSetting::On => AuthMode::On,
                    AuthSetting::Off => AuthMode::Off,
                },
                per_token: (rate > 0).then(|| limit(rate)),
                per_address: (rate > 0).then(|| limit(rate.saturating_mul(2))),
                trusted_proxies,
            },
            max_streams: self.api.max_streams,
            ..HttpConfig::default()
        })
    }

    /// The key that seals secrets, if one was given.
    pub(crate) fn secret_key(&self) -> Result<Option<SecretKey>, SettingsError> {
        secret_key(&self.secrets.key, &self.secrets.key_file, SettingsError::SecretKey)
    }

    /// The key before that one, while keys are changed.
    pub(crate) fn old_secret_key(&self) -> Result<Option<SecretKey>, SettingsError> {
        let secrets = &self.secrets;
        secret_key(&secrets.old_key, &secrets.old_key_file, SettingsError::OldSecretKey)
    }

    /// Where traces go, if anywhere.
    pub(crate) fn otlp_endpoint(&self) -> Option<Url> {
        // An empty text is no URL; any other was checked when the settings were read.
        self.traces.otlp_endpoint.parse().ok()
    }

    /// Where riftwatch keeps what it owns, if set.
    pub(crate) fn data_dir(&self) -> Option<&Path> {
        Some(self.data_dir.as_path()).filter(|dir| !dir.as_os_str().is_empty())
    }

    /// How many players may be tracked.
    pub(crate) fn max_tracked_players(&self) -> u32 {
        self.players.max_tracked
    }

    /// The job runtime's settings.
    pub(crate) fn runner(&self) -> RunnerConfig {
        let jobs = &self.jobs;
        RunnerConfig {
            scheduler_enabled: jobs.scheduler_enabled,
            worker_enabled: jobs.worker_enabled,
            default_interval: Duration::from_secs(jobs.interval_seconds.into()),
            default_timeout: Duration::from_secs(jobs.timeout_seconds.into()),
            shutdown_grace: Duration::from_secs(jobs.shutdown_grace_seconds.into()),
            concurrency: jobs.concurrency,
            ..RunnerConfig::default()
        }
    }

    /// The Riot client's settings.
    pub(crate) fn riot(&self) -> Result<RiotClientConfig, SettingsError> {
        let mut key = self.riot.api_key.clone();
        let path = &self.riot.api_key_file;
        if key.expose_secret().is_empty() && !path.as_os_str().is_empty() {
            key = std::fs::read_to_string(path)
                .map(|text| text.trim().into())
                .map_err(|source| SettingsError::KeyFile { path: path.clone(), source })?;
        }
        Ok(RiotClientConfig {
            base_url: self.riot.base_url.clone(),
            api_key: Some(key).filter(|key| !key.expose_secret().is_empty()),
            usage_factor: self.riot.usage_factor,
            job_shares: self.riot.job_shares().expect("checked when the settings were read"),
            ..RiotClientConfig::default()
        })
    }
}

fn is_collector(endpoint: &str) -> bool {
    endpoint.is_empty()
        || endpoint
            .parse::<Url>()
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn secret_key(
    text: &SecretString,
    path: &Path,
    unfit: fn(InvalidSecretKey) -> SettingsError,
) -> Result<Option<SecretKey>, SettingsError> {
    if !text.expose_secret().is_empty() {
        return SecretKey::parse(text.expose_secret()).map(Some).map_err(unfit);
    }
    if path.as_os_str().is_empty() { Ok(None) } else { read_secret_key(path).map(Some) }
}

/// Reads a key that seals secrets from a file.
pub(crate) fn read_secret_key(path: &Path) -> Result<SecretKey, SettingsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SettingsError::SecretKeyFile { path: path.to_owned(), source })?;
    SecretKey::parse(&text).map_err(SettingsError::SecretKey)
}

/// A key as `default.toml` presents it.
struct Documented<'a> {
    variable: &'a str,
    key: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reference, which a test writes"))]
    default: &'a str,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reference, which a test writes"))]
    text: String,
}

/// The keys of `default.toml`, each with the comment and the environment variable above it.
fn documented(toml: &str) -> Vec<Documented<'_>> {
    let mut found = Vec::new();
    let mut section = "";
    let mut variable = None;
    let mut text: Vec<&str> = Vec::new();
    for line in toml.lines() {
        if let Some(name) = line.strip_prefix("# environment: ") {
            variable = Some(name);
        } else if let Some(comment) = line.strip_prefix("# ") {
            text.push(comment);
        } else if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = name;
        } else if line.is_empty() {
            text.clear();
        } else if let Some((key, default)) = line.split_once(" = ")
            && let Some(variable) = variable.take()
        {
            let key = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
            found.push(Documented { variable, key, default, text: text.join(" ") });
            text.clear();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::from_sources(None, &variables).map_err(|error| {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {}", source.unwrap_or_default())
        })
    }

    #[test]
    fn the_defaults_are_complete_and_legal() {
        let settings = with(&[]).expect("the defaults are legal");
        assert_eq!(settings.bind.to_string(), "127.0.0.1:8000");
        assert!(settings.database_url().expect("no URL is legal").is_none());
        assert!(settings.riot().expect("no key is legal").api_key.is_none());
        assert_eq!(settings.runner().default_interval, Duration::from_secs(120));
    }

    #[test]
    fn the_seeds_variables_keep_their_names() {
        let settings = with(&[
            ("JOB_SCHEDULER_ENABLED", "false"),
            ("JOB_INTERVAL_SECONDS", "300"),
            ("JOB_TIMEOUT_SECONDS", "1200"),
            ("MAX_TRACKED_PLAYERS", "25"),
        ])
        .expect("the seed's values are legal");
        let runner = settings.runner();
        assert!(!runner.scheduler_enabled);
        assert_eq!(runner.default_interval, Duration::from_secs(300));
        assert_eq!(runner.default_timeout, Duration::from_secs(1200));
        assert_eq!(settings.max_tracked_players(), 25);
    }

    #[test]
    fn every_key_has_a_variable() {
        let keys = DEFAULTS.lines().filter(|line| line.contains(" = ") && !line.starts_with('#'));
        assert_eq!(documented(DEFAULTS).len(), keys.count());
        assert!(documented(DEFAULTS).iter().all(|key| !key.text.is_empty()));
    }

    /// Compares a file of the repository with what it should hold; `UPDATE=1` writes it.
    fn is_current(path: &str, text: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, text).expect("writing the file");
        }
        let committed = std::fs::read_to_string(&path).expect("the file is there");
        assert!(committed == text, "{} is not current: run with UPDATE=1", path.display());
    }

    #[test]
    fn the_reference_of_settings_is_current() {
        let mut text = String::from(
            "# Configuration\n\n\
             Printed from `crates/riftwatch/default.toml` by a test; edit that file.\n\n\
             Later sources win: the compiled-in defaults, a file (`riftwatch --config FILE` or `RIFTWATCH_CONFIG`, in\n\
             the form of `default.toml`, unknown keys refused), `.env` in the working directory, the environment. An\n\
             empty variable counts as not set.\n\n\
             | variable | key in a file | default | what it is |\n|---|---|---|---|\n",
        );
        for Documented { variable, key, default, text: what } in documented(DEFAULTS) {
            text.push_str(&format!("| `{variable}` | `{key}` | `{default}` | {what} |\n"));
        }
        is_current("docs/configuration.md", &text);
    }

    #[test]
    fn the_example_of_an_env_file_is_current() {
        let mut text =
            String::from("# Copy to .env and set what you need; empty is the default.\n");
        for Documented { variable, default, text: what, .. } in documented(DEFAULTS) {
            let default = default.trim_matches('"');
            text.push_str(&format!("\n# {what}\n# default: {default}\n{variable}=\n"));
        }
        is_current(".env.example", &text);
    }

    #[test]
    fn roles_replace_what_the_settings_say() {
        let roles = |roles: &[Role]| {
            let runner =
                with(&[("JOB_WORKER_ENABLED", "false")]).expect("legal").with_roles(roles).runner();
            (runner.scheduler_enabled, runner.worker_enabled)
        };
        assert_eq!(roles(&[]), (true, false));
        assert_eq!(roles(&[Role::Api]), (false, false));
        assert_eq!(roles(&[Role::Worker]), (false, true));
        assert_eq!(roles(&[Role::Api, Role::Scheduler]), (true, false));
        assert_eq!(roles(&[Role::All]), (true, true));
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let settings = with(&[("JOB_INTERVAL_SECONDS", " ")]).expect("as if unset");
        assert_eq!(settings.runner().default_interval, Duration::from_secs(120));
    }

    #[test]
    fn a_bad_value_names_its_key_and_the_mend() {
        let error = with(&[("JOB_INTERVAL_SECONDS", "0")]).expect_err("0 s is no interval");
        assert!(error.contains("JOB_INTERVAL_SECONDS") && error.contains("1 or more"), "{error}");
        let error = with(&[("JOB_INTERVAL_SECONDS", "soon")]).expect_err("no number");
        assert!(error.contains("interval_seconds"), "{error}");
    }

    #[test]
    fn secrets_are_not_printed() {
        let settings =
            with(&[("RIOT_API_KEY", "RGAPI-x"), ("DATABASE_URL", "postgres://u:pw@h/d")])
                .expect("legal");
        let printed = format!("{settings:?}");
        assert!(!printed.contains("RGAPI-x") && !printed.contains("pw"), "{printed}");
    }

    #[test]
    fn an_unknown_key_in_a_file_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("riftwatch.toml");
        std::fs::write(&path, "[jobs]\nintervall_seconds = 5\n").expect("writing the file");
        let error = Settings::from_sources(Some(&path), &BTreeMap::new()).expect_err("a typo");
        let chain = std::error::Error::source(&error).map(ToString::to_string);
        assert!(chain.is_some_and(|text| text.contains("intervall_seconds")), "{error:?}");
    }
}
