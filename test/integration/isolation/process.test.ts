import test from 'ava';
import { ATTACKS } from '../../../isolation/attacks/catalog.js';
import { promises, wayOf } from '../../../isolation/attacks/ways.js';
import {
  closeInheritedFds,
  createBackends,
  type Host,
  type Identity,
  probeHost,
  select,
} from '../../../isolation/index.js';
import { attacks } from './attacks.js';
import { conformance } from './conformance.js';
import { limits } from './limits.js';
import { newUser, skipped } from './variants.js';

closeInheritedFds();
const host = await probeHost();

function variant(name: string, on: Host, findsEverything: boolean, newIdentity?: () => Identity): void {
  const backend = select(createBackends(on), 'process', on);
  const one = { name, backend, host: on, findsEverything, ...(newIdentity && { newIdentity }) };
  conformance(test, one);
  limits(test, one);
}

const { legacyCgroups, ...modern } = host;
const without: Host = { ...modern, cgroupRoot: undefined };
const legacy: Host = { ...without, ...(legacyCgroups && { legacyCgroups }) };
variant('without cgroup, as ourselves', without, false);
if (host.cgroupRoot !== undefined) variant('in a cgroup, as ourselves', host, true);
else skipped(test, 'in a cgroup', 'no cgroup v2 directory is writable here');
if (host.root && host.tools.setpriv !== undefined) {
  variant('without cgroup, as a shared user', without, false, () => newUser(false));
  variant('without cgroup, as an own user', without, true, () => newUser(true));
  variant('in cgroups of version 1, as an own user', legacy, true, () => newUser(true));
  if (host.cgroupRoot !== undefined) variant('in a cgroup, as an own user', host, true, () => newUser(true));
  const way = wayOf(host, 'process', 'host', true);
  attacks(test, {
    name: 'as an own user',
    backend: select(createBackends(host), 'process', host),
    host,
    newIdentity: () => newUser(true),
    network: 'host',
    open: ATTACKS.map(({ id }) => id).filter((id) => !promises(way, id)),
  });
} else {
  skipped(test, 'as another user', 'only root with setpriv can start instances as another user');
}
