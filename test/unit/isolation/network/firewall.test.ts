import test from 'ava';
import { Firewall } from '../../../../isolation/network/firewall.js';
import { keysIn } from '../../../../isolation/network/reaper.js';
import { nameservers } from '../../../../isolation/network/resolver.js';
import { loopbackEntry } from '../../../../isolation/network/rules.js';
import { LOOPBACK } from '../../../../isolation/network/script.js';
import { GuardedUsers } from '../../../../isolation/network/users.js';
import { TenementError } from '../../../../src/base/errors.js';

/** nft(8) as far as tables go: `create table` fails when it is there, everything else when it is not. */
class FakeNft {
  readonly scripts: string[] = [];
  isThere = false;
  broken = false;

  run = async (lines: readonly string[]): Promise<string | undefined> => {
    this.scripts.push(lines.join('\n'));
    if (this.broken) return 'Error: Operation not permitted';
    if (lines[0]?.startsWith('list table')) return this.isThere ? undefined : 'Error: No such file';
    const creates = lines[0]?.startsWith('create table') ?? false;
    if (creates === this.isThere) return 'Error: File exists or does not';
    this.isThere = !lines.some((line) => line.startsWith('delete table'));
    return undefined;
  };
}

const user = (uid: number) => loopbackEntry(uid, [30_000], []);

test('what is asked for at a time goes together, and what comes meanwhile in the next', async (t) => {
  const nft = new FakeNft();
  const firewall = new Firewall(LOOPBACK, nft.run);
  await Promise.all([1, 2, 3].map((uid) => firewall.put(user(uid))));
  t.is(nft.scripts.length, 1);
  t.regex(nft.scripts[0] ?? '', /create table[\s\S]*user_1 [\s\S]*user_2 [\s\S]*user_3 /);
  await Promise.all([firewall.put(user(4)), Promise.resolve().then(() => firewall.put(user(5)))]);
  t.true(nft.scripts.length <= 3);
  t.deepEqual(
    [...firewall.held.keys()],
    [1, 2, 3, 4, 5].map((uid) => `user_${uid}`),
  );
});

test('a table that is there already is used, and one that somebody flushed is made again', async (t) => {
  const nft = new FakeNft();
  nft.isThere = true;
  const firewall = new Firewall(LOOPBACK, nft.run);
  await firewall.put(user(1));
  t.is(nft.scripts.length, 2);
  await firewall.put(user(2));
  t.is(nft.scripts.length, 3, 'then it is known');
  nft.isThere = false;
  await firewall.put(user(3));
  t.true(nft.isThere);
});

test('the table goes with the last entry, and whoever made something of it is told', async (t) => {
  const nft = new FakeNft();
  let gone = 0;
  const firewall = new Firewall(LOOPBACK, nft.run, async () => {
    gone += 1;
  });
  await Promise.all([firewall.put(user(1)), firewall.put(user(2))]);
  await firewall.drop(user(1));
  t.true(nft.isThere);
  await firewall.drop(user(2));
  t.false(nft.isThere);
  t.is(gone, 1);
});

test('a refusal says what nft said, and what to do', async (t) => {
  const nft = new FakeNft();
  nft.broken = true;
  const firewall = new Firewall(LOOPBACK, nft.run);
  const error = await t.throwsAsync(firewall.put(user(1)), { instanceOf: TenementError });
  t.is(error.code, 'isolation_unavailable');
  t.regex(error.message, /Operation not permitted/);
  t.regex(error.hint ?? '', /nftables/);
  t.is(firewall.held.size, 0);
});

test('addresses of both kinds, each in a rule of its own; nothing allowed is no rule', (t) => {
  const { rules } = loopbackEntry(
    7,
    [1, 2],
    [
      { host: '127.0.0.1', port: 5432 },
      { host: '::1', port: 53 },
    ],
  );
  t.deepEqual(rules.slice(1), [
    'tcp dport { 1, 2 } accept',
    'meta l4proto { tcp, udp } ip daddr . th dport { 127.0.0.1 . 5432 } accept',
    'meta l4proto { tcp, udp } ip6 daddr . th dport { ::1 . 53 } accept',
    'goto refuse',
  ]);
  t.is(loopbackEntry(7, [], []).rules.length, 2);
});

