import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Launch } from '../../../isolation/argv.js';
import type { Spec } from '../../../isolation/contract.js';
import { execute } from '../../../isolation/execute.js';
import { readStat } from '../../../isolation/proc.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { until } from '../../helpers/until.js';

interface Scene {
  readonly spec: Spec;
  /** Its child holds the report open, outlives it, and runs the app when it is told to. */
  readonly launch: (inputs: NonNullable<Launch['inputs']>) => Launch;
  readonly ran: string;
  /** Of the child. */
  readonly pid: () => Promise<number>;
}

function scene(t: ExecutionContext): Scene {
  const directory = freshDir(t);
  const at = (name: string): string => join(directory, name);
  const inner = `echo $$ > ${at('pid~')}; mv ${at('pid~')} ${at('pid')}; read go <&7 && { : > ${at('ran')}; echo ok >&3; exec sleep 1000; }`;
  return {
    spec: {
      service: 'app',
      tenant: 'a',
      run: 'r',
      command: ['app'],
      env: {},
      directory,
      identity: undefined,
      address: { path: at('socket') },
      log: { stdout: at('out'), stderr: at('err') },
      group: 'g',
    },
    launch: (inputs) => ({
      file: '/bin/sh',
      args: ['-c', `/bin/sh -c '${inner}' & exec 3>&- 7<&-; wait`],
      env: { PATH: '/usr/bin:/bin' },
      reports: true,
      inputs,
    }),
    ran: at('ran'),
    pid: async () => {
      await until('the child waits', () => existsSync(at('pid')));
      return Number(readFileSync(at('pid'), 'utf8'));
    },
  };
}

async function nothingLeft(t: ExecutionContext, pid: number, ran: string): Promise<void> {
  await until('what it had forked has ended', () => {
    const state = readStat(pid)?.state;
    return state === undefined || state === 'Z';
  });
  t.false(existsSync(ran), 'the app never ran');
}

test('a start that is given up ends with all that it has forked, and never runs the app', async (t) => {
  const { spec, launch, ran, pid } = scene(t);
  let go: (text: Buffer) => void = () => undefined;
  const ready = new Promise<Buffer>((resolve) => {
    go = resolve;
  });
  const giveUp = new AbortController();
  const started = execute(spec, launch([ready]), giveUp.signal);
  const child = await pid();
  giveUp.abort(new Error('given up'));
  await t.throwsAsync(started, { message: 'given up' });
  go(Buffer.from('go\n'));
  await nothingLeft(t, child, ran);
});

test('so does one of which an input is refused', async (t) => {
  const { spec, launch, ran, pid } = scene(t);
  let refuse: (error: Error) => void = () => undefined;
  const ready = new Promise<Buffer>((_, reject) => {
    refuse = reject;
  });
  const started = execute(spec, launch([ready]), new AbortController().signal);
  const child = await pid();
  refuse(new Error('no rules'));
  await t.throwsAsync(started, { message: 'no rules' });
  await nothingLeft(t, child, ran);
});
