//! The address of a database, with libpq's words for TLS.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use riftwatch_domain::causes::chain;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// A PostgreSQL URL. Printing it hides the password; [`DatabaseUrl::expose`] does not.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    full: String,
    config: tokio_postgres::Config,
    verify: Verify,
}

#[derive(Clone, PartialEq, Eq)]
enum Verify {
    /// Encrypt if the mode says so, whoever answers: libpq's `prefer` and `require`.
    Nobody,
    /// The chain and the name must be right. `roots`: a PEM file in place of the system's store.
    Server { roots: Option<String> },
}

/// The text is no address of a PostgreSQL database.
#[derive(Debug, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// Not `postgres://…` or `postgresql://…`.
    #[error("a database URL begins with postgres:// or postgresql://")]
    Scheme,
    /// Not a URL at all.
    #[error("the database URL cannot be read")]
    Url(#[source] url::ParseError),
    /// A parameter that PostgreSQL's clients do not know, or a bad value of one.
    #[error("the database URL has a parameter that cannot be used")]
    Parameter(#[source] tokio_postgres::Error),
    /// Not one of libpq's words.
    #[error(
        "sslmode={0} is not known: expected disable, allow, prefer, require, verify-ca or verify-full"
    )]
    SslMode(String),
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    /// Reads what psql would take. `sslmode=verify-ca` is as strict as `verify-full`, and
    /// `allow` is `prefer`.
    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(InvalidDatabaseUrl::Scheme);
        }
        let mut url = url::Url::parse(text).map_err(InvalidDatabaseUrl::Url)?;
        let mut ssl_mode = SslMode::Prefer;
        let mut verify = Verify::Nobody;
        let mut roots = None;
        let mut rest = Vec::new();
        for (key, value) in url.query_pairs() {
            match &*key {
                "sslmode" => {
                    (ssl_mode, verify) = match &*value {
                        "disable" => (SslMode::Disable, Verify::Nobody),
                        "allow" | "prefer" => (SslMode::Prefer, Verify::Nobody),
                        "require" => (SslMode::Require, Verify::Nobody),
                        "verify-ca" | "verify-full" => {
                            (SslMode::Require, Verify::Server { roots: None })
                        }
                        other => return Err(InvalidDatabaseUrl::SslMode(other.to_owned())),
                    };
                }
                "sslrootcert" => roots = Some(value.into_owned()),
                _ => rest.push((key.into_owned(), value.into_owned())),
            }
        }
        if let Verify::Server { roots: file } = &mut verify {
            *file = roots.filter(|path| path != "system");
        }
        // `query_pairs_mut` would write spaces as `+`, which PostgreSQL's clients do not read back.
        let query = rest
            .iter()
            .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
            .collect::<Vec<_>>()
            .join("&");
        url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
        let mut config: tokio_postgres::Config =
            url.as_str().parse().map_err(InvalidDatabaseUrl::Parameter)?;
        config.ssl_mode(ssl_mode);
        if config.get_application_name().is_none() {
            config.application_name("riftwatch");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(std::time::Duration::from_secs(10));
        }
        Ok(Self { full: text.to_owned(), config, verify })
    }
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_./".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

impl DatabaseUrl {
    /// The URL as it was given, password included.
    pub fn expose(&self) -> &str {
        &self.full
    }

    /// The same server, another database.
    ///
    /// # Errors
    ///
    /// When `name` makes no URL.
    pub fn with_database(&self, name: &str) -> Result<Self, InvalidDatabaseUrl> {
        let mut url = url::Url::parse(&self.full).map_err(InvalidDatabaseUrl::Url)?;
        url.set_path(name);
        url.as_str().parse()
    }

    /// Opens a connection and the task that drives it. For LISTEN and COPY; everything else goes
    /// through [`crate::Db`].
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, or refuses.
    pub async fn connect_raw(
        &self,
    ) -> Result<
        (tokio_postgres::Client, tokio_postgres::Connection<tokio_postgres::Socket, Stream>),
        ConnectError,
    > {
        Ok(self.config.connect(self.tls()?).await?)
    }

    /// Opens a connection outside any pool.
    pub(crate) async fn establish(&self) -> ConnectionResult<AsyncPgConnection> {
        let (client, connection) = self
            .connect_raw()
            .await
            .map_err(|error| ConnectionError::BadConnection(chain(&error)))?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }

