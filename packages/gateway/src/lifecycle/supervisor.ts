/**
 * The parent of `hydra start --takeover`: it has the ports and serves nobody. The gateway is its child, started again when
 * it crashes; on demand a new child is started beside the old one, at the same ports, and the old one leaves when the new
 * one serves. Connections wait in the queue of a port whatever happens to the children (docs/decisions/013).
 *
 * It knows nothing of a gateway but what `parent-line.ts` says, since the child may be of another version.
 *
 * @module
 */
import type { ChildProcess } from 'node:child_process'
import type { Clock } from '../observe/clock.ts'
import type { GivenSockets, SocketName } from './given-sockets.ts'
import type { HeldPort } from './held-port.ts'
import { type FromGateway, readFromGateway, SUPERVISED, type ToGateway } from './parent-line.ts'

/** A port a gateway listens at. */
export interface WantedPort {
  readonly name: SocketName
  readonly port: number
  readonly host?: string | undefined
}

/** How to start a gateway. */
export interface GatewayCommand {
  /** The Node it runs with. */
  readonly node: string
  /** Options of Node, script, words. */
  readonly args: readonly string[]
  readonly cwd: string
  /** Whole: nothing else is in its environment. */
  readonly env: Readonly<Record<string, string>>
  readonly ports: readonly WantedPort[]
}

export type Replaced =
  | { readonly pid: number; readonly version: string; readonly before: number | undefined }
  | { readonly refused: string }

export interface Supervisor {
  /** Starts the first gateway. Rejects when a port can't be had. */
  start(command: GatewayCommand): Promise<Replaced>
  /**
   * Starts another one and lets the one before leave. Resolves when it has left; when the new one could not start, the
   * one before goes on untouched. `told` hears how it goes.
   */
  replace(command: GatewayCommand, told: (sentence: string) => void): Promise<Replaced>
  /** Passes a signal on. After SIGTERM and SIGINT nothing is started any more. */
  signal(signal: NodeJS.Signals): void
  /** The gateway that serves; undefined while there is none. */
  readonly current: number | undefined
  /** Resolves with the exit status once no gateway is left and none will be started. */
  readonly ended: Promise<number>
}

export interface SupervisorDeps {
  /** Starts a process whose file descriptors from 3 on are `fds`, with a channel for messages behind them. */
  readonly spawn: (command: GatewayCommand, fds: readonly number[]) => ChildProcess
  readonly holdPort: (port: number, host: string | undefined) => Promise<HeldPort>
  /** Ports that were given to this process. */
  readonly given: GivenSockets
  readonly pid: number
  readonly clock: Pick<Clock, 'monotonic' | 'after'>
  /** For people, a sentence each. */
  readonly say: (sentence: string) => void
  readonly settings?: Partial<SupervisorSettings>
}

export interface SupervisorSettings {
  /** How long a gateway may take to start, ms. @default 30 000 */
  readonly startMs: number
  /** Pause before a gateway that crashed is started again; doubled each time, ms. @default 100 */
  readonly firstPauseMs: number
  /** @default 5000 */
  readonly longestPauseMs: number
  /** Who ran for so long starts with the first pause again, ms. @default 60 000 */
  readonly steadyMs: number
  /** How long a gateway may take beyond its own patience to leave before it is killed, ms. @default 10 000 */
  readonly overtimeMs: number
}

const DEFAULTS: SupervisorSettings = {
  startMs: 30_000,
  firstPauseMs: 100,
  longestPauseMs: 5000,
  steadyMs: 60_000,
  overtimeMs: 10_000,
}

interface Held extends WantedPort {
  readonly fd: number
  close(): void
}

interface Child {
  readonly process: ChildProcess
  readonly pid: number
  readonly command: GatewayCommand
  readonly held: readonly Held[]
  readonly startedAt: number
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  ready: Extract<FromGateway, { hydra: 'ready' }> | undefined
}

