// TENEMENT_BUILD lets a second build folder be tested beside `dist`.
const build = process.env.TENEMENT_BUILD ?? 'dist';

export default {
  files: [`${build}/test/unit/**/*.test.js`, `${build}/test/integration/**/*.test.js`],
  // Instances are children of the test process; with worker threads process.chdir throws
  // and a child with a death signal ends with the worker.
  workerThreads: false,
  concurrency: 2,
  timeout: '3m',
};
