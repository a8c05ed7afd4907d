// The dashboard as people use it: the real program, a real browser. Every page in both colours and at
// phone width; every action; a live run and its log; two windows on one job; a viewer; a restart.

import assert from 'node:assert/strict';
import { after, afterEach, before, test as nodeTest } from 'node:test';
import { DESKTOP, PHONE, check, launch, shoot, window } from './browser.mjs';
import { Program, until } from './program.mjs';

/** A test that gives up rather than hang. */
const test = (name, body) => nodeTest(name, { timeout: 300_000 }, body);

let program;
let browser;
let players;
const jobs = {};

// Faults, given to the simulated Riot API: they decide how long a run takes and how it ends, not how
// fast this machine is. The client leaves a method alone for a while after failures in a row (5xx, no
// answer); answers that cannot be read are no such failures, so that no test finds another's rest.

/** A run does not end by itself while a test lasts: its first call is not answered, nor are the others. */
const ENDLESS = [{ fault: { kind: 'hang' } }];

/** The same, after so many matches that cannot be read, of each of which the run logs a line. */
const talkative = (lines) => [
  { fault: { kind: 'not_json' }, endpoint: 'match-v5.getMatch', count: lines },
  { fault: { kind: 'slow', delay_ms: 5000 }, endpoint: 'match-v5.getMatch' },
];

/** No run succeeds: no list of matches can be read. */
const FAILING = [{ fault: { kind: 'not_json' }, endpoint: 'match-v5.getMatchIdsByPUUID' }];

const job = async (id) => program.api('GET', `/jobs/${id}`);
const run = async (id) => program.api('GET', `/jobs/executions/${id}`);
const ended = (id) => until(`run ${id} ends`, async () => {
  const found = await run(id);
  return !['pending', 'running'].includes(found.status) && found;
});
const idle = (id) => until(`job ${id} is idle`, async () => (await job(id)).running_execution_id === null);
const text = (page) => page.locator('main').innerText();

/** Sends a form and waits for the page that says what came of it, and not for what an earlier one said. */
async function told(page, send, kind = 'good') {
  await page.evaluate(() => { document.documentElement.dataset.before = ''; });
  await send();
  await page.locator(`html:not([data-before]) .flash.${kind}`).waitFor();
}

before(async () => {
  [program, browser] = await Promise.all([Program.start(), launch()]).catch((error) => {
    // Nothing else can be tried; and what was started must not keep this process alive.
    console.error(error);
    process.exit(1);
  });
  const { items } = await program.api('GET', '/jobs/');
  for (const found of items) {
    jobs[found.name] = found.id;
    // Nothing runs by itself, so that a test finds the runs that it asked for, and no others.
    await program.api('PATCH', `/jobs/${found.id}`, { interval_seconds: 7 * 86_400 });
    await idle(found.id);
  }
  const known = await program.simPlayers();
  players = known.map((player) => ({ riotId: player.riot_id ?? `${player.game_name}#${player.tag_line}` }));
}, { timeout: 120_000 });

afterEach(() => program.faults([]));

after(async () => {
  await browser?.close();
  await program?.stop();
}, { timeout: 60_000 });

test('nobody gets in without a token, and comes back to where they wanted to go', async () => {
  const page = await window(browser, program, { role: null });
  await page.goto('/runs?status=failed');
  assert.match(page.url(), /\/login\?to=/);
  await check(page, 'login');
  await shoot(page, 'login');
  await page.getByLabel('Token').fill('rw_wrong');
  await page.locator('main').getByRole('button', { name: 'Log in' }).click();
  await page.getByText('No living token reads like this').waitFor();
  await page.getByLabel('Token').fill(program.tokens.viewer);
  await page.locator('main').getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL('**/runs?status=failed');
  await page.locator('.me summary').click();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.waitForURL('**/login');
  await page.context().close();
});

test('an empty system says what to do next', async () => {
  const page = await window(browser, program);
  for (const [path, hint] of [
    ['/players', 'Nobody is tracked yet'],
    ['/assessments', 'Nobody is assessed yet'],
    ['/assessments/reliability', 'Nothing has been decided yet'],
    ['/runs/failures', 'No run failed'],
  ]) {
    await page.goto(path);
    await page.getByText(hint).first().waitFor();
    await check(page, `empty ${path}`);
  }
  await page.context().close();
});

