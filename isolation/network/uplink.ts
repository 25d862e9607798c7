/** Outgoing connections of an instance by a program of the same user, pasta(1) or slirp4netns(1), where the server is not root. */
import { accessSync, constants } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { TenementError } from '../../src/base/errors.js';
import type { AllowedAddress, Host } from '../contract.js';
import { innerEgressRules } from './rules.js';

export interface Uplink {
  /** Connects the network of which it is told by a file of that path. */
  readonly command: (file: string) => readonly string[];
  /** Whether it goes to the background by itself; else it writes `1` to a descriptor, for whose number there is READY in its command. */
  readonly backgrounds: boolean;
  /** Has the rules for the instance's own network on its stdin. */
  readonly nft: readonly string[];
  readonly rules: string;
}

/**
 * Of no network that there is (RFC 7335): with the machine's own, which pasta would give, what the machine listens on there could not be reached
 * even where it is allowed.
 */
const ADDRESS = '192.0.0.2';
const GATEWAY = '192.0.0.1';
const MASK = '29';

/**
 * Nothing is passed in, and nothing to the loopback of the machine, which is what the gateway's address stands for by default.
 * That it does not end with its network is for versions that look for the file's end: it ends with the instance's pid 1.
 */
function pastaCommand(pasta: string, file: string): string[] {
  const none = ['-t', '-u', '-T', '-U'].flatMap((option) => [option, 'none']);
  return [
    ...[pasta, '--netns-only', '--netns', file, '--no-netns-quit', '--config-net', '--quiet'],
    ...['--ipv4-only', '--address', ADDRESS, '--netmask', MASK, '--gateway', GATEWAY, '--ns-ifname', 'eth0'],
    ...[...none, '--no-map-gw', '--no-dhcp'],
  ];
}

export const READY = '{ready}';

/** As pastaCommand. It gives addresses of no network that there is, either; the shortest prefix that it takes is 25. */
function slirpCommand(slirp: string, file: string): string[] {
  return [
    ...[slirp, '--configure', '--mtu=65520', '--cidr=192.0.0.0/25', `--ready-fd=${READY}`],
    ...['--disable-host-loopback', '--disable-dns', '--enable-sandbox', '--enable-seccomp'],
    ...['--netns-type=path', file, 'eth0'],
  ];
}

/** The program that an uplink needs and this machine does not have. pasta is the faster of the two. */
export function missingForUplink({
  tools: { pasta, slirp4netns, nft, perl },
}: Pick<Host, 'tools'>): string | undefined {
  if (pasta === undefined && slirp4netns === undefined) return 'pasta (or slirp4netns)';
  return Object.entries({ nft, perl }).find(([, path]) => path === undefined)?.[0];
}

/**
 * `tun`: the device by which pasta is the network's other end.
 * @throws TenementError `isolation_unavailable`
 */
export function uplinkOf(
  host: Pick<Host, 'tools'>,
  allowed: readonly AllowedAddress[],
  tun = '/dev/net/tun',
): Uplink {
  const missing = missingForUplink(host);
  if (missing !== undefined) {
    throw new TenementError(
      'isolation_unavailable',
      `network = "egress" does not work here without root: ${missing} was not found`,
      {
        hint: 'Install passt (or slirp4netns), nftables and perl-base, run the server as root, or set `network = "none"` for the service.',
      },
    );
  }
  try {
    accessSync(tun, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new TenementError(
      'isolation_unavailable',
      `network = "egress" does not work here without root: ${tun} cannot be opened`,
      {
        cause: error,
        hint: `Let the user of the server read and write ${tun} (in a container: --device ${tun}), run the server as root, or set \`network = "none"\` for the service.`,
      },
    );
  }
  const { pasta, slirp4netns = 'slirp4netns', nft = 'nft' } = host.tools;
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .flatMap(({ family, address }) => (family === 'IPv4' ? [address] : []));
  return {
    command: (file) => (pasta === undefined ? slirpCommand(slirp4netns, file) : pastaCommand(pasta, file)),
    backgrounds: pasta !== undefined,
    nft: [nft, '-f', '-'],
    rules: `${innerEgressRules(own, allowed).join('\n')}\n`,
  };
}
