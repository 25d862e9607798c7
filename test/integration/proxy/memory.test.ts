import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { addressOf } from '../../helpers/fake-upstreams.js';
import { startApp } from '../../helpers/proxy-fixture.js';

const SIZE = 200 * 1024 * 1024;
const BLOCK = Buffer.alloc(64 * 1024, 'x');
const child = fileURLToPath(new URL('../../helpers/proxy-process.js', import.meta.url));

test('200 MB up and 200 MB down, to a slow reader too, in less than 40 MB of memory', async (t) => {
  const app = await startApp(t, (req, res) => {
    if (req.method === 'GET') {
      res.writeHead(200, { 'Content-Length': SIZE });
      let left = SIZE;
      const push = () => {
        while (left > 0) {
          left -= BLOCK.length;
          if (!res.write(BLOCK)) return res.once('drain', push);
        }
        return res.end();
      };
      push();
      return;
    }
    let bytes = 0;
    req.on('data', (chunk) => {
      bytes += chunk.length;
      // Slower than the client, so that what does not wait piles up.
      if (bytes % (8 * 1024 * 1024) < chunk.length) {
        req.pause();
        setTimeout(() => req.resume(), 20);
      }
    });
    req.on('end', () => res.end(String(bytes)));
  });
  const proxy = spawn(process.execPath, [child, String(addressOf(app).port)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  t.teardown(() => proxy.kill('SIGKILL'));
  const [{ port }] = await once(proxy, 'message');
  const rss = async (): Promise<number> => {
    proxy.send('peak');
    const [{ peak }] = await once(proxy, 'message');
    return peak;
  };
  await download(port, 8 * 1024 * 1024);
  const before = await rss();
  t.is(await download(port, SIZE), SIZE);
  t.is(await upload(port), String(SIZE));
  const grown = (await rss()) - before;
  t.log(`grown by ${Math.round(grown / 2 ** 20)} MB`);
  t.true(grown < 40 * 2 ** 20, `grown by ${grown} bytes`);
});

const target = (port: number) => ({
  host: '127.0.0.1',
  port,
  headers: { Host: 'a.app.test' },
  agent: false as const,
});

/** Reads up to `most` bytes with pauses; returns how many came. */
function download(port: number, most: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const req = request(target(port), (res) => {
      let bytes = 0;
      res.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes >= most) {
          resolve(bytes);
          if (bytes < SIZE) req.destroy();
        }
        if (bytes % (8 * 1024 * 1024) < chunk.length) {
          res.pause();
          setTimeout(() => res.resume(), 20);
        }
      });
      res.on('end', () => resolve(bytes));
    });
    req.on('error', reject).end();
  });
}

function upload(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const req = request({ ...target(port), method: 'POST' }, (res) => {
      let text = '';
      res.on('data', (chunk) => {
        text += chunk;
      });
      res.on('end', () => resolve(text));
    });
    req.on('error', reject);
    let left = SIZE;
    const push = () => {
      while (left > 0) {
        left -= BLOCK.length;
        if (!req.write(BLOCK)) return req.once('drain', push);
      }
      return req.end();
    };
    push();
  });
}
