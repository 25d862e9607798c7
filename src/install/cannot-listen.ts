/** Why systemd could not listen for the server: mostly another program has the address. */
import { execa } from 'execa';
import { TenementError } from '../base/errors.js';

interface Taken {
  readonly address: string;
  /** As people know it: `python3 (pid 812)`; undefined when that is not known. */
  readonly by: string | undefined;
}

/** `listens`: as ListenStream= has them; `said`: by systemctl, which only points to the journal. */
export async function cannotListen(listens: readonly string[], said: string): Promise<TenementError> {
  const { stdout = '' } = await execa('ss', ['-Hltnp'], { reject: false });
  const taken = takenOf(listens, stdout);
  const [first] = taken;
  if (first === undefined) {
    return new TenementError('install_failed', `systemd cannot listen on ${listens.join(', ')}: ${said}`, {
      hint: '`journalctl -u tenement.socket -n 20` says why. Then the same command goes on from here.',
    });
  }
  const told = taken.map(({ address, by }) => `${address} is taken${by === undefined ? '' : ` by ${by}`}`);
  return new TenementError('install_failed', `systemd cannot listen: ${told.join(', and ')}`, {
    hint: 'End that program (`ss -ltnp` shows all that listen, `systemctl list-sockets` for whom systemd does), and `sudo ten install` goes on from here; or choose another port with --port.',
  });
}

/** Pure. `table`: of `ss -Hltnp`. Ours has none of them: it was stopped. */
export function takenOf(listens: readonly string[], table: string): Taken[] {
  const held = table.split('\n').flatMap((line) => {
    const [, , , local = '', , users = ''] = line.trim().split(/\s+/);
    const [, name, pid] = /\(\("([^"]*)",pid=(\d+)/.exec(users) ?? [];
    const by = name === undefined ? undefined : `${name} (pid ${pid})`;
    return local === '' ? [] : [{ ...partsOf(local), by }];
  });
  return listens.flatMap((address) => {
    const { host, port } = partsOf(address);
    const holder = held.find((one) => one.port === port && meet(one.host, host));
    return holder === undefined ? [] : [{ address, by: holder.by }];
  });
}

function partsOf(address: string): { host: string; port: string } {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
  // `ss` writes the interface after some.
  return { host: host.replace(/%[^\]]*/, ''), port };
}

/** Whether who has one keeps another from the other. One of all IPv6 addresses may be of IPv4, too. */
function meet(one: string, other: string): boolean {
  const isV6 = (host: string) => host.startsWith('[');
  const isAll = (host: string) => ['*', '0.0.0.0', '[::]'].includes(host);
  if (one === other || one === '*' || other === '*') return true;
  return isV6(one) === isV6(other) && (isAll(one) || isAll(other));
}