test('a player is tracked, found in the list, and a bad Riot ID is explained', async () => {
  const page = await window(browser, program);
  await page.goto('/players');
  await page.getByLabel('Riot ID, Name#TAG').fill('nobody at all');
  await page.getByRole('button', { name: 'Track', exact: true }).click();
  await page.locator('.flash.bad').waitFor();
  for (const { riotId } of players.slice(0, 4)) {
    await page.goto('/players');
    await page.getByLabel('Riot ID, Name#TAG').fill(riotId);
    await told(page, () => page.getByRole('button', { name: 'Track', exact: true }).click());
    await page.getByRole('heading', { name: riotId }).waitFor();
  }
  // What they are in addresses.
  for (const player of players.slice(0, 4)) player.puuid = (await program.api('GET', `/players/search?query=${encodeURIComponent(player.riotId)}`)).items[0].puuid;
  const [name] = players[0].riotId.split('#');
  await page.goto('/players');
  await page.getByLabel('Riot ID, name or tag, in any script').fill(name);
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('link', { name: players[0].riotId }).waitFor();
  assert.equal(page.troubles.length, 0, page.troubles.join('\n'));
  await page.context().close();
});

test('a run is watched live with its log, cancelled, and retried', async () => {
  const id = jobs.tracked_player_updater;
  await idle(id);
  await program.faults(talkative(3));
  const page = await window(browser, program);
  await page.goto(`/jobs/${id}`);
  await page.getByRole('button', { name: 'Run now' }).click();
  await page.waitForURL('**/runs/*');
  const runId = Number(new URL(page.url()).pathname.split('/').pop());
  await page.locator('#live-state[data-state=live]').waitFor();
  // The status and the log change without a reload.
  await page.evaluate(() => { globalThis.sameDocument = true; });
  await page.locator('#actions .badge.running').waitFor();
  await page.locator('#log li').first().waitFor();
  // How long a line takes from being logged to the page. Both clocks are this machine's: lines are
  // stamped by the database's, which runs here too. The aim is 300 ms; a loaded machine gets more.
  await page.evaluate(() => {
    globalThis.delays = [];
    new MutationObserver((changes) => {
      for (const change of changes) for (const row of change.addedNodes) globalThis.delays.push([Date.now(), row.querySelector('.at')?.textContent]);
    }).observe(document.getElementById('log'), { childList: true });
  });
  await program.faults(talkative(6));
  await until('the log grows', async () => (await page.evaluate(() => globalThis.delays.length)) >= 5);
  const midnight = new Date().setUTCHours(0, 0, 0, 0);
  const late = (await page.evaluate(() => globalThis.delays))
    .map(([seen, at]) => seen - Date.parse(`1970-01-01T${at}Z`) - midnight)
    // What was logged before midnight, and seen after.
    .map((ms) => (ms < -43_200_000 ? ms + 86_400_000 : ms))
    .sort((a, b) => a - b);
  const median = late[Math.floor(late.length / 2)];
  console.log(`log lines: ${late.length}, median ${median} ms, slowest ${late.at(-1)} ms`);
  assert.ok(median <= 2000, `the median line took ${median} ms`);
  await page.locator('#progress progress').waitFor();
  await shoot(page, 'run-live');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Leave it' }).click();
  assert.equal((await run(runId)).status, 'running', 'a dialog that was left does nothing');
  assert.equal(await page.evaluate(() => globalThis.sameDocument), true);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await told(page, () => page.locator('dialog').getByRole('button', { name: 'Cancel' }).click());
  await page.locator('#actions .badge.cancelled').waitFor();
  await page.locator('#log-state', { hasText: 'ended' }).waitFor();
  assert.equal((await run(runId)).status, 'cancelled');
  await program.faults([]);
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.waitForURL((url) => url.pathname !== `/runs/${runId}`);
  const again = Number(new URL(page.url()).pathname.split('/').pop());
  await page.locator('#actions .badge.success').waitFor({ timeout: 60_000 });
  assert.equal((await run(again)).status, 'success');
  // A permalink leads to its line; filters are in the address.
  await page.locator('#log li a').first().click();
  assert.match(page.url(), /#L\d+$/);
  await page.getByLabel('Level').selectOption('INFO');
  await page.waitForURL(/level=INFO/);
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download' }).click();
  assert.match((await download).suggestedFilename(), /\.jsonl$/);
  assert.equal(page.troubles.length, 0, page.troubles.join('\n'));
  await page.context().close();
});

test('a job is created, switched, paused, resumed, edited, restored, cloned and deleted', async () => {
  const page = await window(browser, program);
  await page.goto('/jobs');
  await page.getByRole('link', { name: 'New job' }).click();
  await page.getByLabel('Type').selectOption('rank_monitor');
  await page.waitForURL(/type=rank_monitor/);
  await page.getByLabel('Name', { exact: true }).fill('<script>alert(1)</script>');
  await page.getByLabel('At times of the calendar').check();
  await page.getByLabel('Cron expression').fill('30 2 * * *');
  await page.getByLabel('Time zone').fill('Europe/Berlin');
  await page.locator('#schedule-preview').getByText('at 02:30').waitFor();
  await page.locator('#schedule-preview').getByText(/the clock is put (forward|back)/).waitFor();
  await page.getByLabel('Cron expression').fill('30 2 * *');
  await page.locator('#schedule-preview .wrong').waitFor();
  await check(page, 'job form');
  await shoot(page, 'job-form-wrong');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('Not saved: something does not fit').waitFor();
  await page.getByLabel('Cron expression').fill('30 2 * * *');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.waitForURL(/\/jobs\/\d+$/);
  const id = Number(new URL(page.url()).pathname.split('/').pop());
  // The name is text, and nothing else.
  await page.getByRole('heading', { name: '<script>alert(1)</script>' }).waitFor();

  await page.goto('/jobs');
  await told(page, () => page.getByRole('switch', { name: '<script>alert(1)</script> on' }).click());
  assert.equal((await job(id)).enabled, false);
  await told(page, () => page.getByRole('switch', { name: '<script>alert(1)</script> on' }).click());
  assert.equal((await job(id)).enabled, true);

  await page.goto(`/jobs/${id}`);
  await page.getByLabel('Why').fill('maintenance at Riot');
  await page.getByRole('button', { name: 'Pause', exact: true }).last().click();
  await page.getByText('It does not run by itself: paused: maintenance at Riot').waitFor();
  await check(page, 'paused job');
  await told(page, () => page.getByRole('button', { name: 'Resume' }).click());
  assert.equal((await job(id)).paused_at, null);
  await page.getByLabel('Why').fill('until the new year');
  await page.getByLabel('Until (UTC)').fill('2099-01-01T06:30');
  await page.getByRole('button', { name: 'Pause', exact: true }).last().click();
  await page.getByText('The pause ends').waitFor();
  assert.match((await job(id)).paused_until, /^2099-01-01T06:30/);
  await told(page, () => page.getByRole('button', { name: 'Resume' }).click());

  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByLabel('Again and again').check();
  await page.getByLabel('Every').fill('6');
  await page.getByLabel('Unit').selectOption('hours');
  await page.getByLabel('Time limit, seconds').fill('90');
  await page.getByRole('button', { name: 'See the difference' }).click();
  await page.getByRole('heading', { name: 'What changes' }).waitFor();
  assert.match(await text(page), /timeout_seconds[\s\S]*nothing[\s\S]*90/);
  await check(page, 'difference');
  await shoot(page, 'job-difference');
  await page.getByLabel('Why (kept with the version').fill('less often');
  await told(page, () => page.getByRole('button', { name: 'Save', exact: true }).click());
  assert.equal((await job(id)).interval_seconds, 21_600);

  await page.getByRole('link', { name: 'Versions' }).click();
  await page.getByText('less often').waitFor();
  await check(page, 'versions');
  await shoot(page, 'versions');
  await page.locator('#v1').getByRole('button', { name: 'Restore' }).click();
  await told(page, () => page.locator('dialog').getByRole('button', { name: 'Restore' }).click());
  assert.equal((await job(id)).cron, '30 2 * * *');

  await page.getByRole('link', { name: 'Clone' }).click();
  await page.getByLabel('Name', { exact: true }).fill('a copy');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'a copy' }).waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL('**/jobs');
  await page.locator('.flash.good').waitFor();
  assert.equal(page.troubles.length, 0, page.troubles.join('\n'));
  await page.context().close();
});

