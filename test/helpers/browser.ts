import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { freshDir } from './fresh-dir.js';
import { until } from './until.js';

/** A page in a real, headless Chromium, driven over its DevTools protocol. */
export interface Page {
  goto(url: string): Promise<void>;
  /** The value of a JavaScript expression in the page; promises are awaited. */
  evaluate<T>(expression: string): Promise<T>;
  /** Polls until the expression is true. */
  until(expression: string): Promise<void>;
  /** Messages of the console and violations of the content security policy so far. */
  readonly complaints: readonly string[];
  /** Makes the page as wide as on another screen, such as a telephone's. In CSS pixels. */
  resize(width: number, height: number): Promise<void>;
  /** A PNG of the page. */
  screenshot(): Promise<Buffer>;
}

/** Starts `chromium` (ask `haveTools` first); it ends with the test. */
export async function openPage(t: ExecutionContext): Promise<Page> {
  const child = spawn(
    'chromium',
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--no-proxy-server',
      '--remote-debugging-port=0',
      '--window-size=1280,1000',
      `--user-data-dir=${freshDir(t)}`,
      'about:blank',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  );
  t.teardown(() => end(child));
  const { host } = new URL(await debuggerAddress(child));
  let page: Target | undefined;
  // It tells its address before its window is there.
  await until('the browser has a page', async () => {
    const targets = (await (await fetch(`http://${host}/json/list`)).json()) as Target[];
    page = targets.find(({ type }) => type === 'page');
    return page !== undefined;
  });
  const socket = new WebSocket(page?.webSocketDebuggerUrl ?? '');
  await once(socket, 'open');
  t.teardown(() => socket.terminate());
  return drive(socket);
}

interface Target {
  readonly type: string;
  readonly webSocketDebuggerUrl: string;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** An answer of the browser that is an error. */
class ProtocolError extends Error {}

/** The page that was asked may be replaced by the next one before it answers: that says nothing of either. */
function whileNavigating(error: unknown): false {
  if (error instanceof ProtocolError) return false;
  throw error;
}

async function drive(socket: WebSocket): Promise<Page> {
  const waiting = new Map<number, (message: Message) => void>();
  const complaints: string[] = [];
  let last = 0;
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    else if (
      /^(Log\.entryAdded|Runtime\.exceptionThrown|Page\.javascriptDialog)/.test(message.method ?? '')
    ) {
      complaints.push(JSON.stringify(message.params));
    }
  });
  async function send(
    method: string,
    params: Record<string, unknown> = {},
  ): Promise<Record<string, unknown>> {
    last += 1;
    const id = last;
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answer;
    waiting.delete(id);
    if (error !== undefined) throw new ProtocolError(`${method}: ${error.message}`);
    return result ?? {};
  }
  async function evaluate<T>(expression: string): Promise<T> {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await send('Runtime.evaluate', options);
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value: T }).value;
  }
  for (const domain of ['Page', 'Runtime', 'Log']) await send(`${domain}.enable`);
  async function untilTrue(expression: string): Promise<void> {
    const deadline = performance.now() + 60_000;
    while (!(await evaluate<boolean>(`Boolean(${expression})`).catch(whileNavigating))) {
      if (performance.now() > deadline) {
        const text = await evaluate<string>('document.body.innerText');
        throw new Error(`not true within 60 s: ${expression}\nThe page shows: ${text.slice(0, 1000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
  return {
    complaints,
    evaluate,
    until: untilTrue,
    async goto(url) {
      await send('Page.navigate', { url });
      await untilTrue(`document.readyState === 'complete' && location.href === ${JSON.stringify(url)}`);
    },
    async resize(width, height) {
      await send('Emulation.setDeviceMetricsOverride', {
        width,
        height,
        deviceScaleFactor: 1,
        mobile: true,
      });
    },
    async screenshot() {
      const { data } = await send('Page.captureScreenshot', { format: 'png' });
      return Buffer.from(String(data), 'base64');
    },
  };
}

async function debuggerAddress(child: ChildProcess): Promise<string> {
  if (child.stderr === null) throw new Error('the browser has no stderr');
  const lines = createInterface({ input: child.stderr });
  for await (const line of lines) {
    const address = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (address === undefined) continue;
    child.stderr.resume();
    return address;
  }
  throw new Error('the browser ended before it listened');
}

/** The whole group: Chromium is many processes. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  process.kill(-child.pid, 'SIGKILL');
  await exited;
}
