// The compiled module on WasmEdge, started by the launcher as users start it: on a free port, with a database of its own.

import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, mkdirSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));
const logs = `${root}target/page/logs`;
let count = 0;

/** Asks until `check` gives something true, five seconds at most. */
export async function until(what, check, seconds = 5) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** Runs SQL on the server of `url` (DATABASE_URL's form), in its database unless `database` names another. */
export function sql(url, statement, database = new URL(url).pathname.slice(1)) {
  const { hostname, port, username } = new URL(url);
  const options = ['--no-defaults', `--host=${hostname}`, `--port=${port}`, `--user=${username}`, `--database=${database}`, '--batch', '--skip-column-names'];
  return execFileSync('mariadb', options, { input: statement, encoding: 'utf8', env: { ...process.env, MYSQL_PWD: new URL(url).password } }).trimEnd();
}

export class Service {
  /** `settings` stand beside DATABASE_URL, BIND and PORT. */
  static async start(settings = {}) {
    const service = new Service();
    const server = process.env.PAGE_DATABASE_SERVER;
    service.database = `page_${process.pid}_${count++}`;
    sql(server, `CREATE OR REPLACE DATABASE ${service.database}`);
    service.url = server.replace(/[^/]*$/, service.database);
    service.port = await freePort();
    service.address = `http://127.0.0.1:${service.port}`;
    await service.launch(settings);
    await service.isReady();
    return service;
  }

  async launch(settings = {}) {
    mkdirSync(logs, { recursive: true });
    const log = openSync(`${logs}/${this.database}.log`, 'a');
    const { PATH, HOME, WASMEDGE } = process.env;
    const env = { PATH, HOME, ...(WASMEDGE && { WASMEDGE }), DATABASE_URL: this.url, BIND: '127.0.0.1', PORT: String(this.port), ...settings };
    // Should the tests be killed, the launcher goes with them, and the service with it.
    this.launcher = spawn('setpriv', ['--pdeathsig', 'KILL', `${root}scripts/serve.sh`, process.env.MODULE], { cwd: root, env, stdio: ['ignore', log, log] });
    this.ended = once(this.launcher, 'exit');
  }

  isReady() {
    return until('the service is ready', () => fetch(`${this.address}/readyz`).then((answer) => answer.ok, () => false), 10);
  }

  /** Sends the process that runs the module a signal. */
  signal(name) {
    const [child] = readFileSync(`/proc/${this.launcher.pid}/task/${this.launcher.pid}/children`, 'utf8').split(' ');
    process.kill(Number(child), name);
  }

  /** Ends the process; the database stays. */
  async stop() {
    this.launcher.kill('SIGTERM');
    await this.ended;
  }

  async end() {
    await this.stop();
    sql(this.url, `DROP DATABASE ${this.database}`);
  }

  sql(statement) {
    return sql(this.url, statement);
  }

  fetch(path, options = {}) {
    return fetch(this.address + path, options);
  }
}

/** Stands between a service and its database, and can be cut. */
export class Wire {
  static async to(url) {
    const wire = new Wire();
    const { hostname, port } = new URL(url);
    wire.sockets = new Set();
    wire.isCut = false;
    wire.server = createServer((near) => {
      if (wire.isCut) return near.destroy();
      const far = connect(Number(port), hostname);
      for (const [from, to] of [[near, far], [far, near]]) {
        wire.sockets.add(from);
        from.on('error', () => {}).on('close', () => { wire.sockets.delete(from); to.destroy(); }).pipe(to);
      }
    });
    wire.server.listen(0, '127.0.0.1');
    await once(wire.server, 'listening');
    wire.port = wire.server.address().port;
    return wire;
  }

  cut() {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  mend() {
    this.isCut = false;
  }

  close() {
    this.cut();
    this.server.close();
  }
}
