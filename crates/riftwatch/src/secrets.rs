//! The key that seals secrets in the database.

use std::fs::{File, OpenOptions, create_dir_all, hard_link, remove_file};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use riftwatch_store::secret_key::SecretKey;
use riftwatch_store::suppressions::{self, SuppressionKey};
use riftwatch_store::{Db, settings_store};

use crate::Failure;
use crate::database::{Database, data_dir};
use crate::settings::{Settings, read_secret_key};

/// The key that was set; else, where the database is our own, that of a file beside it, which is
/// made on first use. `None`: nobody gave a key for a database that is not ours, and a key that
/// only one of several processes knows would be worse than none.
pub(crate) fn key(settings: &Settings, database: &Database) -> Result<Option<SecretKey>, Failure> {
    if let Some(key) = settings.secret_key()? {
        return Ok(Some(key));
    }
    if !database.is_ours() {
        return Ok(None);
    }
    let path = data_dir(settings)?.join("secret.key");
    if !path.exists() {
        make(&path).map_err(|source| Failure::File { path: path.clone(), source })?;
    }
    Ok(Some(read_secret_key(&path)?))
}

/// The key by which erased people are recognised; `None` without a key that seals it. First, whatever
/// the old key seals is sealed with the new one, if both were given.
pub(crate) async fn suppression_key(
    settings: &Settings,
    database: &Database,
    store: &Db,
) -> Result<Option<SuppressionKey>, Failure> {
    let Some(key) = key(settings, database)? else { return Ok(None) };
    let mut conn = store.get().await?;
    if let Some(old) = settings.old_secret_key()? {
        // A database that has no key of digests yet has digests by the old key, if any.
        suppressions::ensure_key(&mut conn, &old).await?;
        let sealed = settings_store::reseal(&mut conn, &old, &key).await?;
        if sealed > 0 {
            tracing::info!(
                secrets = sealed,
                "sealed {sealed} secrets with the new key: once every process has it, the old one can go"
            );
        }
    }
    Ok(suppressions::key(&mut conn, &key).await?)
}

/// Makes a key file that is whole from its first moment, and is the first one's if two processes
/// make it at a time.
fn make(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut file: File =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    writeln!(file, "{}", SecretKey::generate())?;
    file.sync_all()?;
    let linked = hard_link(&draft, path);
    remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_first_key_stays_and_is_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("inner/secret.key");
        make(&path).unwrap();
        let first = std::fs::read_to_string(&path).unwrap();
        make(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
        assert!(SecretKey::parse(&first).is_ok());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(path.parent().unwrap().read_dir().unwrap().count(), 1);
    }
}
