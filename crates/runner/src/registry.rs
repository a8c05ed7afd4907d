//! The job types that a program knows.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::context::JobContext;
use crate::job::{Job, JobError, Outcome};

/// A type of job, as people see it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobType {
    /// The name that `job_type` has in the table.
    pub kind: &'static str,
    /// What it does.
    pub description: &'static str,
    /// Time between ticks in the row that the first start makes.
    pub default_interval: Duration,
    /// Whether that row is enabled.
    pub default_enabled: bool,
    /// The name of that row.
    pub default_name: &'static str,
    /// JSON schema of `config_json`.
    pub schema: Value,
    /// The settings that hold where `config_json` says nothing.
    pub default_config: Value,
}

/// Why settings do not fit a job type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct ConfigError {
    /// Where: `config_json.platforms[1]`.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

type Validate = fn(&Value) -> Result<(), ConfigError>;
type Run<D> = Arc<dyn Fn(JobContext<D>, &Value) -> Result<RunFuture, ConfigError> + Send + Sync>;
pub(crate) type RunFuture = BoxFuture<'static, Result<Outcome, JobError>>;

/// The job types of a program without their code: what managing jobs needs.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    types: Arc<BTreeMap<&'static str, (JobType, Validate)>>,
}

impl Catalog {
    /// Every type, by name.
    pub fn types(&self) -> impl Iterator<Item = &JobType> {
        self.types.values().map(|(job_type, _)| job_type)
    }

    /// The type of this name.
    pub fn find(&self, kind: &str) -> Option<&JobType> {
        self.types.get(kind).map(|(job_type, _)| job_type)
    }

    /// Checks settings against their type.
    ///
    /// # Errors
    ///
    /// With the path `job_type` when there is no such type; else the first thing that does not fit.
    pub fn validate(&self, kind: &str, config: &Value) -> Result<(), ConfigError> {
        let Some((_, validate)) = self.types.get(kind) else {
            let known: Vec<&str> = self.types.keys().copied().collect();
            return Err(ConfigError {
                path: "job_type".to_owned(),
                message: format!("unknown job type {kind:?}: expected one of {}", known.join(", ")),
            });
        };
        validate(config)
    }
}

/// The job types of a program, with their code.
pub struct Registry<D> {
    catalog: Catalog,
    runs: BTreeMap<&'static str, Run<D>>,
}

impl<D: Send + Sync + 'static> Default for Registry<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: Send + Sync + 'static> Registry<D> {
    /// No job types.
    pub fn new() -> Self {
        Self { catalog: Catalog::default(), runs: BTreeMap::new() }
    }

    /// Adds a job type.
    ///
    /// # Panics
    ///
    /// When a type of this kind is there already, or its default settings do not read back.
    #[must_use]
    pub fn with<J: Job<Deps = D>>(mut self, job: J) -> Self {
        let default_config = serde_json::to_value(J::Config::default())
            .expect("default settings can be written as JSON");
        let job_type = JobType {
            kind: J::KIND,
            description: J::DESCRIPTION,
            default_interval: J::DEFAULT_INTERVAL,
            default_enabled: J::DEFAULT_ENABLED,
            default_name: J::DEFAULT_NAME,
            schema: schemars::schema_for!(J::Config).to_value(),
            default_config,
        };
        let validate: Validate = |config| parse::<J::Config>(config).map(drop);
        validate(&job_type.default_config).expect("default settings read back");
        let types = Arc::make_mut(&mut self.catalog.types);
        let old = types.insert(J::KIND, (job_type, validate));
        assert!(old.is_none(), "two job types of the kind {}", J::KIND);
        let job = Arc::new(job);
        let run: Run<D> = Arc::new(move |cx, config| {
            let config = parse::<J::Config>(config)?;
            let job = Arc::clone(&job);
            Ok(Box::pin(async move { job.run(&cx, config).await }) as RunFuture)
        });
        self.runs.insert(J::KIND, run);
        self
    }

    /// The types without their code.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Every type, by name.
    pub fn types(&self) -> impl Iterator<Item = &JobType> {
        self.catalog.types()
    }

    /// As [`Catalog::validate`].
    ///
    /// # Errors
    ///
    /// As [`Catalog::validate`].
    pub fn validate(&self, kind: &str, config: &Value) -> Result<(), ConfigError> {
        self.catalog.validate(kind, config)
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        self.runs.keys().map(|kind| (*kind).to_owned()).collect()
    }

    /// Prepares a run. `None`: no such type.
    pub(crate) fn start(
        &self,
        kind: &str,
        cx: JobContext<D>,
        config: &Value,
    ) -> Option<Result<RunFuture, ConfigError>> {
        self.runs.get(kind).map(|run| run(cx, config))
    }
}

impl<D> fmt::Debug for Registry<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.runs.keys()).finish()
    }
}

fn parse<C: DeserializeOwned>(config: &Value) -> Result<C, ConfigError> {
    if !config.is_object() {
        return Err(ConfigError {
            path: "config_json".to_owned(),
            message: "expected an object, {\"key\": value}".to_owned(),
        });
    }
    serde_path_to_error::deserialize(config).map_err(|error| {
        let inner = error.path().to_string();
        let path =
            if inner == "." { "config_json".to_owned() } else { format!("config_json.{inner}") };
        ConfigError { path, message: error.inner().to_string() }
    })
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Config {
        /// How many.
        limit: u32,
        platforms: Vec<String>,
    }

    impl Default for Config {
        fn default() -> Self {
            Self { limit: 3, platforms: vec![] }
        }
    }

    struct Toy;

    #[async_trait::async_trait]
    impl Job for Toy {
        type Deps = ();
        type Config = Config;
        const KIND: &'static str = "toy";
        const DESCRIPTION: &'static str = "Plays.";
        const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);
        async fn run(&self, _: &JobContext<()>, _: Config) -> Result<Outcome, JobError> {
            Ok(Outcome::Done)
        }
    }

    #[test]
    fn a_config_error_has_the_path_of_the_field() {
        let registry = Registry::new().with(Toy);
        let path = |config| registry.validate("toy", &config).expect_err("it does not fit").path;
        assert_eq!(path(json!({ "platforms": ["euw1", 2] })), "config_json.platforms[1]");
        assert_eq!(path(json!({ "limits": 2 })), "config_json.limits");
        assert_eq!(path(json!([])), "config_json");
        assert_eq!(registry.validate("toy", &json!({ "limit": 5 })), Ok(()));
        let unknown = registry.validate("tyo", &json!({})).expect_err("no such type");
        assert_eq!(unknown.to_string(), r#"job_type: unknown job type "tyo": expected one of toy"#);
    }

    #[test]
    fn a_type_tells_its_schema_and_defaults() {
        let registry = Registry::new().with(Toy);
        let toy = registry.types().next().expect("one type");
        assert_eq!(toy.default_config, json!({ "limit": 3, "platforms": [] }));
        assert_eq!(toy.schema["properties"]["limit"]["description"], "How many.");
    }
}
