/** Pure: what services ask for that no machine can give. `ten check` and the start refuse it, as each start of an instance would be refused. */
import type { Problem } from './problem.js';
import { runsAsUnit } from './runs-as-unit.js';
import type { ServiceConfig } from './schema.js';

type Kind = Pick<ServiceConfig, 'isolation' | 'network' | 'listen'>;

/** `auto` becomes what can give it. */
export function checkCombination(name: string, service: ServiceConfig): Problem[] {
  const found = refusal(service) ?? refusedChoice(service);
  return found === undefined ? [] : [{ path: ['service', name, found.key], message: found.message }];
}

interface Refused {
  readonly key: keyof ServiceConfig;
  readonly message: string;
}

/** Pairs of isolation, network and way to listen that no backend has. */
export function refusal({ isolation, network, listen }: Kind): Refused | undefined {
  if (isolation === 'process' && network !== 'host') {
    return {
      key: 'network',
      message: `\`isolation = "process"\` has no network of its own: "${network}" needs "namespace" or stronger`,
    };
  }
  if (!runsAsUnit({ isolation })) return undefined;
  if (network === 'egress') {
    return {
      key: 'network',
      message: `\`isolation = "${isolation}"\` has no network "egress": use "host" or "none", or \`isolation = "namespace"\``,
    };
  }
  if (isolation === 'socket-activation') {
    if (listen !== 'unix') return undefined;
    return {
      key: 'listen',
      message:
        '`isolation = "socket-activation"` has the app listen on a port, or on a socket that it is given: use "port" or "fd"',
    };
  }
  if (listen === 'fd') {
    return {
      key: 'listen',
      message:
        'with `isolation = "systemd"` an app cannot inherit a socket: use `isolation = "socket-activation"`, or "unix"',
    };
  }
  if (network !== 'none' || listen === 'unix') return undefined;
  return {
    key: 'listen',
    message:
      'with `isolation = "systemd"` and `network = "none"` an app is reached by a Unix socket only: use "unix", or another isolation',
  };
}

function refusedChoice(service: ServiceConfig): Refused | undefined {
  const { isolation, idle_action, user, sandbox, network, listen } = service;
  if (isolation === 'sandbox' && sandbox === 'nsjail' && network !== 'host' && listen === 'port') {
    return {
      key: 'listen',
      message:
        'with `sandbox = "nsjail"` and a network of its own connections cannot be passed on to a port: use "unix" or "fd", or leave `sandbox` out for bubblewrap',
    };
  }
  if (isolation === 'socket-activation' && idle_action === 'freeze') {
    return {
      key: 'idle_action',
      message:
        '`isolation = "socket-activation"` cannot freeze: who connects past the server would wait for ever. Use "stop", or `isolation = "systemd"`',
    };
  }
  if (isolation !== 'process' && user === 'root') {
    return {
      key: 'user',
      message: 'an isolated instance cannot run as root: use "auto", or the name of another user',
    };
  }
  return undefined;
}
