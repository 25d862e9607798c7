import { type FSWatcher, watch } from 'node:fs';

/** Tells of each change of the files. Where the system cannot (inotify's limits, network file systems) `complete` is false: poll then. */
export class FileWatch {
  readonly #watchers: FSWatcher[] = [];
  #complete = true;

  constructor(paths: readonly string[], onChange: () => void) {
    for (const path of paths) this.#add(path, onChange);
  }

  get complete(): boolean {
    return this.#complete;
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers.length = 0;
  }

  #add(path: string, onChange: () => void): void {
    try {
      const watcher = watch(path, { persistent: false }, onChange);
      watcher.on('error', () => {
        this.#complete = false;
        watcher.close();
      });
      this.#watchers.push(watcher);
    } catch {
      this.#complete = false;
    }
  }
}