test('two windows on one job: the second sees what the first saved, and decides', async () => {
  const id = jobs.rank_monitor_default ?? jobs.rank_monitor;
  const [one, two] = [await window(browser, program), await window(browser, program)];
  for (const page of [one, two]) await page.goto(`/jobs/${id}/edit`);
  const save = async (page, limit) => {
    await page.getByLabel('Time limit, seconds').fill(limit);
    await page.getByRole('button', { name: 'See the difference' }).click();
  };
  await save(two, '222');
  await two.getByRole('heading', { name: 'What changes' }).waitFor();
  await save(one, '111');
  await told(one, () => one.getByRole('button', { name: 'Save', exact: true }).click());
  await two.getByRole('button', { name: 'Save', exact: true }).click();
  await two.getByText('Somebody else saved this job while you were editing').waitFor();
  assert.match(await text(two), /111[\s\S]*222/);
  await check(two, 'conflict');
  await shoot(two, 'conflict');
  assert.equal((await job(id)).timeout_seconds, 111);
  await told(two, () => two.getByRole('button', { name: 'Save mine over theirs' }).click());
  assert.equal((await job(id)).timeout_seconds, 222);
  await one.context().close();
  await two.context().close();
});

test('failures are grouped, and many runs are retried after a look at how many', async () => {
  const id = jobs.tracked_player_updater;
  await idle(id);
  await program.faults(FAILING);
  for (let count = 0; count < 2; count += 1) {
    await idle(id);
    const { execution_id: failed } = await program.api('POST', `/jobs/${id}/trigger`);
    assert.equal((await ended(failed)).status, 'failed');
  }
  await program.faults([]);
  const page = await window(browser, program);
  await page.goto('/');
  await page.getByText('Not all is well').waitFor();
  await shoot(page, 'overview-failing');
  await check(page, 'overview that is not well');
  await page.goto('/runs/failures');
  await page.locator('#groups tbody tr').first().waitFor();
  await check(page, 'failures');
  await shoot(page, 'failures');
  await page.goto('/runs?status=failed');
  const failed = await page.locator('#runs tbody tr').count();
  assert.ok(failed >= 2);
  await page.locator('#runs tbody tr th a').first().click();
  await page.getByRole('region', { name: 'Error' }).waitFor();
  await check(page, 'failed run');
  await shoot(page, 'run-failed');
  await page.goto('/runs?status=failed');
  await page.getByRole('link', { name: 'Retry matching' }).click();
  await page.getByText(/\d+ runs? will be run again/).waitFor();
  await check(page, 'bulk');
  await shoot(page, 'bulk');
  await told(page, () => page.getByRole('button', { name: /Retry \d+/ }).click());
  assert.match(await text(page), /retried/);
  await idle(id);
  await page.context().close();
});

