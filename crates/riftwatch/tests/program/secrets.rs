//! The key that seals secrets, changed.

use riftwatch_sim::{SimConfig, Simulator};
use riftwatch_store::Db;
use riftwatch_store::secret_key::SecretKey;
use riftwatch_store::settings_store::{self, RIOT_API_KEY};
use riftwatch_testkit::TestDb;
use secrecy::ExposeSecret as _;

use crate::harness::{output, riftwatch_on, stderr, stdout};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_takes_over_what_the_old_one_sealed_and_who_was_erased_stays_away() {
    let test = TestDb::new().await;
    let sim = Simulator::start(SimConfig::default()).await.unwrap();
    let (riot_id, platform) = sim.some_riot_ids(1).remove(0);
    let name = riot_id.to_string();
    let track = ["player", "track", &name, "--platform", platform.as_str()];
    let run = |keys: &[(&str, &str)], arguments: &[&str]| {
        let mut command = riftwatch_on(&test, &sim, arguments);
        command.envs(keys.iter().copied());
        let ended = output(command);
        (ended.status.code(), stdout(&ended), stderr(&ended))
    };
    let (old, new) = (SecretKey::generate(), SecretKey::generate());
    let first = [("RIFTWATCH_SECRET_KEY", &*old)];
    let both = [("RIFTWATCH_SECRET_KEY", &*new), ("RIFTWATCH_SECRET_KEY_OLD", &*old)];
    let after = [("RIFTWATCH_SECRET_KEY", &*new)];
    let is_refused = |keys: &[(&str, &str)]| {
        let (code, _, errors) = run(keys, &track);
        assert_eq!(code, Some(2), "{errors}");
        assert!(errors.contains("asked to be erased"), "{errors}");
    };

    assert_eq!(run(&first, &track).0, Some(0));
    let (code, said, errors) = run(&first, &["player", "erase", &name, "--yes"]);
    assert_eq!(code, Some(0), "{said}{errors}");
    is_refused(&first);
    let db = Db::new(test.url(), 1);
    let mut conn = db.get().await.unwrap();
    let (old, new) = (SecretKey::parse(&old).unwrap(), SecretKey::parse(&new).unwrap());
    let riot_key = "RGAPI-stored".to_owned().into();
    settings_store::set(&mut conn, &old, RIOT_API_KEY, &riot_key, "ada").await.unwrap();

    // Without the old one, the person would come back.
    let serve = ["serve", "--bind", "127.0.0.1:0"];
    let (code, _, errors) = run(&after, &serve);
    assert_eq!(code, Some(2));
    assert!(errors.contains("RIFTWATCH_SECRET_KEY_OLD"), "{errors}");

    is_refused(&both);
    let sealed = settings_store::find(&mut conn, RIOT_API_KEY).await.unwrap().unwrap();
    assert_eq!(sealed.open(&new).unwrap().expose_secret(), "RGAPI-stored");
    assert_eq!((sealed.version, &*sealed.updated_by), (1, "ada"), "its value is the same");
    assert!(sealed.open(&old).is_err());
    is_refused(&both);
    is_refused(&after);
    sim.stop().await;
}
