/**
 * What Linux knows about a process and its children: CPU, memory, which cores it may use.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { findProgram } from './program.ts'

/** Kernel ticks per second in `stat`: 100 on every Linux that Node runs on. */
const TICKS = 100

/**
 * CPU of processes and their children, user and system, seconds. To the nanosecond where the kernel keeps
 * `schedstat`, otherwise to the tick of 10 ms. A process that ended in between takes its CPU along.
 */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.flatMap(family).reduce((sum, each) => sum + (preciseSeconds(each) ?? tickSeconds(each)), 0)
}

/** Resident memory of processes and their children, MiB; pages they share are counted for each. */
export function memoryMiB(pids: readonly number[]): number {
  return pids.flatMap(family).reduce((sum, each) => {
    const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${each}/status`, 'latin1'))?.[1]
    return sum + Number(kib ?? 0) / 1024
  }, 0)
}

/** CPU of each thread of a process, by thread id; the main one has the id of the process. Needs `schedstat`. */
export function threadSeconds(pid: number): ReadonlyMap<number, { name: string; seconds: number }> {
  const folder = `/proc/${pid}/task`
  return new Map(
    readdirSync(folder).map((id) => {
      const name = readFileSync(`${folder}/${id}/comm`, 'latin1').trim()
      const ns = Number.parseInt(readFileSync(`${folder}/${id}/schedstat`, 'latin1'), 10)
      return [Number(id), { name, seconds: ns / 1e9 }]
    }),
  )
}

/** First field of `schedstat`: ns on a core, of one thread. */
function preciseSeconds(pid: number): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    const ns = threads.map((id) =>
      Number.parseInt(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'latin1'), 10),
    )
    return ns.reduce((sum, each) => sum + each, 0) / 1e9
  } catch {
    return undefined
  }
}

function tickSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

function family(pid: number): readonly number[] {
  let children = ''
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
  } catch {
    // A kernel without this list: the process alone.
  }
  return [pid, ...children.split(' ').filter(Boolean).map(Number).flatMap(family)]
}

/** Cores for the proxies and for everybody else. */
export interface Cores {
  readonly proxy: string
  readonly others: string
}

/** Undefined with a single core or without `taskset`: then the kernel moves everybody about. */
export function splitCores(): Cores | undefined {
  const list = /Cpus_allowed_list:\s+(\S+)/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? ''
  const cores = list.split(',').flatMap((part) => {
    const [from = 0, to = from] = part.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
  const [proxy, ...others] = cores
  if (proxy === undefined || others.length === 0 || !findProgram('taskset')) return undefined
  return { proxy: String(proxy), others: others.join(',') }
}

/** What is to be said of figures that were taken on these cores. */
export function remarksOn(cores: Cores | undefined): readonly string[] {
  return cores ? [] : ['Everybody shares all cores: there is one only, or no taskset.']
}

/** Keeps processes and their children, all their threads, on these cores. */
export function pin(pids: readonly number[], cores: string | undefined): void {
  if (cores === undefined) return
  for (const pid of pids.flatMap(family))
    spawnSync('taskset', ['-a', '-c', '-p', cores, String(pid)], { stdio: 'ignore' })
}
