/** Whether the isolation that each configured service asks for keeps its promises here. Pure. */
import { type Backends, type Host, nameOf, strongest, wayOf } from '../../../isolation/index.js';
import type { Config, ServiceConfig } from '../../config/schema.js';
import { brokenPromises, type Measured } from './attacks.js';
import { type Check, fail, ok, warn } from './check.js';

export function checkServices(
  config: Config,
  measured: readonly Measured[],
  host: Host,
  backends: Backends,
): Check[] {
  return Object.entries(config.service).map(([name, service]) =>
    checkService(`service ${name}`, service, measured, host, backends),
  );
}

/** The name of the way by which a service's instances are kept apart. */
function wayOfService(service: ServiceConfig, host: Host, backends: Backends): string {
  const isolation = service.isolation === 'auto' ? strongest(backends, host, service) : service.isolation;
  return nameOf(wayOf(host, isolation, service.network, hasOwnUser(service, isolation, host)));
}

const hasOwnUser = (service: ServiceConfig, isolation: string, host: Host): boolean =>
  host.root && (isolation !== 'process' || service.user !== '' || service.isolation === 'auto');

export function waysOfServices(config: Config, host: Host, backends: Backends): string[] {
  return Object.values(config.service).map((service) => wayOfService(service, host, backends));
}

function checkService(
  name: string,
  service: ServiceConfig,
  measured: readonly Measured[],
  host: Host,
  backends: Backends,
): Check {
  const isolation = service.isolation === 'auto' ? strongest(backends, host, service) : service.isolation;
  const support = backends.get(isolation)?.probe(host, service.sandbox);
  if (support === undefined) return warn(name, `isolation = "${isolation}" is not measured`, 'Try it.');
  if (!support.supported) return fail(name, support.reason, support.remedy);
  if (isolation === 'process' && !hasOwnUser(service, isolation, host)) {
    const who = host.root ? 'as root' : 'as this user';
    return warn(
      name,
      `isolation = "process" ${who} keeps nothing apart`,
      'Use `isolation = "namespace"` or `"sandbox"` for code that you do not trust.',
    );
  }
  const way = wayOfService(service, host, backends);
  const found = measured.find((one) => one.name === way);
  if (found?.outcomes === undefined) {
    return fail(
      name,
      `${way} could not be measured: ${found?.error ?? 'it does not work here'}`,
      'See `ten check`, and the remedies above.',
    );
  }
  const broken = brokenPromises(found);
  if (broken.length === 0) return ok(name, `${way} keeps what it promises`);
  return fail(
    name,
    `${way} promises to block what succeeded here: ${broken.join(', ')}`,
    'The table of attacks has the remedies.',
  );
}
