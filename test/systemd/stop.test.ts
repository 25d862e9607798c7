/** Instances that systemd stops, and not their server: at the end of the machine, or because an administrator says so. */
import test from 'ava';
import { execa } from 'execa';
import { TestServer } from '../helpers/server.js';
import { mainPid, newService, property, stopUnits, unitService } from './units.js';

for (const isolation of ['systemd', 'socket-activation']) {
  test.serial(`stopped by systemd, an app has its stop_timeout: ${isolation}`, async (t) => {
    const service = newService();
    const unit = `tenement-${service}-alice.service`;
    const lines = `health = "/"\nisolation = "${isolation}"\nstop_timeout = 30`;
    const server = await TestServer.start(t, unitService(service, { app: 'slow-term.mjs', lines }));
    t.teardown(() => stopUnits(service));
    const { exitCode, stderr } = await server.ten('spawn', `${service}:alice`);
    t.is(exitCode, 0, `${stderr}; ${server.output}`);
    t.true((await mainPid(unit)) > 0);
    t.is(await property(unit, 'TimeoutStopUSec'), '30s');
    // No server: what is written down of the unit is all that counts.
    await server.kill();
    const since = new Date().toISOString().slice(0, 19).replace('T', ' ');
    await execa('systemctl', ['stop', unit]);
    const told = await execa('journalctl', ['--no-pager', '--utc', `--since=${since} UTC`, `--unit=${unit}`]);
    t.regex(told.stdout, /Deactivated successfully/);
    t.notRegex(told.stdout, /timed out|SIGKILL/);
  });
}
