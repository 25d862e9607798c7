/**
 * Pure: tables of nft(8) that all servers on a machine share. What is common to all instances is made with the table, in one transaction; each
 * instance has a chain of its own. Nothing in it belongs to a server: rules stay while instances outlive one, and the next takes them over.
 */

export interface Table {
  /** With the number of its layout: a server of another version has another table. */
  readonly name: string;
  /** What is made with it; {T} stands for it. */
  readonly content: readonly string[];
  /** Its chains at hooks of the kernel. */
  readonly hooks: readonly string[];
}

const REFUSE = [
  'add chain {T} refuse',
  'add rule {T} refuse meta l4proto tcp reject with tcp reset',
  'add rule {T} refuse reject with icmpx admin-prohibited',
];

/** What processes of certain users send over loopback. */
export const LOOPBACK: Table = {
  name: 'tenement_loopback_1',
  content: [
    'add map {T} users { type uid : verdict; }',
    ...REFUSE,
    'add chain {T} output { type filter hook output priority filter; policy accept; }',
    // Also what is sent to one of the machine's other addresses goes through lo.
    'add rule {T} output oifname "lo" meta skuid vmap @users',
  ],
  hooks: ['output'],
};

/** Of the machine's end of every instance's pair of devices. */
export const DEVICE_PREFIX = 'tnmt-';
const ANY_DEVICE = `"${DEVICE_PREFIX}*"`;

/** What comes from and goes to instances with networks of their own. A table of its own, as it makes the kernel track connections. */
export const EGRESS: Table = {
  name: 'tenement_egress_1',
  content: [
    'add map {T} ends { type ifname : verdict; }',
    'add set {T} addresses { type ipv4_addr; }',
    // Devices on which forwarding was off before there was anything to forward: they forward nothing else.
    'add set {T} opened { type ifname; }',
    ...REFUSE,
    'add chain {T} input { type filter hook input priority filter; policy accept; }',
    'add rule {T} input iifname vmap @ends',
    `add rule {T} input iifname ${ANY_DEVICE} drop`,
    'add chain {T} forward { type filter hook forward priority filter; policy accept; }',
    'add rule {T} forward iifname vmap @ends',
    `add rule {T} forward iifname ${ANY_DEVICE} drop`,
    `add rule {T} forward oifname ${ANY_DEVICE} ct state established,related accept`,
    `add rule {T} forward oifname ${ANY_DEVICE} drop`,
    'add rule {T} forward iifname @opened drop',
    'add chain {T} postrouting { type nat hook postrouting priority srcnat; policy accept; }',
    `add rule {T} postrouting ip saddr @addresses oifname != ${ANY_DEVICE} masquerade`,
  ],
  hooks: ['input', 'forward', 'postrouting'],
};

/** What is in the table for one instance or user. */
export interface Entry {
  readonly chain: string;
  readonly rules: readonly string[];
  /** Where it is entered in sets of the table: [set, element, element's value]. */
  readonly elements: readonly (readonly [set: string, key: string, verdict?: string])[];
}

const inTable = (table: Table, lines: readonly string[]): string[] =>
  lines.map((line) => line.replace('{T}', `inet ${table.name}`));

/** Fails as a whole when the table exists. */
export function createTable(table: Table): string[] {
  return inTable(table, ['create table {T}', ...table.content]);
}

/** Whatever the entry was before. */
export function putEntry(table: Table, { chain, rules, elements }: Entry): string[] {
  return inTable(table, [
    `add chain {T} ${chain}`,
    `flush chain {T} ${chain}`,
    ...rules.map((rule) => `add rule {T} ${chain} ${rule}`),
    ...elements.map(element('add')),
  ]);
}

/** Also when it is not there, which would make a transaction with others fail. */
export function dropEntry(table: Table, { chain, elements }: Entry): string[] {
  return inTable(table, [
    `add chain {T} ${chain}`,
    ...elements.map(element('add')),
    ...elements.map(element('delete')),
    `flush chain {T} ${chain}`,
    `delete chain {T} ${chain}`,
  ]);
}

function element(verb: 'add' | 'delete') {
  return ([set, key, verdict]: Entry['elements'][number]): string =>
    `${verb} element {T} ${set} { ${key}${verdict === undefined ? '' : ` : ${verdict}`} }`;
}

/** Fails as a whole when any instance has a chain: that leads to `refuse`, and the kernel deletes no chain that a rule leads to. */
export function deleteUnusedTable(table: Table): string[] {
  return inTable(table, [
    ...table.hooks.flatMap((chain) => [`flush chain {T} ${chain}`, `delete chain {T} ${chain}`]),
    'delete chain {T} refuse',
    'delete table {T}',
  ]);
}
