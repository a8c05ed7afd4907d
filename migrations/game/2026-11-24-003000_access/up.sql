-- Who may use the API, and what only an admin may set.

CREATE TABLE api_tokens (
    id            bigint      GENERATED ALWAYS AS IDENTITY,
    name          text        NOT NULL,
    role          text        NOT NULL,
    token_hash    bytea       NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz,
    expires_at    timestamptz,
    revoked_at    timestamptz,
    CONSTRAINT api_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT api_tokens_token_hash_key UNIQUE (token_hash),
    CONSTRAINT api_tokens_name_check CHECK (name <> ''),
    CONSTRAINT api_tokens_role_check CHECK (role IN ('viewer', 'operator', 'admin'))
);
-- A name says in the audit log who it was, so only one living token has it.
CREATE UNIQUE INDEX api_tokens_name_key ON api_tokens (name) WHERE revoked_at IS NULL;
COMMENT ON TABLE api_tokens IS 'Tokens of the API. The tokens themselves are nowhere.';
COMMENT ON COLUMN api_tokens.name IS 'Who has it, as the audit log names them.';
COMMENT ON COLUMN api_tokens.token_hash IS 'SHA-256 of the token, which has 256 random bits.';
COMMENT ON COLUMN api_tokens.last_used_at IS 'To the minute.';
COMMENT ON COLUMN api_tokens.expires_at IS 'Null: never.';

CREATE TABLE api_sessions (
    secret_hash   bytea       NOT NULL,
    token_id      bigint      NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    CONSTRAINT api_sessions_pkey PRIMARY KEY (secret_hash),
    CONSTRAINT api_sessions_token_id_fkey FOREIGN KEY (token_id) REFERENCES api_tokens (id) ON DELETE CASCADE
);
-- Sessions end with their token; expired ones are removed.
CREATE INDEX api_sessions_token_id_idx ON api_sessions (token_id);
CREATE INDEX api_sessions_expires_at_idx ON api_sessions (expires_at);
COMMENT ON TABLE api_sessions IS 'Browsers that logged in with a token.';
COMMENT ON COLUMN api_sessions.secret_hash IS 'SHA-256 of what the cookie holds.';

CREATE TABLE settings (
    name          text        NOT NULL,
    sealed        bytea       NOT NULL,
    key_id        text        NOT NULL,
    version       bigint      NOT NULL DEFAULT 1,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    updated_by    text        NOT NULL,
    CONSTRAINT settings_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE settings IS 'Secrets that are set while the program runs, sealed with a key that is not in the database.';
COMMENT ON COLUMN settings.sealed IS 'Nonce (12 bytes) and ChaCha20-Poly1305 of the value; the name is authenticated with it.';
COMMENT ON COLUMN settings.key_id IS 'Which key seals it: the beginning of the key''s own hash.';
COMMENT ON COLUMN settings.version IS 'Raised by every change; processes that hold an older one read again.';
