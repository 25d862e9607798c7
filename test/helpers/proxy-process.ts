import { silentLog } from '../../src/base/log.js';
import { createProxy } from '../../src/proxy/server.js';
import { FakeUpstreams } from './fake-upstreams.js';

// A proxy in a process of its own, so that its memory can be measured: argv[2] is the app's port on loopback. It says its own port over
// IPC and answers 'peak' with its largest resident size so far.

const upstreams = new FakeUpstreams();
upstreams.address = () => ({ host: '127.0.0.1', port: Number(process.argv[2]) });
const proxy = createProxy({
  upstreams,
  table: () => ({
    domain: 'test',
    services: new Map([['app', { balance: false }]]),
    subdomain: new Map(),
    path: [],
  }),
  own: () => ({ path: '/nowhere' }),
  log: silentLog,
  trustedProxies: () => [],
  onRequestEnd: () => {},
});

let peak = 0;
setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 20);
process.on('message', () => process.send?.({ peak: Math.max(peak, process.memoryUsage.rss()) }));
process.on('disconnect', () => process.exit());

const [address] = await proxy.listen([{ host: '127.0.0.1', port: 0 }]);
process.send?.({ port: address?.port });
