import test from 'ava';
import {
  addressOf,
  choosePlace,
  deviceOf,
  parseRoutes,
  type Route,
  uplinks,
} from '../../../../isolation/network/addresses.js';

const TABLE = [
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
  'eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
  'eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
  'tnmt-0acb0005\t0500CB0A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0',
  '',
].join('\n');

const route = (device: string, destination: number, mask: number): Route => ({ device, destination, mask });
const nothing = new Set<string>();

test('routes are read as the kernel writes them', (t) => {
  t.deepEqual(parseRoutes(TABLE), [
    route('eth0', 0, 0),
    route('eth0', 0xc0000200, 0xffffff00),
    route('tnmt-0acb0005', 0x0acb0005, 0xffffffff),
  ]);
  t.deepEqual(uplinks(parseRoutes(TABLE)), ['eth0']);
});

test('an address that nobody has, with a device of its name', (t) => {
  const routes = parseRoutes(TABLE);
  t.deepEqual(choosePlace(routes, nothing, 0), {
    address: '10.203.0.2',
    gateway: '10.203.0.1',
    device: 'tnmt-0acb0002',
  });
  t.is(choosePlace(routes, nothing, 3)?.address, '10.203.0.6', 'one that a device leads to is passed over');
  t.is(choosePlace(routes, new Set(['10.203.0.2']), 0)?.address, '10.203.0.3');
});

test('never the addresses of the network itself, its gateway and broadcast', (t) => {
  for (const seed of [0, 0xfffb, 0xfffc, 0xfffd, 0xfffe, 0xffff]) {
    t.notRegex(choosePlace([], nothing, seed)?.address ?? '', /\.0\.[01]$|\.255\.255$/, String(seed));
  }
});

test('a network that a route leads into, or that lies in one, is left to it', (t) => {
  for (const [destination, mask] of [
    [0x0acb0700, 0xffffff00],
    [0x0a000000, 0xff000000],
  ] as const) {
    t.is(choosePlace([route('vpn', destination, mask)], nothing, 0)?.address, '172.29.0.2');
  }
  const all = [0x0a000000, 0xac000000, 0xc0000000].map((destination) =>
    route('vpn', destination, 0xff000000),
  );
  t.is(choosePlace([...all, route('vpn', 0xc6000000, 0xff000000)], nothing, 0), undefined);
});

test('the name of a device fits the kernel and says the address', (t) => {
  const device = deviceOf('192.168.255.254');
  t.true(device.length <= 15);
  t.is(addressOf(device), '192.168.255.254');
});