test('runs that match come up in a list that was empty, and are cancelled after a look at how many', async () => {
  const id = jobs.tracked_player_updater;
  await idle(id);
  const page = await window(browser, program);
  await page.goto('/runs?status=running');
  await page.locator('#runs', { hasText: 'No run matches' }).waitFor();
  await page.locator('#live-state[data-state=live]').waitFor();
  await program.faults(ENDLESS);
  const { execution_id: running } = await program.api('POST', `/jobs/${id}/trigger`);
  await page.locator('#runs').getByRole('link', { name: String(running), exact: true }).waitFor();
  await page.locator('#runs .badge.running').waitFor();
  await page.getByRole('link', { name: 'Cancel matching' }).click();
  await page.getByText('1 run will be cancelled').waitFor();
  await told(page, () => page.getByRole('button', { name: 'Cancel 1 run' }).click());
  assert.equal((await ended(running)).status, 'cancelled');
  await page.locator('#runs', { hasText: 'No run matches' }).waitFor();
  await page.context().close();
});

test('the key in use is tried, and another is stored', async () => {
  const page = await window(browser, program, { role: 'admin' });
  await page.goto('/settings');
  await told(page, () => page.getByRole('button', { name: 'Try the key in use' }).click());
  await page.getByLabel('Another key').fill('RGAPI-browser');
  await told(page, () => page.getByRole('button', { name: 'Try and store' }).click());
  assert.ok(!(await text(page)).includes('RGAPI-browser'));
  await page.context().close();
});

