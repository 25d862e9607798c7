/** The script that provisions the machine of the Vagrantfile, on this one: its tools are here already, so it downloads nothing. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../../src/base/package-root.js';
import { haveTools } from '../helpers/require-tool.js';
import { answers, removeInstallation, SERVER } from './installed.js';
import { mainPid, property } from './units.js';

const provision = () =>
  execa('bash', ['scripts/vagrant-provision.sh'], {
    cwd: packageRoot,
    env: { SOURCE: packageRoot, OWNER: 'root' },
    reject: false,
    all: true,
  });

// The project is an overlay in here. With this its packages are those that the script would get.
test.before(() => {
  const system = [process.platform, process.arch, process.versions.modules].join();
  const lock = createHash('sha256')
    .update(readFileSync(join(packageRoot, 'package-lock.json')))
    .digest('hex');
  writeFileSync(join(packageRoot, 'node_modules/.installed'), `${system} ${lock}  -\n`);
});

test.after.always(async () => {
  try {
    await removeInstallation();
  } finally {
    for (const path of ['/srv/tenement-examples', '/etc/tenement'])
      rmSync(path, { recursive: true, force: true });
  }
});

test.serial('provision: a fresh machine serves the example, and run again, nothing changes', async (t) => {
  // What the script would install else; the container's network has nobody to get it from.
  if (!haveTools(t, 'npm', 'make', 'g++', 'python3', 'curl', 'perl', 'setpriv', 'nft', 'bwrap')) return;
  mkdirSync(join(packageRoot, 'examples/notes/tenement-data'), { recursive: true });
  const first = await provision();
  t.is(first.exitCode, 0, first.all);
  await answers('alice.notes');
  t.false(existsSync('/srv/tenement-examples/notes/tenement-data'), 'what a trial has left stays private');
  t.true(existsSync('/usr/local/bin/ten'));
  const pid = await mainPid(SERVER);
  const second = await provision();
  t.is(second.exitCode, 0, second.all);
  t.regex(second.all ?? '', /Nothing to do/);
  t.is(await mainPid(SERVER), pid);
  t.is(await property(SERVER, 'ActiveState'), 'active');
});

test.serial('provision: where the checkout was not copied it says so', async (t) => {
  mkdirSync('/srv/tenement-examples/empty', { recursive: true });
  const { exitCode, stderr } = await execa('bash', ['scripts/vagrant-provision.sh'], {
    cwd: packageRoot,
    env: { SOURCE: '/srv/tenement-examples/empty', OWNER: 'root' },
    reject: false,
  });
  t.is(exitCode, 1);
  t.regex(stderr, /no checkout at .*vagrant rsync/);
});
