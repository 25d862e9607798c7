import test from 'ava';
import {
  closeInheritedFds,
  createBackends,
  type Host,
  type Identity,
  probeHost,
  select,
} from '../../../isolation/index.js';
import { conformance } from './conformance.js';

closeInheritedFds();
const host = await probeHost();

function variant(name: string, on: Host, findsEverything: boolean, newIdentity?: () => Identity): void {
  const backend = select(createBackends(on), 'process', on);
  conformance(test, { name, backend, host: on, findsEverything, ...(newIdentity && { newIdentity }) });
}

const without: Host = { ...host, cgroupRoot: undefined };
/** Away from the default `uid_range`, so that no server on this machine has them; others for each test process. */
let lastUid = 1_900_100_000 + (process.pid % 40_000) * 200;
function newUser(exclusive: boolean): Identity {
  lastUid += 1;
  return { uid: lastUid, gid: lastUid, exclusive };
}

function skipped(name: string, reason: string): void {
  test(name, (t) => {
    t.log(`skipped: ${reason}`);
    t.pass();
  });
}

variant('without cgroup, as ourselves', without, false);
if (host.cgroupRoot !== undefined) variant('in a cgroup, as ourselves', host, true);
else skipped('in a cgroup', 'no cgroup v2 directory is writable here');
if (host.root && host.tools.setpriv !== undefined) {
  variant('without cgroup, as a shared user', without, false, () => newUser(false));
  variant('without cgroup, as an own user', without, true, () => newUser(true));
  if (host.cgroupRoot !== undefined) variant('in a cgroup, as an own user', host, true, () => newUser(true));
} else {
  skipped('as another user', 'only root with setpriv can start instances as another user');
}
