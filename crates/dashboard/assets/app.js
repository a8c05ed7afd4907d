// What the pages gain with a script: they keep themselves current, logs flow, times count on.
// Everything works without it, by links and forms.

const $ = (id) => document.getElementById(id);

// ---------------------------------------------------------------- times

// Between the reader's clock and the server's, in milliseconds.
const clockOffset = (() => {
  const said = $('server-now')?.getAttribute('datetime');
  return said ? Date.parse(said) - Date.now() : 0;
})();

const rough = (seconds) => {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 5400) return `${Math.floor((seconds + 30) / 60)} min`;
  if (seconds < 129600) return `${Math.floor((seconds + 1800) / 3600)} h`;
  return `${Math.floor((seconds + 43200) / 86400)} d`;
};

const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });

function tellTimes() {
  const now = Date.now() + clockOffset;
  for (const time of document.querySelectorAll('time[data-relative]')) {
    const delta = (Date.parse(time.dateTime) - now) / 1000;
    const text = Math.abs(delta) < 1 ? 'now' : delta > 0 ? `in ${rough(delta)}` : `${rough(-delta)} ago`;
    if (time.textContent !== text) time.textContent = text;
  }
  for (const time of document.querySelectorAll('time:not([data-zoned])')) {
    time.dataset.zoned = '';
    const utc = time.title || time.textContent;
    time.title = `${utc}\n${local.format(new Date(time.dateTime))}`;
  }
}

// ---------------------------------------------------------------- live pages

const REFRESH_MS = 2000; // at most one look at the server in this time
const IDLE_MS = 15000; // a look even if nothing is said to have happened

const live = {
  on: document.body.hasAttribute('data-live-page'),
  paused: false,
  source: null,
  timer: 0,
  last: 0,
  busy: false,
};

function state(name, text) {
  const mark = $('live-state');
  if (!mark || mark.dataset.state === name) return;
  mark.dataset.state = name;
  mark.textContent = text ?? name;
}

// Asks for this page again and puts in what has changed, part by part, so that focus, scroll and
// what is being typed stay.
async function refresh() {
  if (live.busy || live.paused || document.hidden) return;
  live.busy = true;
  live.last = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { 'X-Riftwatch-Live': '1' }, redirect: 'manual' });
    if (answer.type === 'opaqueredirect' || answer.status === 401) {
      location.reload();
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    swap(new DOMParser().parseFromString(await answer.text(), 'text/html'));
    if (!live.source || live.source.readyState === EventSource.OPEN) state('live');
  } catch {
    state('reconnecting', 'reconnecting…');
  } finally {
    live.busy = false;
    plan(IDLE_MS);
  }
}

function swap(page) {
  for (const old of document.querySelectorAll('[data-live]')) {
    const fresh = page.getElementById(old.id);
    if (!fresh || fresh.innerHTML === old.innerHTML) continue;
    const active = document.activeElement;
    const inside = old.contains(active);
    // Not under somebody's hands.
    if (inside && /^(INPUT|SELECT|TEXTAREA)$/.test(active.tagName)) continue;
    if (old.querySelector('dialog[open]')) continue;
    const open = [...old.querySelectorAll('details[open][id]')].map((details) => details.id);
    const place = inside ? focusables(old).indexOf(active) : -1;
    old.replaceChildren(...document.adoptNode(fresh).childNodes);
    for (const id of open) $(id)?.setAttribute('open', '');
    if (place >= 0) focusables(old)[place]?.focus({ preventScroll: true });
  }
  tellTimes();
}

const focusables = (root) => [...root.querySelectorAll('a[href], button, summary')];

function plan(wait) {
  clearTimeout(live.timer);
  if (!live.paused) live.timer = setTimeout(refresh, wait);
}

// Something happened: look soon, and not more often than REFRESH_MS.
let soon = 0;
function happened() {
  if (soon || live.paused) return;
  soon = setTimeout(() => {
    soon = 0;
    refresh();
  }, Math.max(250, live.last + REFRESH_MS - Date.now()));
}

function listen() {
  live.source?.close();
  live.source = new EventSource('/api/v1/jobs/events');
  live.source.onopen = () => {
    if (live.paused) return;
    const was = $('live-state')?.dataset.state;
    state('live');
    if (was === 'reconnecting') refresh();
  };
  live.source.onerror = () => {
    if (live.paused) return;
    state('reconnecting', 'reconnecting…');
    // A stream that was refused is not tried again by the browser itself.
    if (live.source.readyState === EventSource.CLOSED) setTimeout(() => !live.paused && listen(), 2000);
  };
  for (const event of ['status', 'progress', 'end']) live.source.addEventListener(event, happened);
}

function startLive() {
  const box = $('livebox');
  if (!live.on || !box) return;
  box.hidden = false;
  $('live-switch').addEventListener('click', (event) => {
    live.paused = !live.paused;
    event.currentTarget.textContent = live.paused ? 'Go on' : 'Pause';
    if (live.paused) {
      clearTimeout(live.timer);
      live.source?.close();
      state('paused');
    } else {
      state('connecting');
      listen();
      refresh();
    }
  });
  document.addEventListener('visibilitychange', () => document.hidden || plan(100));
  listen();
  plan(IDLE_MS);
}

// ---------------------------------------------------------------- the log of a run

