/**
 * Where our own time goes under a load: the functions and files with the most self time, per request.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Load } from './loads.ts'
import type { Profile } from './peers/profiler.ts'
import { startHydra } from './peers.ts'
import { type Cores, pin } from './processes.ts'
import { openStage } from './stage.ts'

export interface ProfileOptions {
  readonly ms: number
  readonly warmUpMs: number
  readonly cores: Cores | undefined
  /** File for the whole profile, which Chromium's DevTools and VS Code open: `.cpuprofile`. */
  readonly file?: string | undefined
}

const FUNCTIONS = 40
const FILES = 20
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Runs ours alone under a load and tells where its time went. Sampling itself costs some 10 %. */
export async function profile(load: Load, options: ProfileOptions): Promise<string> {
  const { cores, warmUpMs, ms, file } = options
  if (load.tls) throw new Error('a profile needs one of the loads without TLS')
  const stage = await openStage({ cores, tls: false })
  try {
    const hydra = await startHydra(stage.place('hydra'))
    if ('refused' in hydra) throw new Error(hydra.refused)
    stage.later(hydra.end)
    pin(hydra.pid, cores?.proxy)
    const job = { load: load.name, port: hydra.port, connections: load.connections }
    await stage.send({ ...job, until: { ms: warmUpMs } })
    await hydra.ask('begin')
    const { requests, seconds } = await stage.send({ ...job, until: { ms } })
    const answer = await hydra.ask<Profile>('end')
    if (file !== undefined) writeFileSync(file, JSON.stringify(answer))
    return formatProfile(answer, { title: load.title, requests, seconds })
  } finally {
    await stage.end()
  }
}

function formatProfile(
  { nodes, samples = [], timeDeltas = [] }: Profile,
  { title, requests, seconds }: { title: string; requests: number; seconds: number },
): string {
  const functions = new Map<string, number>()
  const files = new Map<string, number>()
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]))
  let busy = 0
  for (const [i, id] of samples.entries()) {
    const { functionName, url, lineNumber } = byId.get(id)!
    if (functionName === '(idle)') continue
    // The time until the next sample is this one's.
    const micros = timeDeltas[i + 1] ?? 0
    const where = placeOf(url)
    add(functions, `${functionName || '(anonymous)'}  ${where}${url ? `:${lineNumber + 1}` : ''}`, micros)
    add(files, url ? where : functionName || '(native)', micros)
    busy += micros
  }
  const rows = (of: Map<string, number>, most: number) =>
    [...of]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, most)
      .map(([name, micros]) => {
        const share = `${((micros / busy) * 100).toFixed(1)} %`
        return `${share.padStart(7)} ${(micros / requests).toFixed(2).padStart(8)}  ${name}`
      })
  return [
    `${title}: ${requests} in ${seconds.toFixed(1)} s, ${(busy / requests).toFixed(1)} µs of the main thread each`,
    '  share  µs each  function',
    ...rows(functions, FUNCTIONS),
    '',
    '  share  µs each  file',
    ...rows(files, FILES),
  ].join('\n')
}

function placeOf(url: string): string {
  return url.startsWith('file:') ? relative(ROOT, fileURLToPath(url)) : url
}

function add(of: Map<string, number>, name: string, micros: number): void {
  of.set(name, (of.get(name) ?? 0) + micros)
}
