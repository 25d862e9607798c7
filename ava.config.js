// TENEMENT_BUILD lets a second build folder be tested beside `dist`.
const build = process.env.TENEMENT_BUILD ?? 'dist';
// TENEMENT_TESTS is one folder of tests that need another machine: their runners set it, inside it (test/systemd, test/vm).
const folders = process.env.TENEMENT_TESTS?.split(',') ?? ['test/unit', 'test/integration'];

export default {
  files: folders.map((folder) => `${build}/${folder}/**/*.test.js`),
  // Instances are children of the test process; with worker threads process.chdir throws
  // and a child with a death signal ends with the worker.
  workerThreads: false,
  // In test/systemd, units and the installed service belong to the machine, of which there is one.
  concurrency: folders.includes('test/systemd') ? 1 : 2,
  timeout: process.env.TENEMENT_MACHINE === undefined ? '6m' : '20m',
};
