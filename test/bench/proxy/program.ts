/** The benchmark's own programs. They run as `main.js NAME ARGUMENTS`, each in a process of its own. */

/** Runs the program that `argv` names to its end; false when it names none. */
export async function runProgram([name, ...args]: readonly string[]): Promise<boolean> {
  const [a = '', b = '', c = '', d = '', e = ''] = args;
  switch (name) {
    case 'sink':
      (await import('./programs/sink.js')).sink();
      break;
    case 'flood':
      (await import('./programs/flood.js')).flood(Number(a));
      break;
    case 'slow-readers':
      await (await import('./programs/slow-readers.js')).slowReaders(Number(a), b, c, Number(d));
      break;
    case 'idle-connections':
      await (await import('./programs/idle-connections.js')).idleConnections(Number(a), b, c, Number(d));
      break;
    case 'open-loop':
      await (await import('./programs/open-loop.js')).openLoop(Number(a), b, c, Number(d), Number(e));
      break;
    case 'control-load':
      await (await import('./programs/control-load.js')).controlLoad(a, Number(b));
      break;
    case 'plane-host':
      await (await import('./programs/plane-host.js')).planeHost(
        a === 'process' ? 'process' : 'thread',
        ...([Number(b), Number(c)] as const),
      );
      break;
    case 'plane':
      await (await import('./programs/plane-host.js')).plane(Number(a));
      break;
    case 'thread-or-process':
      await (await import('./thread-or-process.js')).threadOrProcess(Number(a || 5), Number(b || 5));
      break;
    default:
      return false;
  }
  return true;
}
