/** `[routing]` and `[instances]`: which names lead where, and what runs from the start. */
import { z } from 'zod';
import { A_TABLE, name } from './values.js';

const LABEL = 'expected one label of a host name: a-z, 0-9, "-" and "_"';
const PATH = 'expected a path that begins with "/", without "?", "#", spaces, empty and dot segments';

const label = z.string({ error: LABEL }).regex(/^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/, { error: LABEL });

/** A prefix of request paths, by whole segments. Dot segments would never match, since requests are compared as they come. */
const prefix = z
  .string({ error: PATH })
  .regex(/^\/[!-"$->@-~]*$/, { error: PATH })
  .refine(hasPlainSegments, { error: PATH });

function hasPlainSegments(value: string): boolean {
  const segments = value.replace(/^\//, '').replace(/\/$/, '').split('/');
  return value === '/' || segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}

export const routingSchema = z.strictObject(
  {
    default: name.optional().meta({ description: 'Service that answers at the bare domain.' }),
    tenants: name.optional().meta({
      description:
        'Service whose instances answer one label below the domain: `alice.example.com` is its instance `alice`. A service’s own name wins.',
    }),
    subdomain: z
      .record(label, name, { error: 'expected a table: label = "service"' })
      .default({})
      .meta({ description: 'Labels below the domain that lead to a service: `admin = "admin-service"`.' }),
    path: z.record(prefix, name, { error: 'expected a table: "/path" = "service"' }).default({}).meta({
      description:
        'Paths of the bare domain that lead to a service: `"/shop" = "shop-service"`. `/api`, `/metrics`, `/health` and `/assets` are tenement’s own unless `admin_host` is set.',
    }),
  },
  { error: A_TABLE },
);

export const instancesSchema = z
  .record(name, z.array(name, { error: 'expected a list of ids, such as ["alice"]' }), {
    error: 'expected a table: service = ["id", ...]',
  })
  .meta({
    description: 'Instances that are registered and started at boot, by service: `notes = ["alice"]`.',
  });
