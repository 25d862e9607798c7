import { PassThrough, Readable } from 'node:stream';
import test from 'ava';
import { z } from 'zod';
import { readEvents, readNdjson } from '../../../src/api/stream.js';

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}

test('events are put together whatever the chunks are', async (t) => {
  const text = ': keep-alive\n\nid: 1\nevent: log\ndata: {"m":"ä"}\n\ndata: {"m":\ndata: 2}\r\n\r\n';
  const bytes = Buffer.from(text);
  for (const size of [1, 7, bytes.length]) {
    const chunks: Buffer[] = [];
    for (let i = 0; i < bytes.length; i += size) chunks.push(bytes.subarray(i, i + size));
    t.deepEqual(await all(readEvents(Readable.from(chunks), z.unknown())), [{ m: 'ä' }, { m: 2 }]);
  }
});

test('one value a line; the last line needs no end', async (t) => {
  t.deepEqual(
    await all(readNdjson(Readable.from([Buffer.from('{"a":1}\n\n{"a"'), Buffer.from(':2}')]), z.unknown())),
    [{ a: 1 }, { a: 2 }],
  );
});

test('a stream that breaks is an error and not an end', async (t) => {
  const stream = new PassThrough();
  stream.write('{"a":1}\n');
  const seen: unknown[] = [];
  await t.throwsAsync(
    async () => {
      for await (const value of readNdjson(stream, z.unknown())) {
        seen.push(value);
        stream.destroy(new Error('reset'));
      }
    },
    { code: 'no_server' },
  );
  t.deepEqual(seen, [{ a: 1 }]);
});

test('what is not of the shape, or not JSON, is an error that says whose it is', async (t) => {
  const shape = z.object({ a: z.number() });
  for (const text of ['{"a":"1"}\n', '<html>\n', '[]\n']) {
    await t.throwsAsync(all(readNdjson(Readable.from([Buffer.from(text)]), shape)), { code: 'no_server' });
  }
  await t.throwsAsync(all(readEvents(Readable.from([Buffer.from('data: {}\n\n')]), shape)), {
    code: 'no_server',
  });
  const newer = await all(readNdjson(Readable.from([Buffer.from('{"a":1,"b":2}')]), shape));
  t.deepEqual(newer, [{ a: 1, b: 2 } as { a: number }], 'fields of a newer server stay');
});
