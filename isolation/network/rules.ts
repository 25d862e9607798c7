/** Pure: what one instance may reach, as rules of nft(8). */
import { isIPv6 } from 'node:net';
import type { AllowedAddress } from '../contract.js';
import type { Entry } from './script.js';

/**
 * What is nobody's business outside: this host, private networks, shared ones of providers, link-local ones with the secrets that clouds tell
 * their machines at 169.254.169.254, benchmarks, multicast, reserved (the special-purpose registry of RFC 6890).
 */
const PRIVATE = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/3'],
];

/**
 * In LOOPBACK: all that processes of `uid` send over loopback.
 *
 * Only the first packet of a connection is refused: what is accepted from the proxy goes on, without the kernel's having to track the
 * connections of the whole machine (whose table would be full after a few hundred thousand of them). Over UDP nobody has anything to answer.
 * Their own port they may reach; others of their own cannot be told from those of siblings. Abstract Unix sockets are not packets: only a network
 * of its own keeps an instance from those of others.
 */
export function loopbackEntry(
  uid: number,
  ownPorts: readonly number[],
  allowed: readonly AllowedAddress[],
): Entry {
  const chain = `user_${uid}`;
  return {
    chain,
    rules: [
      'tcp flags & (syn | ack) != syn accept',
      ...(ownPorts.length === 0 ? [] : [`tcp dport { ${ownPorts.join(', ')} } accept`]),
      ...accept(allowed),
      'goto refuse',
    ],
    elements: [['users', String(uid), `goto ${chain}`]],
  };
}

/** In EGRESS: all that comes from the instance behind `device`. Passed both for what is for this machine and for what goes through it. */
export function egressEntry(device: string, address: string, allowed: readonly AllowedAddress[]): Entry {
  const chain = `device_${device.replaceAll('-', '_')}`;
  return {
    chain,
    rules: [
      `ip saddr != ${address} drop`,
      'meta nfproto != ipv4 drop',
      'ct state established,related accept',
      ...accept(allowed),
      `ip daddr { ${PRIVATE.join(', ')} } goto refuse`,
      // The machine's other addresses, and the broadcast addresses of its networks.
      'fib daddr type { local, broadcast, multicast, anycast } goto refuse',
      'accept',
    ],
    elements: [
      ['ends', `"${device}"`, `goto ${chain}`],
      ['addresses', address],
    ],
  };
}

/**
 * The same for who is not root: a whole script, for the instance's own network, in which it can change nothing. What it sends leaves as the server's,
 * so that all addresses of this machine (`own`, of version 4) lead to it. No tracking of connections: none come in.
 */
export function innerEgressRules(own: readonly string[], allowed: readonly AllowedAddress[]): string[] {
  const refused = [...new Set(own)].filter((address) => !address.startsWith('127.'));
  const chain = 'inet tenement output';
  return [
    'create table inet tenement',
    `add chain ${chain} { type filter hook output priority filter; policy drop; }`,
    `add rule ${chain} oifname "lo" accept`,
    `add rule ${chain} meta nfproto != ipv4 drop`,
    ...accept(allowed.filter(({ host }) => !isIPv6(host))).map((rule) => `add rule ${chain} ${rule}`),
    ...[`ip daddr { ${PRIVATE.join(', ')} }`, ...refused.map((address) => `ip daddr ${address}`)].flatMap(
      (match) => [
        `add rule ${chain} ${match} meta l4proto tcp reject with tcp reset`,
        `add rule ${chain} ${match} reject with icmpx admin-prohibited`,
      ],
    ),
    `add rule ${chain} accept`,
  ];
}

/** Over TCP and UDP. */
function accept(allowed: readonly AllowedAddress[]): string[] {
  const rule = (family: 'ip' | 'ip6', some: readonly AllowedAddress[]): string[] => {
    const pairs = [...new Set(some.map(({ host, port }) => `${host} . ${port}`))];
    if (pairs.length === 0) return [];
    return [`meta l4proto { tcp, udp } ${family} daddr . th dport { ${pairs.join(', ')} } accept`];
  };
  return [
    ...rule(
      'ip',
      allowed.filter(({ host }) => !isIPv6(host)),
    ),
    ...rule(
      'ip6',
      allowed.filter(({ host }) => isIPv6(host)),
    ),
  ];
}