test('an account is assessed, reviewed, and somebody says that it is wrong', async () => {
  const id = jobs.tracked_player_updater;
  await idle(id);
  const page = await window(browser, program);
  await page.goto(`/players/${players[0].puuid}`);
  await page.getByRole('button', { name: 'Assess now' }).click();
  await page.waitForURL(/\/assessments\/\d+/);
  await page.getByText('The likeliest innocent explanation').waitFor();
  await check(page, 'assessment');
  await page.getByLabel('a false alarm').check();
  await page.locator('#review-note').fill('played <b>mid</b> all along');
  await told(page, () => page.getByRole('button', { name: 'Store the review' }).click());
  await page.getByText('played <b>mid</b> all along').waitFor();
  await page.getByLabel('What is true').selectOption('returning');
  await told(page, () => page.getByRole('button', { name: 'Tell', exact: true }).click());
  await page.getByText('a player returning after a pause').first().waitFor();
  const words = (await text(page)).toLowerCase();
  for (const word of ['smurf', 'cheater', 'boosted', 'guilty', 'banned', 'fake']) assert.ok(!words.includes(word), `the page says "${word}"`);
  await page.goto('/assessments');
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Export CSV' }).click();
  assert.equal((await download).suggestedFilename(), 'assessments.csv');
  await page.context().close();
});

test('what was said is held against what happened, and drawn', async () => {
  // Fifty ranked games take weeks. So the assessment becomes an old one, of a time of a lower rank; the
  // job decides what happened since. One point is no picture: others, of whom nothing else is known,
  // come with it.
  const rank = "INSERT INTO player_ranks (puuid, queue_type, tier, division, league_points, wins, losses, hot_streak, veteran, fresh_blood, inactive, seen_at)";
  program.sql(`
    UPDATE player_analysis SET created_at = now() - interval '40 days';
    ${rank} SELECT DISTINCT puuid, 'RANKED_SOLO_5x5', 'IRON', 'IV', 0, 5, 5, false, false, false, false, now() - interval '41 days' FROM player_analysis;
    ${rank} SELECT DISTINCT puuid, 'RANKED_SOLO_5x5', 'PLATINUM', 'IV', 0, 9, 5, false, false, false, false, now() FROM player_analysis;
    INSERT INTO assessment_outcomes (assessment_id, assessed_at, model_version, verdict, probability, smurf_probability, gained, games, decided_at)
    SELECT 1000000 + n, now() - (n % 90) * interval '1 day', 'story-1.2', 'inconclusive', p, p, (n * 7919) % 1000 < p * 1000, 50, now()
    FROM generate_series(1, 600) AS n, LATERAL (SELECT ((n % 40) + 0.5) / 40 AS p) AS said`);
  const { execution_id: id } = await program.api('POST', `/jobs/${jobs.retention}/trigger`);
  const decided = await ended(id);
  assert.equal(decided.status, 'success');
  assert.ok(decided.metrics.outcomes_recorded >= 1, JSON.stringify(decided.metrics));
  const page = await window(browser, program);
  await page.goto('/assessments/reliability');
  await page.getByRole('img', { name: 'Predicted against happened, in 10 groups' }).waitFor();
  const months = page.locator('tbody tr');
  assert.ok(await months.count() >= 3);
  // The review of the test before.
  const row = (await page.locator('tbody tr', { has: page.locator('[data-name="False alarm"]', { hasText: '1' }) }).count());
  assert.equal(row, 1);
  await check(page, 'reliability with outcomes');
  await shoot(page, 'reliability-drawn');
  await page.context().close();
});

