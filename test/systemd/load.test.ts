/** Many instances of every isolation, and a server that is restarted below all their visitors. */
import { cpSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { until } from '../helpers/until.js';
import {
  APP,
  ask,
  journal,
  PORT,
  pidOf,
  prepareApp,
  removeInstallation,
  service,
  tenDone,
  Visitors,
} from './installed.js';
import { mainPid } from './units.js';

/** Instances of each service: 250 starts at once. */
const EACH = 50;
const ISOLATION = {
  units: 'systemd',
  doors: 'socket-activation',
  spaces: 'namespace',
  boxes: 'sandbox',
  plain: 'process',
};
type Name = keyof typeof ISOLATION;
const NAMES = Object.keys(ISOLATION) as Name[];

const instances = (name: Name): string[] => Array.from({ length: EACH }, (_, i) => `c${i}.${name}`);
const all = NAMES.flatMap(instances);

/** The process of each, which is started for that. */
async function pids(): Promise<ReadonlyMap<string, number>> {
  try {
    return new Map(await Promise.all(all.map(async (one) => [one, await pidOf(one)] as const)));
  } catch (error) {
    throw new Error(`${error}; ${await journal()}`);
  }
}

test.before(() => {
  const more = 'on_demand = "any"\nstartup_timeout = 120\nhealth =';
  const lean = (name: Name) =>
    service(name, ISOLATION[name]).replace('health =', more).replace('node app.mjs', 'perl app.pl');
  prepareApp(NAMES.map(lean).join('\n'));
  cpSync('test/fixtures/apps/lean.pl', join(APP, 'app.pl'));
});
test.after.always(removeInstallation);

test.serial(
  'load: a restart below visitors of every isolation loses no request; units keep their processes',
  async (t) => {
    await tenDone(t, 'install');
    const before = await pids();
    const server = await mainPid('tenement.service');
    const crowd = new Crowd();
    // Strangers with a connection for each request, and regulars who use theirs again.
    for (const [i, one] of all.entries()) if (i % 20 === 0) void crowd.visit(one);
    for (const [i, one] of all.entries()) if (i % 20 === 1) crowd.stay(one);
    await crowd.more(300);
    const slow = NAMES.map((name) => begin(`c0.${name}`));
    await Promise.all(slow.map(({ begun }) => begun));
    await execa('systemctl', ['restart', 'tenement.service']);
    for (const { ended } of slow) t.is(await ended, 'begun done');
    await crowd.more(600);
    await crowd.end();
    t.deepEqual(crowd.failures, [], await journal());
    t.log(
      `${crowd.answered} answers; ${crowd.resent} were asked for again on a connection that the server had ended`,
    );
    t.not(await mainPid('tenement.service'), server);
    const after = await pids();
    for (const one of [...instances('units'), ...instances('doors')])
      t.is(after.get(one), before.get(one), one);
  },
);

test.serial('load: a server that is killed is followed by one that has them all again', async (t) => {
  const before = await pids();
  const server = await mainPid('tenement.service');
  process.kill(server, 'SIGKILL');
  await until('another server', async () => ![0, server].includes(await mainPid('tenement.service')));
  const after = await pids();
  for (const one of [...instances('units'), ...instances('doors')])
    t.is(after.get(one), before.get(one), one);
});

/** A request whose answer takes longer than the restart that comes meanwhile. */
function begin(instance: string): { readonly begun: Promise<void>; readonly ended: Promise<string> } {
  let start = (): void => {};
  const begun = new Promise<void>((resolve) => {
    start = resolve;
  });
  const ended = new Promise<string>((resolve, reject) => {
    const options = { port: PORT, host: '127.0.0.1', path: '/slow', agent: false } as const;
    request({ ...options, headers: { host: `${instance}.localhost` } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        start();
      });
      response.on('end', () => resolve(text)).on('error', reject);
    })
      .on('error', reject)
      .end();
  });
  return { begun: Promise.race([begun, ended.then(() => undefined)]), ended };
}

class Crowd extends Visitors {
  /** A client that sends on a connection just when the server ends it has to ask again by itself (RFC 9112 9.3.1). */
  resent = 0;

  /** One who uses a connection again and again. */
  stay(instance: string): void {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    void this.visit(instance, async () => {
      const outcome = await ask(instance, agent);
      if (outcome !== 'ended') return outcome;
      this.resent += 1;
      return ask(instance);
    }).finally(() => agent.destroy());
  }
}
