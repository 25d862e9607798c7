/**
 * What passes connections from an instance's socket on to the port that its app listens on: systemd-socket-proxyd(8), as a unit of its own in
 * the app's network. Whoever connects can send it anything, so it may do nothing else.
 */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { TenementError } from '../../src/base/errors.js';
import type { Property } from '../../systemd/manager.js';
import { sliceName } from '../../systemd/unit-name.js';
import type { InstanceName, Network } from '../contract.js';
import { ALMOST_NO_NAMESPACES } from './exec.js';
import { OPTIONAL } from './properties.js';
import type { SocketUnits } from './socket-units.js';

const PROXYD = '/usr/lib/systemd/systemd-socket-proxyd';
const MOST_CONNECTIONS = 4096;
const US_PER_MS = 1000n;
const AF_INET = 2;
const AF_INET6 = 10;

interface DoorOptions {
  /** It ends after so long without a connection; undefined or 0: never. */
  readonly idleMs?: number | undefined;
  /** As in UnitInput. */
  readonly missing?: readonly string[];
}

/** @throws TenementError `isolation_unavailable` where systemd comes without it: the app's unit would be ended for want of its door */
export async function requireDoor(): Promise<void> {
  const found = await access(PROXYD, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (found) return;
  throw new TenementError('isolation_unavailable', `${PROXYD} is not on this machine`, {
    hint: 'Install the part of systemd that has it, let the app take its socket (`listen = "fd"`), or use `isolation = "systemd"`.',
  });
}

/** Pure. */
export function doorProperties(
  name: InstanceName,
  { app }: SocketUnits,
  network: Network,
  forwardTo: number,
  { idleMs, missing = [] }: DoorOptions,
): Property[] {
  const idle = idleMs ? [`--exit-idle-time=${BigInt(Math.ceil(idleMs)) * US_PER_MS}us`] : [];
  const argv = [PROXYD, `--connections-max=${MOST_CONNECTIONS}`, ...idle, `127.0.0.1:${forwardTo}`];
  return [
    ['Description', 's', `connections of ${name.service}:${name.tenant} (tenement)`],
    ['Slice', 's', sliceName(name.service)],
    ['Type', 's', 'exec'],
    ['ExecStart', 'a(sasb)', [[PROXYD, argv, false]]],
    ['Requires', 'as', [app]],
    ['BindsTo', 'as', [app]],
    ['After', 'as', [app]],
    ...(network === 'host'
      ? []
      : ([
          ['PrivateNetwork', 'b', true],
          ['JoinsNamespaceOf', 'as', [app]],
        ] as Property[])),
    ['StartLimitIntervalUSec', 't', 0n],
    ['CollectMode', 's', 'inactive-or-failed'],
    ['LimitNOFILE', 't', BigInt(4 * MOST_CONNECTIONS)],
    ...HARDENED.filter(([property]) => !missing.includes(property)),
  ];
}

/** It takes connections, makes others to 127.0.0.1, and passes bytes on between the two. */
const HARDENED: readonly Property[] = [
  ['DynamicUser', 'b', true],
  ['PrivateUsers', 'b', true],
  ['UMask', 'u', 0o077],
  ['CapabilityBoundingSet', 't', 0n],
  ['AmbientCapabilities', 't', 0n],
  ['NoNewPrivileges', 'b', true],
  ['RestrictSUIDSGID', 'b', true],
  ['KeyringMode', 's', 'private'],
  ['RemoveIPC', 'b', true],
  ['ProtectSystem', 's', 'strict'],
  ['ProtectHome', 's', 'tmpfs'],
  ['InaccessiblePaths', 'as', ['-/run/dbus', '-/run/tenement']],
  ['PrivateTmp', 'b', true],
  ['PrivateMounts', 'b', true],
  ['PrivateDevices', 'b', true],
  ['DevicePolicy', 's', 'closed'],
  ['ProtectKernelTunables', 'b', true],
  ['ProtectKernelModules', 'b', true],
  ['ProtectControlGroups', 'b', true],
  ...OPTIONAL,
  ALMOST_NO_NAMESPACES,
  ['RestrictRealtime', 'b', true],
  ['LockPersonality', 'b', true],
  ['MemoryDenyWriteExecute', 'b', true],
  // Attack: one who takes it over would be on the machine's loopback, and on the internet. To the app it needs no more than this address.
  [
    'IPAddressDeny',
    'a(iayu)',
    [
      [AF_INET, Buffer.alloc(4), 0],
      [AF_INET6, Buffer.alloc(16), 0],
    ],
  ],
  ['IPAddressAllow', 'a(iayu)', [[AF_INET, Buffer.from([127, 0, 0, 1]), 32]]],
  // The first of the two for its own needs: what it takes connections from is made already.
  ['RestrictAddressFamilies', '(bas)', [true, ['AF_UNIX', 'AF_INET']]],
  ['SystemCallArchitectures', 'as', ['native']],
  ['SystemCallFilter', '(bas)', [true, ['@system-service']]],
  ['SystemCallFilter', '(bas)', [false, ['@privileged', '@resources', '@keyring', '@mount', '@debug']]],
  ['SystemCallErrorNumber', 'i', 1],
];
