/** Pure: the command line that starts an instance in namespaces of its own by unshare(1) and the builder: half as many programs as by a shell. */
import type { Launch } from './argv.js';
import { type Builder, buildCommand, buildEnv, type Step } from './builder.js';
import type { Identity, Limits } from './contract.js';
import { resourceLimits } from './limits.js';
import { type Contained, inNamespaces, SYSTEM_PATH } from './namespace-argv.js';
import type { Forward } from './network/forward.js';
import type { Uplink } from './network/uplink.js';
import { NEW_ROOT, type RootPlan } from './private-root.js';
import { rootSteps } from './root-steps.js';
import { encodeFilter, filterProgram } from './seccomp.js';

export interface ContainedByBuilder extends Contained {
  readonly plan: RootPlan;
  readonly limits: Limits;
  readonly builder: Builder;
}

/**
 * sh (joins) -> unshare (stays: its child is pid 1) -> sh (stays, reaps, ends with the app and takes everything with it) -> perl (builds the root;
 * with a forwarder it stays as the guard of both; drops, filters, sets the environment) -> command. Why so: see namespaceLaunch.
 */
export function builtLaunch(contained: ContainedByBuilder): Launch {
  const { builder, identity, plan, network, link, ready, uplink } = contained;
  const steps: Step[] = [
    // While programs of the machine are in reach.
    ...(uplink === undefined ? [] : uplinkSteps(uplink)),
    ...rootSteps(plan),
    ...(network === 'none' ? [['loopback'] as const] : []),
    ...lastSteps({
      ...contained,
      waits: ready !== undefined,
      bounds: true,
      first: identity === undefined ? [['file', '/proc/sys/user/max_user_namespaces', '0']] : [],
      last: [['filter', encodeFilter(filterProgram(builder.arch)).toString('hex')]],
    }),
  ];
  return inNamespaces(
    contained,
    pidOne(link),
    [...buildCommand(builder.perl), ...contained.command],
    buildEnv(builder.arch, steps, contained.env),
  );
}

/** The rules come last and before anything of the instance's: until then there is nobody to send anything. */
export function uplinkSteps({ command, backgrounds, nft, rules }: Uplink): Step[] {
  return [
    ['uplink', NEW_ROOT, backgrounds ? 1 : '', ...command(`${NEW_ROOT}/net`)],
    ['feed', rules, ...nft],
  ];
}

/** From the finished root to the app: what passes connections on, limits, rules of the network, user, capabilities, directory. */
export function lastSteps(app: {
  readonly identity: Identity | undefined;
  readonly limits: Limits;
  readonly forward?: Forward | undefined;
  readonly waits: boolean;
  readonly home: string;
  readonly directory: string;
  readonly socket: boolean;
  /** Whether it has the right to bound what capabilities can ever be had. */
  readonly bounds: boolean;
  /** With root's powers. */
  readonly first: readonly Step[];
  /** Without any. */
  readonly last: readonly Step[];
}): Step[] {
  const { identity, forward } = app;
  return [
    // Limits are the app's, not the forwarder's.
    ...(forward === undefined ? [] : [['forward', forward.port, forward.uid ?? ''] as const]),
    ...resourceLimits(app.limits).map(([resource, value]): Step => ['limit', resource, value]),
    ...(app.waits ? [['wait'] as const] : []),
    ...app.first,
    ...(app.bounds ? [['bounds'] as const] : []),
    ...(identity === undefined ? [] : [['user', identity.uid, identity.gid] as const]),
    ['powerless'],
    ...app.last,
    // As the app's user: root would follow symlinks that the tenant has put there.
    ['home', app.home],
    ['enter', app.directory],
    ...(app.socket && forward === undefined ? [['socket'] as const] : []),
  ];
}

/** While it waits it reaps whatever else has lost its parent, and holds nothing of what it was given. */
export function pidOne(link: string | undefined): string {
  return [
    ...(link === undefined ? [] : [`PATH=${SYSTEM_PATH}`, link]),
    // Of the machine's directories it keeps none: pivot_root(2) takes those with it that are in the root.
    'cd /',
    // The shell itself would complain of the app's end there.
    'exec 2>/dev/null',
    // In the background it ignores SIGINT and SIGQUIT, until the builder has set them back.
    '"$@" 2>&3 &',
    'exec 3>&- 4>&- 5<&- 6<&- 7<&-',
    'wait $!',
    'exit $?',
    '',
  ].join('\n');
}
