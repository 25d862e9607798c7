// A to-do list on Fastify, kept in one JSON file of the instance's own directory.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Fastify from 'fastify';

const directory = process.env.DATA_DIR ?? '.';
const file = join(directory, 'todos.json');
await mkdir(directory, { recursive: true });

const todos = await load();
// Saves follow one another: two at once could leave the older list on disk.
let saved = Promise.resolve();

const app = Fastify({ logger: { level: 'warn' } });

app.get('/health', async () => ({ status: 'ok' }));

app.get('/todos', async () => ({ instance: process.env.TENEMENT_INSTANCE ?? null, todos }));

app.post(
  '/todos',
  {
    schema: {
      body: {
        type: 'object',
        required: ['title'],
        additionalProperties: false,
        properties: { title: { type: 'string', minLength: 1, maxLength: 500 } },
      },
    },
  },
  async (request, reply) => {
    const todo = { id: (todos.at(-1)?.id ?? 0) + 1, title: request.body.title };
    todos.push(todo);
    await save();
    return reply.code(201).send(todo);
  },
);

process.on('SIGTERM', async () => {
  await app.close();
  await saved;
  process.exit(0);
});

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });

async function load() {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

function save() {
  const text = JSON.stringify(todos);
  saved = saved
    .catch(() => undefined)
    .then(async () => {
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
    });
  return saved;
}
