/** What [instances] says, and what becomes of an instance that it does not list any more. */
import test from 'ava';
import { TestServer, workbench } from '../../helpers/server.js';

const listing = (...ids: string[]) => `${workbench()}\n[instances]\napp = ${JSON.stringify(ids)}\n`;
const rewrite = (server: TestServer, toml: string) => server.configure(toml);

test.serial(
  'removed from [instances] while no server ran: not started; what a person had spawned is',
  async (t) => {
    const server = await TestServer.start(t, listing('alice', 'bob'));
    for (const id of ['alice', 'bob']) await server.untilHealth(`app:${id}`, 'healthy');
    for (const id of ['bob', 'carol']) t.is((await server.ten('spawn', `app:${id}`)).exitCode, 0);
    await server.stop();
    rewrite(server, listing());
    await server.run();
    for (const id of ['bob', 'carol']) await server.untilHealth(`app:${id}`, 'healthy');
    t.deepEqual(
      ['alice', 'bob', 'carol'].map((id) => server.starts('app', id).length),
      [1, 2, 2],
    );
    t.is(await server.health('app:alice'), 'sleeping');
    t.regex(server.output, /app:alice.*\[instances\] does not list it any more/);
    t.regex(server.output, /app:bob.*it was up when the last server ended/);
    t.is((await server.get('alice.app.localhost', '/health')).status, 200, 'a request wakes it');
  },
);

test.serial(
  'reload tells which instances are listed now and which are not any more, and starts the new ones',
  async (t) => {
    const server = await TestServer.start(t, listing('alice', 'bob'));
    await server.untilHealth('app:alice', 'healthy');
    rewrite(
      server,
      listing('bob', 'carol').replace('stop_timeout = 5', 'stop_timeout = 5\nidle_timeout = 500'),
    );
    const { stdout, exitCode } = await server.ten('reload');
    t.is(exitCode, 0);
    t.deepEqual(stdout.split('\n'), [
      'Reloaded',
      '  in force without a restart: service.app.idle_timeout',
      '  now in [instances]: app:carol',
      '  no longer in [instances]: app:alice',
    ]);
    t.is(await server.health('app:carol'), 'healthy');
    t.is(await server.health('app:alice'), 'healthy', 'what runs is not touched');
    t.is((await server.ten('reload')).stdout, 'Reloaded: nothing changed');

    rewrite(server, `[settings]\nport_range = [31000, 31100]\n${listing('bob', 'carol')}`);
    const refused = await server.ten('reload');
    t.is(refused.exitCode === 0, false);
    t.regex(refused.stderr, /cannot change port_range .*nothing was changed\ntry: Restart the server/);
    rewrite(server, `[settings.tls]\nenabled = true\n${listing('bob', 'carol')}`);
    t.regex((await server.ten('reload')).stderr, /does not have yet: HTTPS/, 'as at the start');
  },
);

test.serial(
  'a reload refuses a user that this machine does not have, and everything stays as it was',
  async (t) => {
    const server = await TestServer.start(t, workbench());
    t.is((await server.ten('spawn', 'app:alice')).exitCode, 0);
    rewrite(server, workbench('app', 'user = "no-such-user-here"\nidle_timeout = 500'));
    const refused = await server.ten('reload');
    t.is(refused.exitCode, (await server.ten('check')).exitCode);
    t.regex(
      refused.stderr,
      /tenement\.toml:\d+: service\.app\.user: there is no user "no-such-user-here" on this machine\ntry: Create the user/,
    );
    t.is(await server.health('app:alice'), 'healthy');
    t.is(server.starts('app', 'alice').length, 1);
    rewrite(server, workbench('app', 'idle_timeout = 500'));
    t.regex((await server.ten('reload')).stdout, /service\.app\.idle_timeout/, 'nothing of it was in force');
  },
);
