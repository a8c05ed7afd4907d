//! Who fetches a match: one at a time, and somebody else once they are gone.

use std::time::Duration;

use riftwatch_domain::matches::MatchId;
use riftwatch_store::match_claims::{self, Claimed};
use riftwatch_store::{Conn, matches};
use riftwatch_testkit::builders::noon;
use riftwatch_testkit::{TestDb, game};

const LONG: Duration = Duration::from_secs(3_600);
/// Over as soon as it begins: whoever has it died long ago.
const OVER: Duration = Duration::ZERO;

fn id() -> MatchId {
    game().number(1).build().match_id
}

async fn claim(conn: &mut Conn, id: &MatchId, lease: Duration) -> Claimed {
    let claimed = match_claims::claim(conn, std::slice::from_ref(id), lease).await;
    let [claimed] = claimed.expect("a database").try_into().expect("one answer");
    claimed
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_a_match_one_fetches_it_and_the_others_find_it_stored() {
    let test = TestDb::new().await;
    let wish = async || claim(&mut test.db.get().await.unwrap(), &id(), LONG).await;
    let all = tokio::join!(wish(), wish(), wish(), wish());
    let mine = [all.0, all.1, all.2, all.3].into_iter().filter(|c| matches!(c, Claimed::Mine(_)));
    assert_eq!(mine.count(), 1);
    assert_eq!(wish().await, Claimed::Elsewhere);

    let game = game().number(1).build();
    let mut conn = test.db.get().await.unwrap();
    matches::store(&mut conn, &game, noon()).await.unwrap();
    assert_eq!(wish().await, Claimed::Stored(game.game_start));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_ones_claim_runs_out_and_is_swept_away() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let Claimed::Mine(dead) = claim(&mut conn, &id(), OVER).await else {
        panic!("nobody else wants it")
    };
    let next = claim(&mut conn, &id(), LONG).await;
    assert!(matches!(next, Claimed::Mine(_)), "{next:?}");
    // Who was taken for dead and was not cannot give away what is somebody else's.
    match_claims::release(&mut conn, &dead).await.unwrap();
    assert_eq!(claim(&mut conn, &id(), LONG).await, Claimed::Elsewhere);

    let other = game().number(2).build().match_id;
    claim(&mut conn, &other, OVER).await;
    assert_eq!(match_claims::sweep(&mut conn).await.unwrap(), 1);
    assert_eq!(claim(&mut conn, &id(), LONG).await, Claimed::Elsewhere);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_back_is_free_at_once() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let Claimed::Mine(mine) = claim(&mut conn, &id(), LONG).await else {
        panic!("nobody else wants it")
    };
    match_claims::release(&mut conn, &mine).await.unwrap();
    let again = claim(&mut conn, &id(), LONG).await;
    assert!(matches!(again, Claimed::Mine(_)), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn matches_that_are_claimed_together_are_told_apart_and_renewed_together() {
    let test = TestDb::new().await;
    let mut conn = test.db.get().await.unwrap();
    let games: Vec<_> = (1..=4).map(|number| game().number(number).build()).collect();
    let [stored, theirs, first, second] = [0, 1, 2, 3].map(|at| games[at].match_id.clone());
    matches::store(&mut conn, &games[0], noon()).await.unwrap();
    claim(&mut conn, &theirs, LONG).await;

    // Named twice, it is claimed once; answers come in the order of the questions.
    let ids = [second.clone(), stored, theirs, first.clone(), second];
    let claimed = match_claims::claim(&mut conn, &ids, LONG).await.unwrap();
    let [
        Claimed::Mine(one),
        Claimed::Stored(at),
        Claimed::Elsewhere,
        Claimed::Mine(other),
        Claimed::Mine(same),
    ] = &claimed[..]
    else {
        panic!("{claimed:?}")
    };
    assert_eq!((one, *at), (same, games[0].game_start));
    assert_eq!((one.match_id(), other.match_id()), (&ids[0], &first));

    // One of them has run out since, and is somebody else's.
    match_claims::release(&mut conn, other).await.unwrap();
    let next = claim(&mut conn, &first, LONG).await;
    let renewed =
        match_claims::renew(&mut conn, &[one.clone(), other.clone()], LONG).await.unwrap();
    let ids: Vec<_> = renewed.iter().map(match_claims::Claim::match_id).collect();
    assert_eq!(ids, [one.match_id()]);
    assert_ne!(&renewed[0], one);
    assert!(matches!(next, Claimed::Mine(_)), "{next:?}");
}
