//! Who fetches a match: one at a time, and somebody else once they are gone.

use std::time::Duration;

use riftwatch_domain::matches::MatchId;
use riftwatch_store::match_claims::{self, Claimed};
use riftwatch_store::matches;
use riftwatch_testkit::builders::noon;
use riftwatch_testkit::{TestDb, game};

const LONG: Duration = Duration::from_secs(3_600);
/// Over as soon as it begins: whoever has it died long ago.
const OVER: Duration = Duration::ZERO;

fn id() -> MatchId {
    game().number(1).build().match_id
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_a_match_one_fetches_it_and_the_others_find_it_stored() {
    let test = TestDb::new().await;
    let claim = async || {
        let mut conn = test.db.get().await.unwrap();
        match_claims::claim(&mut conn, &id(), LONG).await.unwrap()
    };
    let all = tokio::join!(claim(), claim(), claim(), claim());
    let mine = [all.0, all.1, all.2, all.3].into_iter().filter(|c| matches!(c, Claimed::Mine(_)));
    assert_eq!(mine.count(), 1);
    assert_eq!(claim().await, Claimed::Elsewhere);

    let game = game().number(1).build();
    let mut conn = test.db.get().await.unwrap();
    matches::store(&mut conn, &game, noon()).await.unwrap();
    assert_eq!(claim().await, Claimed::Stored(game.game_start));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_ones_claim_runs_out_and_is_swept_away() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let Claimed::Mine(dead) = match_claims::claim(&mut conn, &id(), OVER).await.unwrap() else {
        panic!("nobody else wants it")
    };
    let next = match_claims::claim(&mut conn, &id(), LONG).await.unwrap();
    assert!(matches!(next, Claimed::Mine(_)), "{next:?}");
    // Who was taken for dead and was not cannot give away what is somebody else's.
    match_claims::release(&mut conn, &dead).await.unwrap();
    assert_eq!(match_claims::claim(&mut conn, &id(), LONG).await.unwrap(), Claimed::Elsewhere);

    let other = game().number(2).build().match_id;
    match_claims::claim(&mut conn, &other, OVER).await.unwrap();
    assert_eq!(match_claims::sweep(&mut conn).await.unwrap(), 1);
    assert_eq!(match_claims::claim(&mut conn, &id(), LONG).await.unwrap(), Claimed::Elsewhere);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_back_is_free_at_once() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let Claimed::Mine(claim) = match_claims::claim(&mut conn, &id(), LONG).await.unwrap() else {
        panic!("nobody else wants it")
    };
    match_claims::release(&mut conn, &claim).await.unwrap();
    let again = match_claims::claim(&mut conn, &id(), LONG).await.unwrap();
    assert!(matches!(again, Claimed::Mine(_)), "{again:?}");
}
