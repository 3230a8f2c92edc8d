/**
 * Reads the configuration again while the gateway serves: validated as a whole, then applied as a whole, or refused with
 * all reasons. A refusal changes nothing.
 *
 * @module
 */
import { ConfigError } from '../config/problems.ts'
import type { Config } from '../config.ts'
import { HydraError } from '../errors.ts'
import type { Log } from '../observe/log.ts'
import type { Cells } from './cells.ts'
import { changedSettings, LIVE_SETTINGS, RESTART_SETTINGS } from './live-settings.ts'

export interface Reloaded {
  /** Settings that are different now. */
  readonly changed: readonly string[]
  readonly warnings: readonly string[]
}

export interface ReloadDeps {
  readonly config: Config
  /** Reads all layers; throws ConfigError. */
  readonly read:
    | (() => Promise<{ readonly config: Config; readonly warnings: readonly string[] }>)
    | undefined
  readonly cells: Pick<Cells, 'set'>
  readonly log: Pick<Log, 'info' | 'warn'>
}

/** Makes the function that reloads. One runs at a time; it throws HYDRA_CONFLICT with what is wrong. */
export function createReload({ config, read, cells, log }: ReloadDeps): () => Promise<Reloaded> {
  let current = config
  const refuse = (detail: string): never => {
    log.warn({ reason: detail }, 'configuration not taken, the one before goes on')
    throw new HydraError('HYDRA_CONFLICT', `the configuration was not taken: ${detail}`)
  }
  const reload = async (): Promise<Reloaded> => {
    if (!read) return refuse('this gateway was started without one that could be read again')
    const loaded = await read().catch((error: unknown) => {
      if (!(error instanceof ConfigError)) throw error
      return refuse(sentences(error))
    })
    const after = loaded.config
    const fixed = changedSettings(RESTART_SETTINGS, current, after)
    const changed = changedSettings(LIVE_SETTINGS, current, after)
    if (fixed.length > 0) {
      const need = fixed.length === 1 ? 'needs' : 'need'
      refuse(
        `${fixed.join(', ')} ${need} a restart; hydra start --takeover does it without losing a connection`,
      )
    }
    try {
      cells.set(after)
    } catch (error) {
      refuse((error as Error).message)
    }
    current = after
    log.info(
      { changed },
      changed.length === 0 ? 'configuration read again, nothing changed' : 'configuration changed',
    )
    return { changed, warnings: loaded.warnings }
  }
  let last: Promise<unknown> = Promise.resolve()
  return () => {
    const next = last.then(reload)
    last = next.catch(() => {})
    return next
  }
}

function sentences({ problems, file }: ConfigError): string {
  return `${file ?? 'it'} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}: ${problems
    .map(
      ({ at, line, is, write }) =>
        `${at}${line === undefined ? '' : ` (line ${line})`} is ${is}, write ${write}`,
    )
    .join('; ')}`
}
