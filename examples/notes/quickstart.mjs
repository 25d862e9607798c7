// What `npm start` runs: tenement itself on this example, in this very process, and then what to try.
//   PORT=8080   the port to listen on
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';

const port = Number(process.env.PORT ?? 8080);
const config = fileURLToPath(new URL('./tenement.toml', import.meta.url));
const main = new URL('../../dist/src/cli/main.js', import.meta.url);

// The server's log would push the lines below out of sight; problems are still shown.
process.env.LOG_LEVEL ??= 'warn';
// The same as typing `ten serve --config ... --port ...`. One process, so that a signal to npm or Ctrl-C reaches it.
process.argv = [process.execPath, 'ten', 'serve', '--config', config, '--port', String(port)];
const up = serverIsUp();
import(main.href).catch((error) => {
  console.error(
    error.code === 'ERR_MODULE_NOT_FOUND' ? `not built yet, run "npm start": ${error.message}` : error,
  );
  process.exit(1);
});

// Whatever answers on the port before that is another server. If ours cannot start it says why, and ends this process.
await up;
const deadline = Date.now() + 60_000;
const ready = (await Promise.all(['alice', 'bob'].map(untilReady))).every(Boolean);
if (ready) console.log(welcome());
else
  console.error(
    'The notes did not get ready within a minute; see: bin/ten --config examples/notes/tenement.toml logs',
  );

function welcome() {
  const alice = `http://alice.notes.localhost:${port}`;
  const bob = `http://bob.notes.localhost:${port}`;
  return `
One app, two customers, two processes, two SQLite files:

  ${alice}
  ${bob}

Try, in another terminal:

  curl ${alice}/notes -d '{"text": "buy milk"}'
  curl ${alice}/notes
  curl ${bob}/notes

A third customer, from the root of this repository:

  bin/ten --config examples/notes/tenement.toml spawn notes:carol

They sleep after a minute without a visitor; the next request wakes them. Ctrl-C stops everything.
`;
}

/** Resolves once the server in this process says on its standard output that it serves. */
function serverIsUp() {
  return new Promise((resolve) => {
    const { stdout } = process;
    const write = stdout.write;
    stdout.write = (...args) => {
      if (/^tenement \S+ serves /.test(String(args[0]))) {
        stdout.write = write;
        resolve();
      }
      return write.apply(stdout, args);
    };
  });
}

/** Resolves to true once the tenant's app answers through the server, to false after a minute. */
async function untilReady(tenant) {
  while (Date.now() < deadline) {
    if ((await statusOf(tenant)) === 200) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

/** The status of the tenant's health page; undefined while nothing listens. */
function statusOf(tenant) {
  return new Promise((resolve) => {
    // By address: the resolver of an older system does not know *.localhost.
    const options = {
      host: '127.0.0.1',
      port,
      path: '/health',
      headers: { host: `${tenant}.notes.localhost` },
    };
    request(options, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
      response.on('error', () => resolve(undefined));
    })
      .on('error', () => resolve(undefined))
      .end();
  });
}
