/**
 * Where a supervisor is asked for a takeover: a Unix socket in the directory of the gateway. The file system says who
 * may: its owner, since nobody else can open the file.
 *
 * The supervisor says first what of its environment a gateway reads; whoever asks answers with the command that is to be
 * started, and hears how it goes. One JSON text per line.
 *
 * @module
 */
import { chmodSync, lstatSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { z } from 'zod'
import { SOCKET_NAMES } from './given-sockets.ts'
import type { GatewayCommand, Replaced } from './supervisor.ts'

/** Relative to the directory a gateway runs in: a socket's path may have a hundred bytes only. */
export const DOOR_FILE = '.hydra/takeover.sock'

const MOST_BYTES = 1024 * 1024
/** Until whoever came has said what is to be started. */
const PATIENCE_MS = 30_000

const env = z.record(z.string(), z.string())
const command = z.object({
  node: z.string().min(1),
  args: z.array(z.string()),
  cwd: z.string().min(1),
  env,
  ports: z.array(
    z.object({
      name: z.enum(SOCKET_NAMES),
      port: z.int().min(0).max(65_535),
      host: z.string().optional(),
    }),
  ),
})
const greeting = z.object({ env, current: z.number().optional() })
const reply = z.union([
  z.object({ told: z.string() }),
  z.object({ refused: z.string() }),
  z.object({ pid: z.number(), version: z.string(), before: z.number().optional() }),
])

export class DoorError extends Error {}

export interface Door {
  close(): void
}

export interface DoorDeps {
  readonly file: string
  /** Variables a gateway reads, as the supervisor has them. */
  readonly env: Readonly<Record<string, string>>
  readonly current: () => number | undefined
  readonly replace: (command: GatewayCommand, told: (sentence: string) => void) => Promise<Replaced>
  /** Of whoever runs this process; undefined where there are no users. */
  readonly user: number | undefined
}

/** Opens it. A socket that is there and at which nobody answers is replaced; ask `knock` before. */
export async function openDoor({ file, env, current, replace, user }: DoorDeps): Promise<Door> {
  const directory = dirname(file)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const { uid, mode } = statSync(directory)
  // Root is no exception: what it would say there reaches whoever owns the directory.
  if (user !== undefined && uid !== user)
    throw new DoorError(
      `${directory} belongs to another user: start as that one, or in a directory of your own`,
    )
  if ((mode & 0o022) !== 0)
    throw new DoorError(`${directory} can be written by others; take that from them: chmod go-w ${directory}`)
  // Between opening the socket and closing it to others only the directory keeps them out.
  chmodSync(directory, 0o700)
  rmSync(file, { force: true })
  const server = createServer((socket) => {
    const say = (message: unknown): void => {
      if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`)
    }
    const stopWaiting = setTimeout(() => socket.destroy(), PATIENCE_MS)
    socket.on('close', () => clearTimeout(stopWaiting))
    readLines(socket, (line) => {
      clearTimeout(stopWaiting)
      const asked = command.safeParse(parsed(line))
      if (!asked.success) return void socket.end(`${JSON.stringify({ refused: 'this is no command' })}\n`)
      void replace(asked.data, (told) => say({ told })).then((outcome) => {
        say(outcome)
        socket.end()
      })
    })
    say({ env, current: current() })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(file, resolve)
  })
  // Until now others could have come in only through the directory, which lets nobody.
  chmodSync(file, 0o600)
  const { ino } = lstatSync(file)
  return {
    close() {
      // Closing removes the file, whosever it is by now.
      if (lstatSync(file, { throwIfNoEntry: false })?.ino === ino) server.close()
      else server.unref()
    },
  }
}

export interface Visit {
  /** What the supervisor's environment says; what is not in it was not set there. */
  readonly env: Readonly<Record<string, string>>
  /** The gateway that serves now. */
  readonly current: number | undefined
  ask(command: GatewayCommand, told: (sentence: string) => void): Promise<Replaced>
  leave(): void
}

/** Goes to the supervisor of a directory; undefined when there is none. */
export function knock(file: string, user: number | undefined): Promise<Visit | undefined> {
  const found = lstatSync(file, { throwIfNoEntry: false })
  if (!found) return Promise.resolve(undefined)
  if (user !== undefined && found.uid !== user)
    return Promise.reject(new DoorError(`the gateway here runs as another user, who has ${file}`))
  return new Promise((resolve, reject) => {
    const socket = connect(file)
    let onLine = (line: string): void => {
      const said = greeting.safeParse(parsed(line))
      if (!said.success) {
        socket.destroy()
        reject(new DoorError(`whoever answers at ${file} is no supervisor of a gateway`))
        return
      }
      resolve({ env: said.data.env, current: said.data.current, ask, leave: () => socket.destroy() })
    }
    const ask: Visit['ask'] = (command, told) =>
      new Promise((answered) => {
        socket.once('close', () => answered({ refused: 'the supervisor is gone' }))
        onLine = (line) => {
          const { data } = reply.safeParse(parsed(line))
          if (!data) return
          if ('told' in data) told(data.told)
          else answered('refused' in data ? data : { ...data, before: data.before })
        }
        socket.write(`${JSON.stringify(command)}\n`)
      })
    readLines(socket, (line) => onLine(line))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // Left behind by one that was killed.
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(undefined)
      else reject(error)
    })
  })
}

function readLines(socket: Socket, onLine: (line: string) => void): void {
  let text = ''
  socket.on('error', () => socket.destroy())
  socket.setEncoding('utf8').on('data', (more: string) => {
    text += more
    if (text.length > MOST_BYTES) return void socket.destroy()
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end)
      text = text.slice(end + 1)
      onLine(line)
    }
  })
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
