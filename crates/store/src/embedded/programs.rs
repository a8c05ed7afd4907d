//! The machine's own PostgreSQL server programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::EmbeddedError;

/// The oldest version whose SQL we write: Debian 12 has it.
pub(super) const OLDEST_MAJOR: u32 = 15;

/// One installation of the server programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programs {
    /// The major version: 15, 16, …
    pub(super) major: u32,
    /// Where `initdb` and `postgres` are.
    pub(super) bin: PathBuf,
}

/// Folders with one folder per version, as distributions lay them out. `*` stands for a version.
const VERSIONED: [&str; 7] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// Every usable installation, newest first. Asks each program for its version: a few milliseconds.
///
/// # Errors
///
/// [`EmbeddedError::NoPrograms`] when there is none.
pub(super) fn find_all() -> Result<Vec<Programs>, EmbeddedError> {
    let mut bins: Vec<PathBuf> = Vec::new();
    bins.extend(pg_config_bin());
    bins.extend(VERSIONED.iter().flat_map(|pattern| expand(pattern)));
    bins.push("/usr/local/pgsql/bin".into());
    bins.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    usable(bins)
}

fn usable(bins: Vec<PathBuf>) -> Result<Vec<Programs>, EmbeddedError> {
    let mut found: Vec<Programs> = Vec::new();
    for bin in bins {
        // PATH may lead to links; PostgreSQL finds its own files from where its program really is.
        let Ok(postgres) = fs::canonicalize(bin.join("postgres")) else { continue };
        let Some(bin) = postgres.parent().filter(|bin| bin.join("initdb").exists()) else {
            continue;
        };
        if found.iter().any(|programs| programs.bin == bin) {
            continue;
        }
        let Some(major) = version_of(&postgres) else { continue };
        found.push(Programs { major, bin: bin.to_path_buf() });
    }
    found.sort_by_key(|programs| std::cmp::Reverse(programs.major));
    let newest = found.first().map(|programs| programs.major);
    found.retain(|programs| programs.major >= OLDEST_MAJOR);
    if found.is_empty() { Err(EmbeddedError::NoPrograms { newest }) } else { Ok(found) }
}

fn pg_config_bin() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(text.trim())).filter(|bin| bin.is_absolute())
}

/// The folders that match a pattern with one `*` in it.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![pattern.into()] };
    let Some((parent, prefix)) = before.rsplit_once('/') else { return Vec::new() };
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(after.trim_start_matches('/')))
        .collect()
}

fn version_of(postgres: &Path) -> Option<u32> {
    let output = Command::new(postgres).arg("--version").stdin(Stdio::null()).output().ok()?;
    parse_major(&String::from_utf8(output.stdout).ok()?)
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` → 15.
fn parse_major(version: &str) -> Option<u32> {
    let number = version.split(") ").nth(1)?;
    let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// `psql` of the newest installation, else the one on the path.
pub(super) fn psql() -> PathBuf {
    find_all()
        .into_iter()
        .flatten()
        .map(|programs| programs.bin.join("psql"))
        .find(|psql| psql.exists())
        .unwrap_or_else(|| "psql".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_every_distribution_prints_them() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta2"), Some(18));
        assert_eq!(parse_major("postgres (PostgreSQL) 16.4 (Homebrew)"), Some(16));
        assert_eq!(parse_major("something else"), None);
    }

    #[test]
    fn without_programs_the_error_names_the_command_that_installs_them() {
        let empty = tempfile::tempdir().expect("a temporary directory");
        let error = usable(vec![empty.path().to_path_buf()]).expect_err("no programs there");
        let text = error.to_string();
        assert!(text.contains("install"), "{text}");
        assert!(text.contains("DATABASE_URL"), "{text}");
    }
}
