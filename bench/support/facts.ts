/**
 * What a figure depends on beside the code: the machine, the Node version, and who else was busy.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'

export interface Facts {
  readonly date: string
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  /** Running and waiting tasks in the minute before: above 0.3 the machine was not quiet. */
  readonly loadBefore: number
  readonly version: string
}

export function readFacts(): Facts {
  const { version } = JSON.parse(
    readFileSync(new URL('../../packages/gateway/package.json', import.meta.url), 'utf8'),
  )
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${/^[\d.]*/.exec(release())![0]}`,
    loadBefore: loadavg()[0] ?? 0,
    version,
  }
}

/** The facts as lines: `name: value`. */
export function formatFacts(facts: Facts): readonly (readonly [name: string, value: string])[] {
  const { loadBefore } = facts
  return [
    ['gateway', facts.version],
    ['date', `${facts.date} UTC`],
    ['Node', facts.node],
    ['CPU', `${facts.cores} cores, ${facts.cpu}`],
    ['memory', `${facts.memoryGiB} GiB`],
    ['system', facts.system],
    ['load before', `${loadBefore.toFixed(2)}${loadBefore > 0.3 ? ' (not quiet)' : ''}`],
  ]
}
