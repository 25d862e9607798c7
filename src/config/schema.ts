/** tenement.toml as a strict schema. The types of the whole program and the reference page are made from it. */
import { z } from 'zod';
import { instancesSchema, routingSchema } from './routing.js';
import { type serviceSchema, servicesSchema } from './service.js';
import { settingsSchema } from './settings.js';

export const fileSchema = z.strictObject(
  {
    settings: settingsSchema.prefault({}),
    service: servicesSchema.default({}),
    instances: instancesSchema.default({}),
    routing: routingSchema.prefault({}),
  },
  { error: 'expected a table' },
);

/**
 * The whole configuration as the program uses it. Keys are named as in the file; times are seconds (`*_ms`: milliseconds),
 * `*_mb` are MB (2^20 bytes), `max_body` is bytes; paths are absolute.
 */
export interface Config extends z.output<typeof fileSchema> {
  /** Absolute path of the file that it was read from. */
  readonly path: string;
}

/** What a file says, checked by the schema alone: paths are still as written. */
export type FileConfig = z.output<typeof fileSchema>;
/** `[settings]`. */
export type Settings = z.output<typeof settingsSchema>;
/** `[service.NAME]`. `user` is "" when unset. */
export type ServiceConfig = z.output<typeof serviceSchema>;
