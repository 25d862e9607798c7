import { z } from 'zod';
import * as protocol from './protocol.js';
import * as adminProtocol from './protocol-admin.js';
import type { Route } from './routes/route.js';
import { ROUTES } from './routes.js';

type Json = Record<string, unknown>;

const ERROR_ANSWERS: Readonly<Record<string, string>> = {
  401: 'No token, or a bad one',
  403: "Outside the token's scope",
  404: 'There is no such instance, service or token',
  409: 'Does not fit the present state',
  422: 'A value is not acceptable',
  429: 'Too many bad tokens from this address',
};

const SCOPES: Readonly<Record<Route['scope'], string>> = {
  public: 'No token needed.',
  admin: 'Needs an admin token.',
  tenant: 'Needs an admin token, or a tenant token for what is its own.',
  create: 'Needs an admin token, or a create token for an instance that does not exist yet.',
};

/** The OpenAPI 3.1 description of the API, generated from the table of routes and the schemas of the protocol. */
export function openapi(): Json {
  const names = namedSchemas();
  const paths: Record<string, Json> = {};
  for (const route of ROUTES) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    const operations = paths[path] ?? {};
    operations[route.method.toLowerCase()] = operation(route, names);
    paths[path] = operations;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'tenement',
      description:
        'Instances, logs, deployments and tokens of one tenement server. Errors have one shape everywhere.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      version: '1',
    },
    servers: [{ url: 'http://localhost:8080' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: components(names),
    },
  };
}

function operation(route: Route, names: ReadonlyMap<z.ZodType, string>): Json {
  const parameters = [...pathParameters(route.path), ...queryParameters(route.query)];
  const status = String(route.status ?? 200);
  const content = route.status === 204 ? undefined : answerContent(route, names);
  const responses: Json = {
    [status]: { description: 'Done', ...(content === undefined ? {} : { content }) },
  };
  for (const [code, description] of Object.entries(route.scope === 'public' ? {} : ERROR_ANSWERS)) {
    responses[code] = {
      description,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/ErrorBody' } } },
    };
  }
  return {
    operationId: operationId(route),
    summary: route.summary,
    description: SCOPES[route.scope],
    ...(route.scope === 'public' ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : { requestBody: { content: { 'application/json': { schema: reference(route.body, names) } } } }),
    responses,
  };
}

function answerContent(route: Route, names: ReadonlyMap<z.ZodType, string>): Json {
  const schema = route.response === undefined ? { type: 'string' } : reference(route.response, names);
  return { [route.contentType ?? 'application/json']: { schema } };
}

function operationId({ method, path }: Route): string {
  const words = path.split(/[^a-zA-Z]+/).filter(Boolean);
  return [method.toLowerCase(), ...(words.length === 0 ? ['root'] : words)].join('_');
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    ...(name === 'id' ? { description: 'service:id, for example notes:alice' } : {}),
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType | undefined): Json[] {
  if (!(query instanceof z.ZodObject)) return [];
  return Object.entries(query.shape).map(([name, schema]) => {
    const { description, ...rest } = convert(schema as z.ZodType);
    return { name, in: 'query', ...(description === undefined ? {} : { description }), schema: rest };
  });
}

/** Schemas that the protocol exports, by their names there. */
function namedSchemas(): Map<z.ZodType, string> {
  const names = new Map<z.ZodType, string>();
  for (const [name, value] of Object.entries({ ...protocol, ...adminProtocol })) {
    if (value instanceof z.ZodType && !/(Query|Param|^Name)$/.test(name)) names.set(value, name);
  }
  return names;
}

function reference(schema: z.ZodType, names: ReadonlyMap<z.ZodType, string>): Json {
  const name = names.get(schema);
  return name === undefined ? convert(schema) : { $ref: `#/components/schemas/${name}` };
}

function components(names: ReadonlyMap<z.ZodType, string>): Json {
  const registry = z.registry<{ id: string }>();
  for (const [schema, id] of names) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io: 'input', uri: (id) => `#/components/schemas/${id}` });
  const entries = Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, schema]) => [name, bare(schema)]));
}

function convert(schema: z.ZodType): Json {
  return bare(z.toJSONSchema(schema, { io: 'input' }));
}

/** Without the keywords of a document of its own. */
function bare(schema: object): Json {
  const { $schema: _schema, $id: _id, ...rest } = schema as Json;
  return rest;
}
