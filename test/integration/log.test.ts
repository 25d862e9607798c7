import { spawnSync } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const log = fileURLToPath(new URL('../../src/base/log.js', import.meta.url));

test('a full disk under the log loses lines, not the server', (t) => {
  if (!existsSync('/dev/full')) {
    t.log('skipped: this system has no /dev/full');
    t.pass();
    return;
  }
  const code = `
    import { createLog } from ${JSON.stringify(log)};
    const log = createLog('info');
    log.info('one');
    log.info('two');
    setImmediate(() => { log.info('three'); console.log('alive'); });`;
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', openSync('/dev/full', 'w')],
    encoding: 'utf8',
  });
  t.is(stdout, 'alive\n');
  t.is(status, 0);
});
