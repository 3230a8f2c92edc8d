/**
 * Where our own time goes under a load, per request: the functions with the most self time, our functions with
 * what they call in Node and the kernel, and the threads of the process.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Seen } from './clients/job.ts'
import { threadSeconds } from './processes.ts'
import type { Profile } from './profiler.ts'

export interface ProfileOptions {
  readonly title: string
  readonly ms: number
  readonly warmUpMs: number
  /** File for the whole profile, which Chromium's DevTools and VS Code open: `.cpuprofile`. */
  readonly file?: string | undefined
  /** Runs the load for so long. */
  readonly send: (ms: number) => Promise<Seen>
}

/** A process of ours that can be asked for a profile, see `profiler.ts`. */
export interface Profiled {
  readonly pid: number
  ask<Answer>(question: string): Promise<Answer>
}

/** Rows of each table. */
const ROWS = 30
/** The process has others, for compiling, collecting garbage and writing files. */
const MAIN = 'main thread'
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Runs a load at one of ours and tells where its time went. Sampling itself costs some 10 %. */
export async function profile(
  { pid, ask }: Profiled,
  { title, warmUpMs, ms, file, send }: ProfileOptions,
): Promise<string> {
  await send(warmUpMs)
  await ask('begin')
  const before = threadSeconds(pid)
  const { requests, seconds } = await send(ms)
  const after = threadSeconds(pid)
  const answer = await ask<Profile>('end')
  if (file !== undefined) writeFileSync(file, JSON.stringify(answer))
  const threads = new Map<string, number>()
  for (const [id, { name, seconds: total }] of after) {
    const micros = (total - (before.get(id)?.seconds ?? 0)) * 1e6
    add(threads, id === pid ? MAIN : name, micros)
  }
  return [
    `${title}: ${requests} in ${seconds.toFixed(1)} s`,
    ...table('thread, CPU', threads, requests),
    ...tablesOf(answer, requests),
  ].join('\n')
}

/** Times of the main thread: where it was, and which of our functions had called what it was in. */
function tablesOf({ nodes, samples = [], timeDeltas = [] }: Profile, requests: number): readonly string[] {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const isOurs = (id: number) => /\/packages\/\w+\/src\//.test(byId.get(id)!.callFrame.url)
  const nameOf = (id: number) => {
    const { functionName, url, lineNumber } = byId.get(id)!.callFrame
    return `${functionName || '(anonymous)'}  ${url ? `${placeOf(url)}:${lineNumber + 1}` : ''}`.trimEnd()
  }
  const own = new Map<string, number>()
  const called = new Map<string, number>()
  const files = new Map<string, number>()
  for (const [i, id] of samples.entries()) {
    if (byId.get(id)!.callFrame.functionName === '(idle)') continue
    // The time until the next sample is this one's.
    const micros = timeDeltas[i + 1] ?? 0
    let caller: number | undefined = id
    while (caller !== undefined && !isOurs(caller)) caller = parents.get(caller)
    add(own, nameOf(id), micros)
    add(called, caller === undefined ? `(${nameOf(id)}, by nobody of ours)` : nameOf(caller), micros)
    add(
      files,
      caller === undefined ? '(Node and V8 alone)' : placeOf(byId.get(caller)!.callFrame.url),
      micros,
    )
  }
  return [
    ...table('function, itself', own, requests),
    ...table('function of ours, with what it calls that is not', called, requests),
    ...table('file of ours, likewise', files, requests),
  ]
}

function table(title: string, of: ReadonlyMap<string, number>, requests: number): readonly string[] {
  const all = [...of.values()].reduce((sum, micros) => sum + micros, 0)
  return [
    '',
    `  share  µs each  ${title}: ${(all / requests).toFixed(1)} µs each`,
    ...[...of]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, ROWS)
      .map(([name, micros]) => {
        const share = `${((micros / all) * 100).toFixed(1)} %`
        return `${share.padStart(7)} ${(micros / requests).toFixed(2).padStart(8)}  ${name}`
      }),
  ]
}

function placeOf(url: string): string {
  return url.startsWith('file:') ? relative(ROOT, fileURLToPath(url)) : url
}

function add(of: Map<string, number>, name: string, micros: number): void {
  of.set(name, (of.get(name) ?? 0) + micros)
}
