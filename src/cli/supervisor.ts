/** `prometheus supervisor …`: the daemon that keeps jobs, and its unit for systemd. */
import path from 'node:path';
import { z } from 'zod';
import { formatInstant } from '../format/age.ts';
import { Exit, UserError } from '../platform/errors.ts';
import { lockHolder } from '../platform/locks.ts';
import { serve, supervisorLock } from '../supervisor/daemon.ts';
import { backfillOfJob } from '../supervisor/job-backfill.ts';
import { findJobId, readJob } from '../supervisor/job-store.ts';
import { openLocalSupervisor } from '../supervisor/local.ts';
import { socketPath } from '../supervisor/wire/socket-path.ts';
import { BOARD_POOLS, boardReader } from './board.ts';
import { defineCommand } from './command.ts';
import { dataFolders } from './data-folders.ts';
import { jobRuntime } from './job-runtime.ts';
import { printJson } from './json.ts';
import { readersOf } from './readers.ts';
import { buildTime, findSupervisor, logFile, openSupervisor, untilGone } from './supervisor-client.ts';

const json = z.boolean().default(false).describe('print JSON');

export const supervisorRun = defineCommand({
  name: 'supervisor run',
  summary: 'be the supervisor of this home, in the foreground',
  description: `
What systemd runs (see supervisor unit); by hand use supervisor start. Ends on TERM or Ctrl-C; jobs run on, and the next
supervisor takes them over with their logs and exit codes.`,
  args: z.object({}),
  run: async (_args, cli) => {
    const startedAt = Date.now();
    // A terminal that goes away is nothing to a daemon.
    process.on('SIGHUP', () => {});
    const targets = await cli.targets();
    const { version, build } = cli.provenance;
    await serve({
      home: cli.home,
      socket: socketPath(cli.home, cli.env),
      about: {
        version,
        build,
        builtAt: buildTime(),
        startedAt,
        databases: { historical: targets.historical.label, runtime: targets.runtime.label },
      },
      open: async () => {
        const databases = await cli.databases(BOARD_POOLS, { lazy: true });
        const jobs = jobRuntime(cli);
        const notes = await cli.databases({ application: 'notes', maxConnections: 1 }, { lazy: true });
        return openLocalSupervisor({
          home: cli.home,
          databases,
          jobs,
          now: Date.now,
          revive: () => cli.reviveDatabases(),
          targets,
          moreDisks: dataFolders(cli.home),
          gpu: { env: cli.env },
          readers: readersOf(cli, databases, jobs),
          records: {
            note: async (note) => (await import('./phase-records.ts')).addNote(notes.runtime, note),
            skip: async (skip) => (await import('./phase-records.ts')).addSkip(notes.runtime, skip),
          },
          pause: async ({ jobId, paused }) => {
            const backfill = backfillOfJob(readJob(cli.home, findJobId(cli.home, jobId)));
            await (await import('../queue/throttle-store.ts')).changeThrottle(notes.historical, backfill, { paused });
          },
          ...boardReader(cli, databases),
        });
      },
      signal: cli.signal,
      onListening: () =>
        cli.err(`${formatInstant(Date.now())} supervisor ${process.pid} of ${cli.home.root} listens\n`),
    });
    cli.err(`${formatInstant(Date.now())} supervisor ${process.pid} ended\n`);
    return Exit.done;
  },
});

export const supervisorStart = defineCommand({
  name: 'supervisor start',
  summary: 'start the supervisor of this home in the background',
  description: 'Consoles and job commands do this by themselves. Does nothing when one runs.',
  args: z.object({ json }),
  run: async (args, cli) => {
    const supervisor = await openSupervisor(cli, { kind: 'cli' });
    const { about } = supervisor;
    await supervisor.close();
    if (args.json) printJson(cli, { supervisor: about });
    else cli.out(`supervisor ${about.pid} of ${about.home}\n`);
    return Exit.done;
  },
});

export const supervisorStop = defineCommand({
  name: 'supervisor stop',
  summary: 'end the supervisor of this home; jobs run on',
  args: z.object({}),
  run: async (_args, cli) => {
    const pid = lockHolder(supervisorLock(cli.home));
    if (pid === null) {
      // Whatever else listens there is told as what it is.
      await (await findSupervisor(cli, { kind: 'cli' }))?.close();
      cli.err('no supervisor runs\n');
      return Exit.done;
    }
    try {
      const supervisor = await findSupervisor(cli, { kind: 'cli' });
      await supervisor?.shutdown();
      await supervisor?.close();
      if (!supervisor) process.kill(pid, 'SIGTERM');
    } catch {
      // One that speaks another version, or not at all, still heeds the signal. The lock says that the pid is its own.
      process.kill(pid, 'SIGTERM');
    }
    await untilGone(cli);
    cli.err(`supervisor ${pid} ended\n`);
    return Exit.done;
  },
});

export const supervisorStatus = defineCommand({
  name: 'supervisor status',
  summary: 'whether a supervisor of this home runs, and where it listens',
  description: 'Exits 1 when none runs.',
  args: z.object({ json }),
  run: async (args, cli) => {
    const supervisor = await findSupervisor(cli, { kind: 'cli' });
    const about = supervisor?.about ?? null;
    await supervisor?.close();
    const socket = socketPath(cli.home, cli.env);
    if (args.json) printJson(cli, { running: about !== null, socket, log: logFile(cli), supervisor: about });
    else if (!about) cli.out(`no supervisor runs for ${cli.home.root}\n`);
    else {
      cli.out(
        `supervisor  ${about.pid}, since ${formatInstant(about.startedAt)}\nbuild       ${about.build ?? 'from the sources'}\n` +
          `home        ${about.home}\nsocket      ${socket}\nlog         ${logFile(cli)}\n` +
          `databases   ${about.databases.historical}\n            ${about.databases.runtime}\nclients     ${about.clients - 1} beside this one\n`,
      );
    }
    return about ? Exit.done : Exit.failed;
  },
});

export const supervisorUnit = defineCommand({
  name: 'supervisor unit',
  summary: 'print a systemd user unit for the supervisor of this home',
  description: `
Where logind ends the processes of a session that is left (KillUserProcesses=yes), a unit keeps the supervisor and its jobs:
  prometheus supervisor unit > ~/.config/systemd/user/prometheus.service
  systemctl --user enable --now prometheus && loginctl enable-linger`,
  args: z.object({}),
  run: async (_args, cli) => {
    const checkout = cli.env.PROMETHEUS_CHECKOUT;
    if (!checkout)
      throw new UserError('the place of this installation is not known', 'Start it through bin/prometheus.');
    cli.out(`[Unit]
Description=Prometheus supervisor of ${cli.home.root}

[Service]
Environment=PROMETHEUS_HOME=${cli.home.root}
ExecStart=${path.join(checkout, 'bin', 'prometheus')} supervisor run
# Jobs are meant to outlive the supervisor: a restart of the unit must not end them.
KillMode=process
Restart=on-failure

[Install]
WantedBy=default.target
`);
    return Exit.done;
  },
});