test('keys of a map as nft lists it', (t) => {
  const listing = {
    nftables: [{ metainfo: {} }, { map: { name: 'users', elem: [[5, { goto: { target: 'user_5' } }]] } }],
  };
  t.deepEqual(keysIn(JSON.stringify(listing)), ['5']);
  t.deepEqual(keysIn(JSON.stringify({ nftables: [{ map: { name: 'users' } }] })), []);
  t.deepEqual(keysIn(''), []);
});

test('name servers are addresses; scopes, comments and names are none', (t) => {
  const text =
    '# nameserver 1.1.1.1\nnameserver 127.0.0.53\nnameserver fe80::1%eth0\nnameserver dns.example\n';
  t.deepEqual(nameservers(text), ['127.0.0.53', 'fe80::1']);
});

test('what somebody has deleted is made again as it was, and only then', async (t) => {
  const nft = new FakeNft();
  const firewall = new Firewall(LOOPBACK, nft.run);
  t.false(await firewall.renew());
  t.is(nft.scripts.length, 0, 'nobody is asked while nothing is needed');
  await firewall.put(user(1));
  await firewall.put(user(2), ['add element inet {T} opened { "up0" }']);
  await firewall.drop(user(1));
  t.false(await firewall.renew());
  nft.isThere = false;
  t.true(await firewall.renew());
  const last = nft.scripts.at(-1) ?? '';
  t.regex(last, /create table[\s\S]*user_2[\s\S]*opened/);
  t.false(last.includes('user_1 '));
  t.true(nft.isThere);
  t.false(await firewall.renew());
});

test('rules that cannot be made again are told of', async (t) => {
  const nft = new FakeNft();
  const firewall = new Firewall(LOOPBACK, nft.run);
  await firewall.put(user(1));
  nft.isThere = false;
  nft.broken = true;
  await t.throwsAsync(firewall.renew(), { instanceOf: TenementError });
});

/** A table of several servers: it cannot be deleted while it has chains of users. */
class SharedNft {
  readonly users = new Set<string>();
  isThere = false;

  run = async (lines: readonly string[]): Promise<string | undefined> => {
    await new Promise(setImmediate);
    const creates = lines[0]?.startsWith('create table') ?? false;
    if (creates === this.isThere) return 'Error: File exists or does not';
    const after = new Set(this.users);
    for (const line of lines) {
      const [verb, what, , , chain = ''] = line.split(' ');
      if (what !== 'chain' || !chain.startsWith('user_')) continue;
      if (verb === 'add') after.add(chain);
      else if (verb === 'delete') after.delete(chain);
    }
    const deletes = lines.some((line) => line.startsWith('delete table'));
    if (deletes && after.size > 0) return 'Error: Device or resource busy';
    this.users.clear();
    for (const chain of after) this.users.add(chain);
    this.isThere = !deletes;
    return undefined;
  };
}

test('of two servers that end at the same time the second takes the table away', async (t) => {
  const nft = new SharedNft();
  const [one, other] = [new Firewall(LOOPBACK, nft.run), new Firewall(LOOPBACK, nft.run)];
  await one.put(user(1));
  await other.put(user(2));
  await Promise.all([one.drop(user(1)), other.drop(user(2))]);
  t.is(nft.users.size, 0);
  t.false(nft.isThere);
});

test('rules of a user stay as long as instances run as that user, whoever else does', async (t) => {
  const nft = new SharedNft();
  const users = new GuardedUsers(new Firewall(LOOPBACK, nft.run));
  // This process runs as that user and lives on.
  const uid = process.getuid?.() ?? 0;
  const runs = ['a', 'b'].map((run) => ({ run, uid, port: 30_000, allowed: [] }));
  for (const run of runs) await users.guard(run);
  for (const run of runs) {
    t.deepEqual([...nft.users], [`user_${uid}`]);
    await users.release(run);
  }
  t.is(nft.users.size, 0);
  t.false(nft.isThere);
});
