/**
 * Sockets that somebody else opened, as systemd hands them to a service (sd_listen_fds(3)): file descriptors from 3 on,
 * told by `LISTEN_FDS`, `LISTEN_FDNAMES` and `LISTEN_PID`. The parent of `hydra start --takeover` does the same.
 *
 * @module
 */
import { ConfigError, type ConfigProblem } from '../config/problems.ts'
import type { Config } from '../config.ts'

export const SOCKET_NAMES = ['http', 'control', 'rsocket'] as const
export type SocketName = (typeof SOCKET_NAMES)[number]

/** File descriptors of sockets that listen already, when somebody else opened the ports. */
export type GivenSockets = { readonly [Name in SocketName]?: number }

/** Variables that are about this process alone: those it starts must not see them. */
export const LISTEN_VARIABLES = ['LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PID'] as const

const FIRST_FD = 3
const MOST_FDS = 64

export interface SocketsDeps {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
  /**
   * A process of ours that stands between us and whoever opened them, and hands them on: `bin.mjs` with a newer Node, or
   * the one that looks after us. It can't know our id when it says whom they are for.
   */
  readonly between?: number | undefined
  /** Whether a file descriptor is a socket. */
  readonly isSocket: (fd: number) => boolean
}

/**
 * The sockets of this process; empty when there are none, or they are for another process.
 *
 * @throws ConfigError for those nobody could know what to do with
 */
export function readGivenSockets({ env, pid, between, isSocket }: SocketsDeps): GivenSockets {
  const { LISTEN_FDS: count, LISTEN_FDNAMES: names, LISTEN_PID: meant } = env
  if (count === undefined) return {}
  // Left over from an ancestor: the file descriptors it was about are something else here.
  if (meant !== undefined && Number(meant) !== pid && Number(meant) !== between) return {}
  if (!/^\d{1,4}$/.test(count) || Number(count) > MOST_FDS)
    throw problem('LISTEN_FDS', `"${count}"`, `a number of sockets, ${MOST_FDS} at most`)
  const fds = Array.from({ length: Number(count) }, (_, at) => FIRST_FD + at)
  const given = names === undefined || names === '' ? [] : names.split(':')
  const sockets: Partial<Record<SocketName, number>> = {}
  for (const [at, fd] of fds.entries()) {
    const name = nameOf(given[at], at)
    if (name === undefined)
      throw problem(
        'LISTEN_FDNAMES',
        `"${given[at] ?? ''}" for socket ${at + 1}`,
        `${SOCKET_NAMES.join(', ')} for each, separated by colons (FileDescriptorName= of a systemd socket)`,
      )
    if (sockets[name] !== undefined)
      throw problem('LISTEN_FDNAMES', `${name} twice`, 'each once: one socket takes IPv6 and IPv4 alike')
    if (!isSocket(fd))
      throw problem(
        'LISTEN_FDS',
        `${count}, but file descriptor ${fd} is no socket`,
        'as many as were passed on',
      )
    sockets[name] = fd
  }
  return sockets
}

/** Sockets nobody would answer at. */
export function checkGivenSockets(sockets: GivenSockets, { controlPort, rsocketPort }: Config): void {
  const settings = { control: controlPort, rsocket: rsocketPort }
  for (const [name, setting] of Object.entries(settings)) {
    if (sockets[name as SocketName] === undefined || setting !== undefined) continue
    throw problem('LISTEN_FDNAMES', `${name}, but ${name}Port is not set`, `${name}Port, or no such socket`)
  }
}

/** Who gave no names, or systemd's own (of the unit), has one socket first: that of visitors. */
function nameOf(given: string | undefined, at: number): SocketName | undefined {
  const known = SOCKET_NAMES.find((name) => name === given)
  return known ?? (at === 0 ? 'http' : undefined)
}

function problem(at: string, is: string, write: string): ConfigError {
  const one: ConfigProblem = { at, is, write }
  return new ConfigError([one])
}
