import test from 'ava';
import { routingTable } from '../../src/routing-table.js';
import { configOf } from '../helpers/config-file.js';

test('what the config says is what the router reads', (t) => {
  const config = configOf(
    t,
    `[settings]
admin_host = "ops.example.com"
[service.site]
command = "app"
[service.notes]
command = "app"
balance = true
[routing]
default = "site"
tenants = "notes"
[routing.subdomain]
admin = "site"
[routing.path]
"/shop" = "site"
`,
  );
  t.deepEqual(routingTable(config, 'example.com'), {
    domain: 'example.com',
    services: new Map([
      ['site', { balance: false }],
      ['notes', { balance: true }],
    ]),
    default: 'site',
    tenants: 'notes',
    subdomain: new Map([['admin', 'site']]),
    path: [['/shop', 'site']],
    adminHost: 'ops.example.com',
  });
});