test('tracking ends, and a person is erased by an admin only', async () => {
  const page = await window(browser, program, { role: 'admin' });
  await page.goto(`/players/${players[3].puuid}`);
  await page.getByRole('button', { name: 'Stop tracking' }).click();
  await told(page, () => page.locator('dialog').getByRole('button', { name: 'Stop tracking' }).click());
  await told(page, () => page.getByRole('button', { name: 'Track', exact: true }).click());
  await page.getByLabel('I am sure').check();
  await page.getByRole('button', { name: 'Erase' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Erase' }).click();
  await page.waitForURL('**/players');
  await page.locator('.flash.good').waitFor();
  const gone = await page.goto(`/players/${players[3].puuid}`);
  assert.equal(gone.status(), 404);
  await page.context().close();
});

test('what is kept is set under settings, and of two windows the second is told of the first', async () => {
  const [one, two] = [await window(browser, program), await window(browser, program)];
  const kept = async () => (await job(jobs.retention)).config_json.match_days;
  for (const page of [one, two]) await page.goto('/settings');
  await one.getByLabel('match days').fill('200');
  await told(one, () => one.getByRole('button', { name: 'Save limits' }).click());
  assert.equal(await kept(), 200);
  await two.getByLabel('match days').fill('300');
  await two.getByRole('button', { name: 'Save limits' }).click();
  await two.getByText('Somebody else saved these limits').waitFor();
  await check(two, 'limits in conflict');
  await shoot(two, 'settings-conflict');
  assert.equal(await kept(), 200);
  await told(two, () => two.getByRole('button', { name: 'Save mine over theirs' }).click());
  assert.equal(await kept(), 300);
  await one.context().close();
  await two.context().close();
});

test('the budget of the key is shown as all its processes spend it', async () => {
  const page = await window(browser, program);
  await page.goto('/riot');
  const route = page.locator('#budget tbody tr', { has: page.getByRole('rowheader', { name: 'europe' }) });
  await route.getByText(/\d+ of 500 in 10 s/).waitFor();
  assert.match(await route.innerText(), /this process|nobody wants it/);
  // It is live: a request that is made elsewhere shows.
  const sent = async () => Number((await route.locator('[data-name="Sent from here"]').innerText()).replace(/\D/g, ''));
  const before = await sent();
  await program.api('POST', `/jobs/${jobs.tracked_player_updater}/trigger`);
  await until('more was sent', async () => (await sent()) > before);
  await idle(jobs.tracked_player_updater);
  await page.context().close();
});

test('a token is made, shown once, and ended', async () => {
  const page = await window(browser, program, { role: 'admin' });
  await page.goto('/settings');
  await page.getByLabel('Name').fill('for a colleague');
  await page.getByRole('button', { name: 'Make a token' }).click();
  await page.locator('pre', { hasText: 'rw_' }).waitFor();
  await page.goto('/settings');
  assert.equal(await page.locator('pre', { hasText: 'rw_' }).count(), 0);
  await page.locator('tr', { hasText: 'for a colleague' }).getByRole('button', { name: 'End it' }).click();
  await told(page, () => page.locator('dialog').getByRole('button', { name: 'End it' }).click());
  await page.goto('/audit');
  await page.locator('tbody tr').first().waitFor();
  await page.context().close();
});

test('a viewer sees everything and may do nothing', async () => {
  const page = await window(browser, program, { role: 'viewer' });
  const id = jobs.tracked_player_updater;
  await page.goto('/jobs');
  assert.ok(await page.getByRole('button', { name: 'New job' }).isDisabled());
  for (const button of await page.getByRole('button', { name: 'Run now' }).all()) assert.ok(await button.isDisabled());
  assert.equal(await page.getByRole('button', { name: 'Run now' }).first().getAttribute('title'), 'needs the operator role');
  await page.goto(`/jobs/${id}/edit`);
  await page.getByText('To read only.').waitFor();
  assert.ok(await page.getByRole('button', { name: 'See the difference' }).isDisabled());
  // Nor by going around the page.
  const status = await page.evaluate(async (path) => (await fetch(path, { method: 'POST' })).status, `/jobs/${id}/run`);
  assert.equal(status, 403);
  assert.equal((await page.goto('/jobs/new')).status(), 403);
  await page.getByText('This needs the role of operator').waitFor();
  await check(page, 'refused');
  await page.goto(`/players/${players[0].puuid}`);
  assert.ok(await page.getByRole('button', { name: 'Erase' }).isDisabled());
  await page.context().close();
});

test('colours follow the choice, and the choice stays', async () => {
  const page = await window(browser, program);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.locator('.me summary').click();
  await page.getByRole('button', { name: 'dark' }).click();
  await page.locator('html[data-theme=dark]').waitFor();
  await page.goto('/jobs');
  assert.notEqual(await background(), light);
  await page.context().close();
});

test('it reads without a script', async () => {
  const page = await window(browser, program, { javaScript: false });
  const id = jobs.tracked_player_updater;
  for (const path of ['/', '/jobs', `/jobs/${id}`, '/runs', '/players', '/assessments', '/riot', '/system']) {
    assert.equal((await page.goto(path)).status(), 200, path);
    await page.locator('h1').first().waitFor();
  }
  await idle(id);
  await page.goto(`/jobs/${id}`);
  await page.getByRole('button', { name: 'Run now' }).click();
  await page.waitForURL('**/runs/*');
  await page.locator('.flash.good').waitFor();
  await idle(id);
  await page.context().close();
});

test('a restart of the server is survived: the page says so and goes on', async () => {
  const page = await window(browser, program);
  await page.goto('/');
  await page.locator('#live-state[data-state=live]').waitFor();
  await page.evaluate(() => { globalThis.sameDocument = true; });
  await program.stopServer();
  await page.locator('#live-state[data-state=reconnecting]').waitFor();
  await shoot(page, 'reconnecting');
  await program.serve();
  await page.locator('#live-state[data-state=live]').waitFor({ timeout: 60_000 });
  assert.equal(await page.evaluate(() => globalThis.sameDocument), true);
  await page.locator('#live-switch').click();
  await page.locator('#live-state[data-state=paused]').waitFor();
  await page.context().close();
});

test('every page holds in both colours and at phone width', async () => {
  const id = jobs.tracked_player_updater;
  await idle(id);
  const { items: runs } = await program.api('GET', '/jobs/executions?status=success&limit=50');
  const best = runs.find((found) => found.job_id === id) ?? runs[0];
  const matches = await program.api('GET', `/matches/player/${players[0].puuid}?limit=1`);
  const { items: assessed } = await program.api('GET', `/player-analysis/player/${players[0].puuid}/history?limit=1`);
  assert.equal(assessed.length, 1);
  const pages = {
    overview: '/',
    jobs: '/jobs',
    job: `/jobs/${id}`,
    'job-edit': `/jobs/${id}/edit`,
    versions: `/jobs/${id}/versions`,
    runs: '/runs',
    run: `/runs/${best.id}`,
    failures: '/runs/failures',
    players: '/players',
    player: `/players/${players[0].puuid}`,
    match: `/matches/${matches.items[0].match_id}`,
    assessments: '/assessments',
    assessment: null,
    reliability: '/assessments/reliability',
    riot: '/riot',
    audit: '/audit',
    system: '/system',
    settings: '/settings',
  };
  for (const [look, options] of Object.entries({
    light: { size: DESKTOP, colors: 'light' },
    dark: { size: DESKTOP, colors: 'dark' },
    phone: { size: PHONE, colors: 'light' },
  })) {
    const page = await window(browser, program, { role: 'admin', ...options });
    for (const [name, path] of Object.entries(pages)) {
      if (path) {
        assert.equal((await page.goto(path)).status(), 200, path);
      } else {
        await page.goto('/assessments');
        await page.locator('tbody tr th a').first().click();
        await page.waitForURL(/\/assessments\/\d+/);
      }
      await check(page, `${name}, ${look}`);
      await shoot(page, `${name}-${look}`);
    }
    assert.deepEqual(page.troubles, [], look);
    await page.context().close();
  }
});

test('the policy of every page lets nothing in but our own files, and no page breaks it', async () => {
  const answer = await fetch(`${program.url}/login`);
  const policy = answer.headers.get('content-security-policy');
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
  const page = await window(browser, program, { policy: true });
  const id = jobs.tracked_player_updater;
  for (const path of ['/', '/jobs', `/jobs/${id}`, `/jobs/${id}/edit`, '/runs', '/players', '/assessments', '/riot', '/system', '/settings']) {
    await page.goto(path);
    await page.locator('h1').first().waitFor();
  }
  await page.goto(`/jobs/${id}`);
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Leave it' }).click();
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});
