// The real program for the suite: a simulated Riot API, a server on a database of its own, tokens.

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = new URL('../..', import.meta.url).pathname;
const binary = process.env.RIFTWATCH_BIN ?? join(root, 'target/debug/riftwatch');

export const DEADLINE = 60_000;

/** Asks again until there is an answer. */
export async function until(what, ask) {
  const end = Date.now() + DEADLINE;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited too long until ${what}`);
    await new Promise((go) => setTimeout(go, 50));
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((go) => server.once('listening', go));
  const { port } = server.address();
  await new Promise((go) => server.close(go));
  return port;
}

// What was started ends with the suite, however that ends.
const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGTERM')));

/** Starts a program and waits for a line that says it is ready. */
function start(args, env, ready) {
  const child = spawn(binary, args, { env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env }, cwd: tmpdir() });
  children.add(child);
  child.once('exit', () => children.delete(child));
  const said = [];
  const found = new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        if (process.env.RIFTWATCH_SHOW) console.error(line);
        const match = line.match(ready);
        if (match) resolve(match);
      });
    }
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}:\n${said.slice(-20).join('\n')}`)));
  });
  return { child, found, said };
}

export class Program {
  /** A server with everything behind it. */
  static async start() {
    const program = new Program();
    program.dir = mkdtempSync(join(tmpdir(), 'riftwatch-browser-'));
    // As root, PostgreSQL runs as somebody else, who has to get there.
    chmodSync(program.dir, 0o711);
    program.sim = start(
      ['sim', '--bind', '127.0.0.1:0', '--players', '400', '--limits', 'production', '--platforms', 'euw1'],
      {},
      /answers on (http:\/\/[\d.:]+): RIOT_API_BASE_URL="([^"]+)"/,
    );
    const [, simUrl, riotUrl] = await program.sim.found;
    program.simUrl = simUrl;
    program.port = await freePort();
    program.url = `http://127.0.0.1:${program.port}`;
    program.env = {
      RIFTWATCH_DATA_DIR: program.dir,
      RIOT_API_BASE_URL: riotUrl,
      RIOT_API_KEY: 'RGAPI-browser',
      AUTH_MODE: 'on',
      MAX_TRACKED_PLAYERS: '8',
      // The suite asks for pages much faster than people do.
      API_RATE_LIMIT: '0',
    };
    await program.serve();
    program.tokens = {};
    for (const role of ['viewer', 'operator', 'admin']) program.tokens[role] = program.token(role);
    return program;
  }

  async serve() {
    this.server = start(['serve', '--bind', `127.0.0.1:${this.port}`], this.env, /answers on http:\/\/[\d.:]+/);
    await this.server.found;
  }

  /** Runs a command of the program beside the server. Gives what it prints. */
  command(...args) {
    const out = execFileSync(binary, args, {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...this.env },
      cwd: tmpdir(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return out.toString().trim();
  }

  token(role) {
    return this.command('token', 'create', '--name', `browser-${role}`, '--role', role);
  }

  /** Runs statements on the server's database. */
  sql(statements) {
    return this.command('db', 'psql', '-qAt', '-v', 'ON_ERROR_STOP=1', '-c', statements);
  }

  /** Asks the API as an admin. */
  async api(method, path, body) {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.tokens.admin}`, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /** Makes the simulated Riot API misbehave. */
  async faults(rules) {
    const answer = await fetch(`${this.simUrl}/sim/faults`, { method: 'POST', body: JSON.stringify(rules) });
    if (!answer.ok) throw new Error(`faults: ${answer.status} ${await answer.text()}`);
  }

  async simPlayers() {
    const answer = await fetch(`${this.simUrl}/sim/players`);
    const body = await answer.json();
    return body.players ?? body.items ?? body;
  }

  async stopServer() {
    await end(this.server.child);
  }

  async stop() {
    await end(this.server.child);
    await end(this.sim.child);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function end(child) {
  if (child.exitCode !== null) return Promise.resolve();
  const ended = new Promise((go) => child.once('exit', go));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 40_000);
  return ended.finally(() => clearTimeout(hard));
}
