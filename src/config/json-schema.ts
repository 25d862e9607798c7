import { z } from 'zod';
import { fileSchema } from './schema.js';

/** What of a JSON Schema the reference page needs. */
export interface JsonSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string | string[];
  readonly enum?: readonly string[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  /** Ours: the kind of a quantity, "time (seconds)". */
  readonly kind?: string;
}

/**
 * tenement.toml as a JSON Schema of what may be written (draft 2020-12). zod leaves out the defaults of values that it converts,
 * so they are put back.
 */
export function fileJsonSchema(): JsonSchema {
  return z.toJSONSchema(fileSchema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      if (def.type === 'default') jsonSchema.default = (def as z.core.$ZodDefaultDef).defaultValue;
    },
  }) as JsonSchema;
}

/** The schema as editors take it: without our own keyword. */
export function editorSchema(): string {
  const schema = { title: 'tenement.toml', ...fileJsonSchema() };
  return `${JSON.stringify(schema, (key, value) => (key === 'kind' && typeof value === 'string' ? undefined : value), 2)}\n`;
}
