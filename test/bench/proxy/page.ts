/** docs/performance.md from results. Pure. */
import { markdownTable } from '../lib/text-table.js';
import type { BenchResults } from './results.js';
import { tables } from './tables.js';

export function page(results: BenchResults): string {
  const versions = Object.entries(results.versions).map(([name, version]) => `${name} ${version}`);
  const sections = tables(results).map(
    ({ title, note, rows }) => `## ${title}\n\n${note}\n\n${markdownTable(rows)}`,
  );
  const missing =
    results.skipped.length === 0
      ? ''
      : `## Not measured\n\n${results.skipped.map((reason) => `- ${reason}`).join('\n')}\n`;
  return `# Performance of the proxy

<!-- Written by \`npm run bench:proxy -- --docs\`: change test/bench/proxy/page.ts instead. -->

Measured on ${results.date.slice(0, 10)} on a machine with ${results.machine} (${versions.join(', ')}).${results.quick ? ' **A quick run: the figures mean little.**' : ''}

![What one request costs each proxy](performance.svg)

How: every proxy routes by Host, adds \`X-Forwarded-For\` and keeps its connections to the upstream; for the rest it has its
defaults and one worker, which is pinned to one processor. Load tool and upstream (an nginx with static files) share another. All
of them run at the same time and are measured in turn, in ${roundsOf(results)} rounds. On a shared machine single figures move by a third
between runs, so what counts is the ratio to nginx of the same round: its median, lowest and highest are given. "+log" is with an
access log to a file. tenement is the whole \`ten serve\`: supervisor, log reader and counters included, but not the apps.

\`npm run bench:proxy\` repeats it on your machine (Linux; it installs the other proxies from Debian's packages when it may);
\`--quick\` takes a minute, \`--help\` lists the rest.

${sections.join('\n')}
${WHY}${missing === '' ? '' : `\n${missing}`}`;
}

/** What the figures come from: not measured by this program, and to be looked at again when they change. */
const WHY = `## Where the time goes

Of what a request of 200 B costs tenement, about half is the kernel's: two reads and two writes, as for nginx, and nothing else; a
profile (perf, strace) shows no other system call but one epoll_wait for some twenty of them. A fifth is JavaScript, and the rest is what V8 and
Node need to call it: entering it for each read, making strings of heads, collecting garbage. So what is left above nginx is
user time: some 10 µs against its 4, and four crossings between the system and JavaScript in each request keep it from coming much nearer in
this runtime.

What brought it down: reading and writing without Node's streams (\`fast_reads\`), where no object, closure or turn of the event loop is
needed for a write that the system takes at once; no names, values or numbers cut out of a head that nobody asks for; a clock
that is read twice a request; a head that is looked through once. For 64 KiB it is one read and one write: the head for the client
is put in front of the body, where the app's head stood. Lines of the access log are put into a buffer as they come, which keeps
them from the garbage collector.

## Thread or process

The data path is a thread of the server and no process of its own. \`npm run bench:proxy -- thread-or-process\` runs it both ways
beside a process that starts others at the same rate as above. A process takes some 45 MB more, each grant of an instance would have to pass
through a pipe, and its latency was not better beyond the noise: a thread has its own event loop and heap, so what is left in common is the memory
map, which a fork() of the server holds for a millisecond or two. Where the system allows it (root, CAP_SYS_NICE), the thread has
a nice value of -5, so that it does not wait for a processor behind starts of instances and the reading of logs.
`;

function roundsOf({ throughput }: BenchResults): number {
  return new Set(throughput.map(({ round }) => round)).size;
}
