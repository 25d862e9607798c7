/** An app for uploads: reads each body, keeps nothing, and answers with the number of bytes. */
import { createServer } from 'node:http';

export function sink(): void {
  createServer((req, res) => {
    let bytes = 0;
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    req.on('end', () => res.end(String(bytes)));
  })
    .on('checkContinue', (_req, res) => res.writeHead(417).end())
    .listen(Number(process.env.PORT), '127.0.0.1');
}