function logRow(line) {
  const row = document.createElement('li');
  row.id = `L${line.seq}`;
  row.className = `lv-${line.level}`;
  const anchor = document.createElement('a');
  anchor.href = `#L${line.seq}`;
  anchor.textContent = line.seq;
  anchor.setAttribute('aria-label', `Line ${line.seq}`);
  const at = document.createElement('span');
  at.className = 'at';
  at.textContent = line.at.slice(11, 23);
  const level = document.createElement('span');
  level.className = 'level';
  level.textContent = line.level;
  const text = document.createElement('span');
  text.className = 'text';
  text.textContent = line.message;
  const names = Object.keys(line.fields ?? {});
  if (names.length) {
    const fields = document.createElement('span');
    fields.className = 'fields';
    fields.textContent = names.map((name) => {
      const value = line.fields[name];
      return `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`;
    }).join(' ');
    text.append(' ', fields);
  }
  row.append(anchor, at, level, text);
  return row;
}

const SEVERITY = ['ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'];

function startLog() {
  const log = $('log');
  if (!log) return;
  const follow = $('log-follow');
  const bottom = () => { log.scrollTop = log.scrollHeight; };
  follow?.closest('label')?.removeAttribute('hidden');
  log.addEventListener('scroll', () => {
    if (follow && log.scrollHeight - log.scrollTop - log.clientHeight > 60) follow.checked = false;
  }, { passive: true });
  follow?.addEventListener('change', () => follow.checked && bottom());
  if (!log.dataset.execution || !('follow' in log.dataset)) return;

  const level = log.dataset.level || 'TRACE';
  const words = (log.dataset.text || '').toLowerCase();
  let last = Number(log.dataset.last || 0);
  if (follow?.checked && !location.hash) bottom();
  const wanted = (line) => SEVERITY.indexOf(line.level) <= SEVERITY.indexOf(level)
    && (!words || line.message.toLowerCase().includes(words));
  const told = $('log-state');
  const source = new EventSource(`/api/v1/jobs/executions/${log.dataset.execution}/events`);
  source.addEventListener('open', () => { if (told) told.textContent = 'live'; });
  source.addEventListener('log', (event) => {
    const line = JSON.parse(event.data);
    if (line.seq <= last) return;
    last = line.seq;
    if (!wanted(line)) return;
    $('log-empty')?.remove();
    log.append(logRow(line));
    // What the page can hold; the rest is a page away.
    while (log.children.length > 5000) log.firstElementChild.remove();
    if (follow?.checked) bottom();
  });
  source.addEventListener('error', () => { if (told) told.textContent = 'reconnecting…'; });
  source.addEventListener('end', () => {
    source.close();
    if (told) told.textContent = 'ended';
    happened();
  });
}

// ---------------------------------------------------------------- forms

function startForms() {
  const dialog = $('confirm') ?? document.body.appendChild(Object.assign(document.createElement('dialog'), { id: 'confirm' }));
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.dataset.confirm || form.dataset.confirmed) return;
    event.preventDefault();
    dialog.replaceChildren();
    dialog.setAttribute('aria-labelledby', 'confirm-text');
    const text = Object.assign(document.createElement('p'), { id: 'confirm-text', textContent: form.dataset.confirm });
    const actions = Object.assign(document.createElement('div'), { className: 'actions' });
    const no = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Leave it' });
    const yes = Object.assign(document.createElement('button'), { type: 'button', className: 'primary', textContent: event.submitter?.textContent ?? 'Go on' });
    const submitter = event.submitter;
    no.onclick = () => dialog.close();
    yes.onclick = () => {
      form.dataset.confirmed = '1';
      dialog.close();
      form.requestSubmit(submitter ?? undefined);
    };
    actions.append(no, yes);
    dialog.append(text, actions);
    dialog.showModal();
    no.focus();
  });
  // Filters that are chosen from a list act at once.
  document.addEventListener('change', (event) => {
    if (event.target.matches('form.filters select')) event.target.form.requestSubmit();
  });
  // Empty filters need not stand in the address.
  document.addEventListener('formdata', (event) => {
    if (event.target.method !== 'get') return;
    for (const [name, value] of [...event.formData]) if (value === '') event.formData.delete(name);
  });
  schedulePreview();
}

// The schedule in words and its next times, while it is being written.
function schedulePreview() {
  const box = $('schedule-preview');
  const form = box?.closest('form');
  if (!form) return;
  let timer = 0;
  let asked = 0;
  const ask = async () => {
    const mine = ++asked;
    const query = new URLSearchParams();
    for (const name of ['schedule', 'interval_value', 'interval_unit', 'cron', 'time_zone', 'jitter_seconds']) {
      const value = new FormData(form).get(name);
      if (value) query.set(name, value);
    }
    try {
      const answer = await fetch(`/jobs/preview?${query}`);
      if (!answer.ok || mine !== asked) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = page.getElementById('schedule-preview');
      if (fresh) box.replaceChildren(...document.adoptNode(fresh).childNodes);
      tellTimes();
    } catch { /* the next keystroke asks again */ }
  };
  form.addEventListener('input', (event) => {
    if (!event.target.closest('[data-schedule]')) return;
    clearTimeout(timer);
    timer = setTimeout(ask, 200);
  });
}

// ---------------------------------------------------------------- keys

const PLACES = { o: '/', j: '/jobs', r: '/runs', p: '/players', a: '/assessments', b: '/riot', s: '/system' };
let going = false;
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea, dialog')) return;
  if (event.key === '/') {
    const field = document.querySelector('main input[type="search"], main form.filters input');
    if (field) {
      event.preventDefault();
      field.focus();
    }
  } else if (going && PLACES[event.key]) {
    location.href = PLACES[event.key];
  }
  going = event.key === 'g';
});

tellTimes();
setInterval(tellTimes, 1000);
startForms();
startLog();
startLive();
