import { z } from 'zod';
import type { Ref } from './contract.js';

const KNOWN = z.object({ pid: z.int().positive(), startTime: z.string() });

const ALLOWED = z.array(z.object({ host: z.string(), port: z.int() }));

const NETWORK = z.object({
  loopback: ALLOWED.optional(),
  egress: z.object({ address: z.string(), device: z.string(), allow: ALLOWED }).optional(),
});

const SCHEMA = z.object({
  version: z.literal(1),
  backend: z.enum(['process', 'namespace', 'sandbox', 'systemd', 'socket-activation']),
  run: z.string().min(1),
  pid: z.int().positive(),
  startTime: z.string(),
  bootId: z.string(),
  address: z.union([z.object({ host: z.string(), port: z.int() }), z.object({ path: z.string() })]),
  cgroup: z.string().optional(),
  legacyCgroups: z.array(z.string()).optional(),
  uid: z.int().optional(),
  exclusive: z.boolean().optional(),
  init: KNOWN.optional(),
  guard: KNOWN.optional(),
  unit: z.object({ name: z.string(), invocation: z.string() }).optional(),
  forwardTo: z.int().optional(),
  forwardToHost: z.int().optional(),
  net: NETWORK.optional(),
  startedAt: z.number(),
});

/** A ref from what was saved; undefined when it is not one that this version understands. */
export function parseRef(saved: unknown): Ref | undefined {
  const parsed = SCHEMA.safeParse(saved);
  if (!parsed.success) return undefined;
  const { cgroup, uid, exclusive, init, guard, unit, legacyCgroups, forwardTo, forwardToHost, net, ...rest } =
    parsed.data;
  return {
    ...rest,
    cgroup,
    uid,
    exclusive: exclusive ?? false,
    ...(legacyCgroups && { legacyCgroups }),
    ...(init && { init }),
    ...(guard && { guard }),
    ...(unit && { unit }),
    ...(forwardTo !== undefined && { forwardTo }),
    ...(forwardToHost !== undefined && { forwardToHost }),
    ...(net && {
      net: {
        ...(net.loopback && { loopback: net.loopback }),
        ...(net.egress && { egress: net.egress }),
      },
    }),
  };
}
