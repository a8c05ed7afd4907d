-- Digests of erased people have a key of their own, which is a sealed setting, so that the key which
-- seals can be changed; and names have digests beside puuids, which change with the API key.

COMMENT ON COLUMN suppressions.digest IS 'HMAC-SHA256 of the puuid, or of the Riot ID in lower case, under the key that the setting suppression_key has sealed.';
COMMENT ON TABLE settings IS 'Secrets, sealed with a key that is not in the database: those set while the program runs, and suppression_key.';
