/** Pure: shell code that joins an instance's own network to the machine's by a pair of devices. */
import type { Place } from './addresses.js';

/** The network of the server stays in reach as fd 6 until the instance's own is set up. */
export const KEEP_NETWORK = 'exec 6</proc/self/ns/net || exit 1; ';

/** The instance's end. */
const INSIDE = 'eth0';
const OUTER_NETWORK = '/proc/self/fd/6';

/**
 * To be run as root in the instance's network. Each side is one call of ip(8), whose file is read from what the shell has at hand, not from a program.
 * No addresses of version 6: link-local ones would reach the machine's.
 */
export function linkScript(place: Place, tools: { readonly ip: string; readonly nsenter: string }): string {
  const { address, gateway, device } = place;
  const inside = [
    'link set lo up',
    `link add name ${INSIDE} type veth peer name ${device} netns ${OUTER_NETWORK}`,
    `link set dev ${INSIDE} addrgenmode none`,
    `addr add ${address}/32 dev ${INSIDE}`,
    `link set dev ${INSIDE} up`,
    `route add ${gateway}/32 dev ${INSIDE}`,
    `route add default via ${gateway} dev ${INSIDE}`,
  ];
  const outside = [
    `link set dev ${device} addrgenmode none`,
    `addr add ${gateway}/32 dev ${device}`,
    `link set dev ${device} up`,
    `route add ${address}/32 dev ${device}`,
  ];
  const forward = `echo 1 > /proc/sys/net/ipv4/conf/${device}/forwarding || exit 1; exec ${tools.ip} -batch -`;
  return [
    ...[`${tools.ip} -batch - <<'E' || exit 1`, ...inside, 'E'],
    ...[
      `${tools.nsenter} --net=${OUTER_NETWORK} -- /bin/sh -c '${forward}' <<'E' || exit 1`,
      ...outside,
      'E',
    ],
    'exec 6>&-',
    '',
  ].join('\n');
}

/** A command before the one that goes on in a network of its own, with `link` done. */
export function ownNetwork(unshare: string, link: string): string[] {
  return [unshare, '--net', '--', '/bin/sh', '-c', `${link}exec "$@"`, 'tenement'];
}
