COMMENT ON TABLE settings IS 'Secrets that are set while the program runs, sealed with a key that is not in the database.';
COMMENT ON COLUMN suppressions.digest IS 'HMAC-SHA256 of the puuid, under a key that the database does not know.';