    fn tls(&self) -> Result<MakeRustlsConnect, ConnectError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let config = match &self.verify {
            Verify::Nobody => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
                .with_no_client_auth(),
            Verify::Server { roots } => {
                builder.with_root_certificates(load_roots(roots.as_deref())?).with_no_client_auth()
            }
        };
        Ok(MakeRustlsConnect::new(config))
    }
}

/// The encrypted stream of a connection, or the plain one.
pub type Stream =
    <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>>::Stream;

/// Why a connection was not made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server does not answer, or refuses.
    #[error("connecting to the database")]
    Connect(#[from] tokio_postgres::Error),
    /// No protocol version in common with the library.
    #[error("preparing TLS")]
    Tls(#[from] rustls::Error),
    /// The file of `sslrootcert` cannot be read, or the system has no certificates.
    #[error("reading root certificates from {0}")]
    Roots(String),
}

fn load_roots(file: Option<&str>) -> Result<RootCertStore, ConnectError> {
    let mut store = RootCertStore::empty();
    let (source, certificates) = match file {
        Some(path) => {
            let certificates = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| ConnectError::Roots(format!("{path}: {error}")))?;
            (path, certificates)
        }
        None => ("the system's store", rustls_native_certs::load_native_certs().certs),
    };
    store.add_parsable_certificates(certificates);
    if store.is_empty() {
        return Err(ConnectError::Roots(source.to_owned()));
    }
    Ok(store)
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match url::Url::parse(&self.full) {
            Ok(mut url) => {
                if url.password().is_some() {
                    // Fails only for URLs without a host, which have no password either.
                    let _ = url.set_password(Some("***"));
                }
                let pairs: Vec<(String, String)> = url
                    .query_pairs()
                    .map(|(key, value)| {
                        let value = if key == "password" { "***".into() } else { value };
                        (key.into_owned(), value.into_owned())
                    })
                    .collect();
                if pairs.iter().any(|(key, _)| key == "password") {
                    url.query_pairs_mut().clear().extend_pairs(pairs);
                }
                f.write_str(url.as_str())
            }
            Err(_) => f.write_str("(unreadable)"),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Takes any certificate, as libpq does below `verify-ca`: the stream is secret, the server unproved.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> DatabaseUrl {
        text.parse().expect("a database URL")
    }

    #[test]
    fn every_sslmode_of_libpq_is_understood() {
        for (word, mode) in [
            ("disable", SslMode::Disable),
            ("allow", SslMode::Prefer),
            ("prefer", SslMode::Prefer),
            ("require", SslMode::Require),
            ("verify-ca", SslMode::Require),
            ("verify-full", SslMode::Require),
        ] {
            let url = parse(&format!("postgres://u@h/d?sslmode={word}&sslrootcert=system"));
            assert_eq!(url.config.get_ssl_mode(), mode, "{word}");
            assert_eq!(url.verify != Verify::Nobody, word.starts_with("verify"), "{word}");
        }
        assert!("postgres://u@h/d?sslmode=on".parse::<DatabaseUrl>().is_err());
    }

    #[test]
    fn a_socket_directory_with_odd_characters_survives() {
        let url = parse("postgresql:///riftwatch?host=%2Ftmp%2Fa%20b&user=riftwatch");
        assert_eq!(url.config.get_hosts(), [tokio_postgres::config::Host::Unix("/tmp/a b".into())]);
        assert_eq!(url.config.get_dbname(), Some("riftwatch"));
    }

    #[test]
    fn printing_hides_the_password_wherever_it_stands() {
        for text in ["postgres://u:secret@h/d", "postgres://u@h/d?password=secret"] {
            let url = parse(text);
            assert!(!format!("{url} {url:?}").contains("secret"), "{url}");
            assert_eq!(url.expose(), text);
        }
    }

    #[test]
    fn another_database_keeps_the_server() {
        let url = parse("postgresql:///riftwatch?host=/tmp/x&user=me").with_database("other");
        let url = url.expect("a database URL");
        assert_eq!(url.config.get_dbname(), Some("other"));
        assert_eq!(url.config.get_user(), Some("me"));
    }
}
