/**
 * `hydra start --takeover`: looks after a gateway, or asks the process that does to replace it with one of this command
 * line.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { fstatSync } from 'node:fs'
import { type ConfigFlags, loadConfig } from './config/load.ts'
import { ConfigError } from './config/problems.ts'
import type { Config } from './config.ts'
import { type GivenSockets, LISTEN_VARIABLES, readGivenSockets } from './lifecycle/given-sockets.ts'
import { canHoldPorts, holdPort } from './lifecycle/held-port.ts'
import { SUPERVISED } from './lifecycle/parent-line.ts'
import { createSupervisor, type GatewayCommand, type WantedPort } from './lifecycle/supervisor.ts'
import { DOOR_FILE, type Door, DoorError, knock, openDoor, type Visit } from './lifecycle/takeover-door.ts'
import { systemClock } from './observe/clock.ts'
import { fold } from './terminal/fold.ts'
import { formatProblems } from './terminal/problems.ts'
import { formatStartFailure } from './terminal/start.ts'
import { createStyle, type Style } from './terminal/style.ts'

export interface TakeoverOptions {
  readonly file?: string | undefined
  readonly flags?: ConfigFlags
  readonly colour?: boolean
  readonly ascii?: boolean
}

/** Resolves with the exit status: of the takeover, or of the gateway that was looked after. */
export async function runTakeover({ file, flags, colour, ascii }: TakeoverOptions): Promise<number> {
  const { stderr, env } = process
  const style = createStyle({
    isTerminal: stderr.isTTY === true,
    columns: stderr.columns,
    env,
    colour,
    ascii,
  })
  const say = (text: string) => void stderr.write(style.plain(fold(text, style.columns)))
  const fail = (sentence: string, ...more: string[]): number => {
    say(`${[style.bad(`✕ ${sentence}`), ...more.map((line) => `  ${line}`)].join('\n')}\n`)
    return 1
  }
  if (process.platform !== 'linux' || !canHoldPorts)
    return fail('--takeover needs Linux, and a Node that can hold ports for others. Start without it.')

  const ours = { given: {} as GivenSockets }
  let visit: Visit | undefined
  try {
    visit = await knock(DOOR_FILE, process.getuid?.())
    // Whatever starts it next is to see what the gateway sees: what was set for that, unless it is set here.
    if (visit) process.env = { ...visit.env, ...whatGatewaysRead(env) }
    else ours.given = takeSockets()
    const { config } = await loadConfig({ directory: process.cwd(), file, env: process.env, flags })
    const command = commandOf(portsOf(config))
    return visit ? await askFor(visit, command, { say, fail, style }) : await lookAfter(command, config)
  } catch (error) {
    visit?.leave()
    if (error instanceof ConfigError) {
      say(
        formatProblems(error, style, {
          consequence: visit ? 'The gateway that runs goes on as it is.' : 'Nothing was started.',
        }),
      )
      return 1
    }
    if (error instanceof DoorError) return fail(`Nothing was started: ${error.message}.`)
    throw error
  }

  /** Becomes the parent of a gateway, until that ends. */
  async function lookAfter(command: GatewayCommand, config: Config): Promise<number> {
    const supervisor = createSupervisor({
      spawn: ({ node, args, cwd, env }, fds) =>
        spawn(node, args, { cwd, env, stdio: ['inherit', 'inherit', 'inherit', ...fds, 'ipc'] }),
      holdPort,
      given: ours.given,
      pid: process.pid,
      clock: systemClock,
      say: (sentence) => say(`${style.warning('▲')} ${sentence}\n`),
    })
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.on(signal, () => supervisor.signal(signal))
    let door: Door | undefined
    try {
      door = await openDoor({
        file: DOOR_FILE,
        env: command.env,
        current: () => supervisor.current,
        replace: supervisor.replace,
        user: process.getuid?.(),
      })
      const outcome = await supervisor.start(command)
      // It has said why.
      if ('refused' in outcome) return 1
      say(
        `  Looked after by process ${process.pid}. Replace it without losing a connection:  ${style.underline('hydra start --takeover')}\n`,
      )
      return await supervisor.ended
    } catch (error) {
      const sentence = formatStartFailure(error, config, style)
      if (sentence === undefined) throw error
      stderr.write(sentence)
      return 1
    } finally {
      door?.close()
    }
  }
}

async function askFor(
  visit: Visit,
  command: GatewayCommand,
  {
    say,
    fail,
    style,
  }: { say: (text: string) => void; fail: (...lines: [string, ...string[]]) => number; style: Style },
): Promise<number> {
  say(
    visit.current === undefined
      ? '  No gateway serves here at the moment. Starting one …\n'
      : `  A gateway runs here as process ${visit.current}. Starting another one beside it …\n`,
  )
  const outcome = await visit.ask(command, (sentence) => say(`  ${sentence}\n`))
  visit.leave()
  if ('refused' in outcome) {
    const untouched = visit.current === undefined ? [] : [`Process ${visit.current} serves on as before.`]
    return fail(`Nothing was taken over: ${outcome.refused.replace(/\.$/, '')}.`, ...untouched)
  }
  const { pid, version, before } = outcome
  const ended = before === undefined ? '' : ` Process ${before} has ended.`
  say(`${style.good('✓')} Hydra gateway ${version} serves as process ${pid}.${ended}\n`)
  return 0
}

/** This very command, but a gateway and nothing else. */
function commandOf(ports: readonly WantedPort[]): GatewayCommand {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || OURS.has(name) ? [] : [[name, value] as const],
    ),
  )
  return {
    node: process.execPath,
    args: [...process.execArgv, ...process.argv.slice(1).filter((word) => !/^--takeover(?:=|$)/.test(word))],
    cwd: process.cwd(),
    env,
    ports,
  }
}

/** Variables that are about this process. */
const OURS: ReadonlySet<string> = new Set([
  ...LISTEN_VARIABLES,
  SUPERVISED,
  'HYDRA_SECOND_NODE',
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
])

function whatGatewaysRead(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => /^(?:HYDRA_.*|PORT|REDIS_URL|NODE_.*|PATH)$/.test(name) && !OURS.has(name),
    ),
  )
}

function portsOf({ port, host, controlPort, rsocketPort }: Config): WantedPort[] {
  const at = host === undefined ? {} : { host }
  return [
    { name: 'http', port, ...at },
    ...(controlPort === undefined ? [] : [{ name: 'control' as const, port: controlPort, ...at }]),
    ...(rsocketPort === undefined ? [] : [{ name: 'rsocket' as const, port: rsocketPort, ...at }]),
  ]
}

/** Sockets of systemd: they are passed on to the gateway. */
function takeSockets(): GivenSockets {
  return readGivenSockets({
    env: process.env,
    pid: process.pid,
    between: process.env.HYDRA_SECOND_NODE === undefined ? undefined : process.ppid,
    isSocket(fd) {
      try {
        return fstatSync(fd).isSocket()
      } catch {
        return false
      }
    },
  })
}
