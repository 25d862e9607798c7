import { Command } from 'commander';
import { version } from '../base/package-root.js';
import { addCaddy } from './commands/caddy.js';
import { addCheck } from './commands/check.js';
import { addConfig } from './commands/config.js';
import { addDeploy } from './commands/deploy.js';
import { addDisable } from './commands/disable.js';
import { addDoctor } from './commands/doctor.js';
import { addEnable } from './commands/enable.js';
import { addEnv } from './commands/env.js';
import { addExec } from './commands/exec.js';
import { addHealth } from './commands/health.js';
import { addInit } from './commands/init.js';
import { addInstall } from './commands/install.js';
import { addLater } from './commands/later.js';
import { addLogs } from './commands/logs.js';
import { addPs } from './commands/ps.js';
import { addReload } from './commands/reload.js';
import { addRestart } from './commands/restart.js';
import { addRm } from './commands/rm.js';
import { addRollback } from './commands/rollback.js';
import { addRoute } from './commands/route.js';
import { addServe } from './commands/serve.js';
import { addSpawn } from './commands/spawn.js';
import { addStop } from './commands/stop.js';
import { addToken } from './commands/token.js';
import { addUninstall } from './commands/uninstall.js';
import { addUpgrade } from './commands/upgrade.js';
import { addWeight } from './commands/weight.js';
import { addGlobals } from './globals.js';

/** The commands in the order and the groups of the help. */
const GROUPS: readonly [heading: string, commands: readonly ((program: Command) => void)[]][] = [
  ['Set up:', [addInit, addServe, addCheck, addConfig, addReload, addDoctor]],
  ['On a server:', [addInstall, addUpgrade, addRollback, addUninstall, addCaddy]],
  [
    'Instances:',
    [addSpawn, addStop, addRestart, addPs, addHealth, addLogs, addExec, addEnv, addDisable, addEnable, addRm],
  ],
  ['Versions of a service:', [addDeploy, addRoute, addWeight]],
  ['Access:', [addToken]],
  ['Not in this version:', [addLater]],
];

/**
 * The whole command line. Commands import what they need when they run, so that help and usage errors are instant and work
 * without native modules.
 */
export function buildProgram(): Command {
  const program = new Command('ten');
  program
    .description('tenement: one process per customer of an ordinary web app')
    .usage('[options] <command>')
    .version(version, '-V, --version', "print tenement's version")
    // Else `ten deploy notes --version v2` would print tenement's own version. The global flags work after the command all the
    // same: each command declares them too.
    .enablePositionalOptions()
    .exitOverride()
    // Errors are printed once, by main, in our own form.
    .configureOutput({ outputError: () => undefined });
  for (const [heading, commands] of GROUPS) {
    program.commandsGroup(heading);
    for (const add of commands) add(program);
  }
  program.commandsGroup('Set up:').helpCommand('help [command]', 'the same as --help');
  return addGlobals(program);
}
