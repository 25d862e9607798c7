/**
 * The server behind every proxy: nginx with files, which costs less than any proxy, and for uploads a program that only reads.
 * Both are started by a shell script that takes PORT, so that the same command runs beside the peers and as an instance of
 * tenement.
 */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nginxPaths, nginxUser } from './peers.js';
import { LARGE, MEDIUM, READ_SLOWLY, SMALL } from './sites.js';

export interface UpstreamScripts {
  readonly files: string;
  /** The same on another processor: next to nothing, started again and again. */
  readonly burst: string;
}

/** Makes the files and scripts in `dir`. `cores`: where the upstream runs, as taskset(1) takes it. */
export function writeUpstream(dir: string, largeBytes: number, prefix: string): UpstreamScripts {
  const root = join(dir, 'files');
  mkdirSync(root);
  for (const { path, bytes } of [SMALL, MEDIUM, READ_SLOWLY, { ...LARGE, bytes: largeBytes }]) {
    writeFileSync(join(root, path), '');
    truncateSync(join(root, path), bytes);
  }
  return {
    files: script(dir, 'files', prefix, `root ${root};`),
    burst: script(dir, 'burst', '', 'return 204;'),
  };
}

function script(dir: string, name: string, prefix: string, location: string): string {
  const path = join(dir, `${name}.sh`);
  const conf = `${join(dir, name)}-$PORT`;
  // One process, and no other program in the shell: only `echo`, which is built in. So a start costs little, and the process
  // that tenement started is the one that listens.
  writeFileSync(
    path,
    `echo "daemon off; master_process off; worker_processes 1; ${nginxUser}
pid ${conf}.pid; error_log stderr warn; worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
  ${nginxPaths(join(dir, 'files'))}
  access_log off; sendfile on; keepalive_requests 1000000000; keepalive_timeout 600s;
  open_file_cache max=16; default_type application/octet-stream;
  server { listen 127.0.0.1:$PORT; location / { ${location} } }
}" > ${conf}.conf
exec ${prefix} nginx -p ${dir} -e ${conf}.log -c ${conf}.conf
`,
  );
  return path;
}
