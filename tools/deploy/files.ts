/**
 * The repository, as the checks of the deployment files see it.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConfigInput, formatVariables, parseConfig } from '@hydra-gateway/gateway/config'

export interface Files {
  read(path: string): string
  has(path: string): boolean
}

/** One sentence for each fault, without the file it is in. */
export type Report = (fault: string) => void

export const filesIn = (root: string): Files => ({
  read: (path) => readFileSync(join(root, path), 'utf8'),
  has: (path) => existsSync(join(root, path)),
})

/** Where the packages are in images and on machines. */
export const HOME = '/opt/hydra/'

/** Variables of the gateway, with those that name a file. */
export const VARIABLES: ReadonlySet<string> = new Set(
  [...formatVariables().matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name!),
)

/** Variables that are not the gateway's: of the shop, of the SDK, of Node. */
const OF_OTHERS = new Set(['HYDRA_GATEWAY', 'SHOP_HOST', 'SHOP_DATA', 'NODE_ENV', 'HEALTH_URL'])
/** What must not stand in a file of this repository. */
const SECRETS = [...VARIABLES].filter((name) => VARIABLES.has(`${name}_FILE`) && /KEY|REDIS_URL/.test(name))

/** Says which variables nobody reads, and which secrets stand there for everybody to see. */
export function checkVariables(
  env: Readonly<Record<string, unknown>>,
  report: Report,
  others: ReadonlySet<string> = OF_OTHERS,
): void {
  for (const [name, value] of Object.entries(env)) {
    if (!VARIABLES.has(name) && !others.has(name)) report(`${name} is a variable nobody reads`)
    if (SECRETS.includes(name) && !String(value).startsWith('$'))
      report(`${name} stands there for everybody: write ${name}_FILE`)
  }
}

/** Settings as the gateway would take them; reports what it would refuse. */
export function readSettings(given: unknown, report: Report): ReturnType<typeof parseConfig> | undefined {
  try {
    return parseConfig((given ?? {}) as ConfigInput)
  } catch (error) {
    report(`the gateway would not start: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** How long a stop may take, in seconds, before anybody may lose patience. */
export function stopSeconds({ http, cluster }: ReturnType<typeof parseConfig>): number {
  return (http.stopDelay + http.stopGrace + cluster.spread) / 1000
}

/** `60s`, `1m30s`: as compose writes it. */
export function secondsOf(text: unknown): number {
  const [, minutes = '0', seconds = '0'] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(String(text)) ?? []
  return Number(minutes) * 60 + Number(seconds)
}

/** The file of this repository that is at a path of the image; undefined when it is none of ours. */
export function inRepository(path: string): string | undefined {
  return path.startsWith(HOME) ? path.slice(HOME.length) : undefined
}
