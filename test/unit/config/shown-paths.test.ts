import test from 'ava';
import { parse } from 'smol-toml';
import { checkShownPaths } from '../../../src/config/check-shown-paths.js';
import { fileSchema } from '../../../src/config/schema.js';

function problems(lines: string): string[] {
  const toml = `
[settings]
data_dir = "/srv/app/data"
[service.notes]
command = "x"
workdir = "/srv/app"
env_file = "/srv/app/notes.env"
${lines}
[service.notes.env]
DB = "{data_dir}/books/{id}/db"
`;
  const config = { ...fileSchema.parse(parse(toml)), path: '/srv/app/tenement.toml' };
  return checkShownPaths(config).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('what would show an instance all data, the state, the configuration or secrets is refused', (t) => {
  for (const [path, message] of [
    ['/srv/app/data', /is `data_dir`/],
    ['/srv/app/data/notes', /all instances of "notes"/],
    ['/srv/app/data/books', /all instances of "notes"/],
    ['/srv/app/data/.tenement', /tenement's own/],
    ['/srv/app/data/.tenement/trash', /tenement's own/],
    ['/srv/app/data/.run', /tenement's own/],
    ['/srv/app/data/api_token', /tenement's own/],
    ['/srv/app/tenement.toml', /the configuration/],
    ['/srv/app/notes.env', /env_file/],
  ] as const) {
    for (const key of ['read_only_paths', 'read_write_paths']) {
      const [problem = 'none', ...more] = problems(`${key} = ["/opt", "${path}"]`);
      t.regex(problem, message);
      t.true(problem.startsWith(`service.notes.${key}.1: `));
      t.deepEqual(more, []);
    }
  }
});

test('so is a working directory of that kind', (t) => {
  const toml = '[settings]\ndata_dir = "/srv"\n[service.notes]\ncommand = "x"\nworkdir = "/srv"\n';
  const config = { ...fileSchema.parse(parse(toml)), path: '/etc/tenement.toml' };
  t.regex(checkShownPaths(config)[0]?.message ?? '', /is `data_dir`/);
});

test('what is around the data, beside the instances, or one of them, may be shown; without isolation all may', (t) => {
  for (const path of [
    '/srv',
    '/srv/app',
    '/srv/app/data/common',
    '/srv/app/data/notes/alice',
    '/srv/app/database',
  ])
    t.deepEqual(problems(`read_only_paths = ["${path}"]`), [], path);
  t.deepEqual(problems('isolation = "process"\nread_write_paths = ["/srv/app/data"]'), []);
});