export function createSupervisor(deps: SupervisorDeps): Supervisor {
  const { spawn, holdPort, given, pid, clock, say } = deps
  const settings = { ...DEFAULTS, ...deps.settings }
  const children = new Set<Child>()
  const open = new Set<Held>()
  let current: Child | undefined
  /** It asks what the current one knows. */
  let heir: Child | undefined
  /** What is started again after its pause. */
  let crashed: Pick<Child, 'command' | 'held'> | undefined
  /** It waits for its pause to end, or is being started. */
  let isStartingAgain = false
  let startingAgain: Promise<unknown> | undefined
  let isStopping = false
  let isReplacing = false
  let crashes = 0
  let status = 0
  const { promise: ended, resolve: end } = Promise.withResolvers<number>()

  const tell = (child: Child, message: ToGateway): void => {
    if (child.process.connected) child.process.send(message, () => {})
  }

  // ---- ports ------------------------------------------------------------------------------------------

  const isSame = (a: WantedPort, b: WantedPort): boolean =>
    a.name === b.name && a.port === b.port && a.host === b.host

  /** The ports a command wants: those that are open already, and new ones. */
  async function portsFor(wanted: readonly WantedPort[]): Promise<Held[]> {
    const held: Held[] = []
    for (const one of wanted) {
      const known = [...open].find((other) => isSame(one, other))
      held.push(known ?? (await opened(one)))
    }
    return held
  }
  async function opened(one: WantedPort): Promise<Held> {
    const fd = given[one.name]
    const port = fd === undefined ? await holdPort(one.port, one.host) : { fd, close() {} }
    const held = { ...one, fd: port.fd, close: () => port.close() }
    open.add(held)
    return held
  }
  function closeUnused(): void {
    const used = new Set([...children, ...(crashed ? [crashed] : [])].flatMap(({ held }) => held))
    for (const one of open) {
      if (used.has(one)) continue
      open.delete(one)
      one.close()
    }
  }

  // ---- children ---------------------------------------------------------------------------------------

  function begin(command: GatewayCommand, held: readonly Held[]): Child {
    const env = {
      ...command.env,
      LISTEN_FDS: String(held.length),
      LISTEN_FDNAMES: held.map(({ name }) => name).join(':'),
      LISTEN_PID: String(pid),
      [SUPERVISED]: '1',
    }
    const process = spawn(
      { ...command, env },
      held.map(({ fd }) => fd),
    )
    const exited: Child['exited'] = new Promise((resolve) => {
      process.once('exit', (code, signal) => resolve({ code, signal }))
      process.once('error', () => resolve({ code: 1, signal: null }))
    })
    const child: Child = {
      process,
      pid: process.pid ?? 0,
      command,
      held,
      startedAt: clock.monotonic(),
      exited,
      ready: undefined,
    }
    children.add(child)
    process.on('message', (message) => hear(child, readFromGateway(message)))
    return child
  }

  function hear(child: Child, message: FromGateway | undefined): void {
    if (message?.hydra === 'asks') {
      if (current && current !== child) {
        heir = child
        tell(current, { hydra: 'hand-over' })
      } else tell(child, { hydra: 'handed' })
    } else if (message?.hydra === 'handed' && heir && heir !== child) tell(heir, message)
  }

  /** Resolves when it serves, or with the reason why it does not. */
  function started(child: Child): Promise<Replaced> {
    return new Promise((resolve) => {
      let reason: string | undefined
      const stopWaiting = clock.after(settings.startMs, () => {
        reason = `it did not serve within ${settings.startMs / 1000} s`
        child.process.kill('SIGKILL')
      })
      child.process.on('message', (raw) => {
        const message = readFromGateway(raw)
        if (message?.hydra === 'failed') reason ??= message.reason
        if (message?.hydra !== 'ready') return
        child.ready = message
        stopWaiting()
        resolve({ pid: child.pid, version: message.version, before: current?.pid })
      })
      void child.exited.then(({ code, signal }) => {
        stopWaiting()
        if (child.ready) return
        resolve({ refused: reason ?? `it ended with ${signal ?? `status ${code}`} before it served` })
      })
    })
  }

  async function launch(command: GatewayCommand, held: readonly Held[]): Promise<Replaced> {
    // Told to stop while a port was looked up: the ports are closed.
    if (isStopping) return { refused: 'the gateway is about to stop' }
    const child = begin(command, held)
    void child.exited.then((how) => gone(child, how))
    const outcome = await started(child)
    if (!('refused' in outcome)) {
      current = child
      crashed = undefined
    }
    return outcome
  }

  function gone(child: Child, { code, signal }: Awaited<Child['exited']>): void {
    children.delete(child)
    if (heir === child) heir = undefined
    const wasCurrent = current === child
    if (wasCurrent) current = undefined
    if (isStopping) {
      status = Math.max(status, code ?? 1)
      if (children.size === 0) end(status)
    } else if (wasCurrent && code !== 0) {
      say(
        `The gateway (process ${child.pid}) ended with ${signal ?? `status ${code}`}. It is started again; visitors wait.`,
      )
      if (clock.monotonic() - child.startedAt > settings.steadyMs) crashes = 0
      crashed = child
      startAgain()
    } else if (wasCurrent && children.size === 0) end(0)
    closeUnused()
  }

  /** Until it serves, with longer and longer pauses; one at a time. Its ports stay open meanwhile. */
  function startAgain(): void {
    if (isStartingAgain) return
    isStartingAgain = true
    const pauseMs = Math.min(settings.longestPauseMs, settings.firstPauseMs * 2 ** crashes++)
    clock.after(pauseMs, () => {
      // Somebody may have asked for another one meanwhile; if that does not serve, this one is tried again.
      if (!crashed || isStopping || isReplacing) {
        isStartingAgain = false
        return
      }
      startingAgain = launchAgain(crashed).then((outcome) => {
        isStartingAgain = false
        startingAgain = undefined
        if (!('refused' in outcome) || isStopping) return
        say(`The gateway could not start again: ${outcome.refused}.`)
        startAgain()
      })
    })
  }
  /** Never rejects: a system that has no memory for a process now may have some later. */
  async function launchAgain({ command, held }: Pick<Child, 'command' | 'held'>): Promise<Replaced> {
    try {
      return await launch(command, held)
    } catch (error) {
      return { refused: (error as Error).message }
    }
  }

  async function leave(child: Child): Promise<void> {
    tell(child, { hydra: 'leave' })
    const patienceMs = (child.ready?.patienceMs ?? 0) + settings.overtimeMs
    const stopWaiting = clock.after(patienceMs, () => child.process.kill('SIGKILL'))
    await child.exited
    stopWaiting()
  }

  return {
    async start(command) {
      const outcome = await launch(command, await portsFor(command.ports))
      if ('refused' in outcome) end(1)
      return outcome
    },
    async replace(command, told) {
      if (isStopping) return { refused: 'the gateway is about to stop' }
      if (isReplacing) return { refused: 'another takeover is under way' }
      isReplacing = true
      try {
        // One that is being started again serves beside the new one otherwise, and nobody would tell it to leave.
        await startingAgain
        const before = current
        const outcome = await launch(command, await portsFor(command.ports))
        if (!('refused' in outcome) && before && children.has(before)) {
          told(`Process ${outcome.pid} serves. Process ${before.pid} finishes what it has begun, and ends.`)
          await leave(before)
        }
        return outcome
      } catch (error) {
        return { refused: (error as Error).message }
      } finally {
        heir = undefined
        isReplacing = false
        if (crashed) startAgain()
        closeUnused()
      }
    },
    signal(signal) {
      if (signal === 'SIGTERM' || signal === 'SIGINT') {
        isStopping = true
        // Gateways have them too. Open here, they would take connections whom nobody serves until the last one has ended.
        for (const one of open) one.close()
        open.clear()
      }
      for (const child of children) if (isStopping || child === current) child.process.kill(signal)
      if (isStopping && children.size === 0) end(status)
    },
    get current() {
      return current?.pid
    },
    ended,
  }
}
