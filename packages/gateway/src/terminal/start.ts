/**
 * What the gateway says when it starts, when it can't, and when it stops.
 *
 * @module
 */
import type { Config } from '../config.ts'
import type { Keys } from '../keys.ts'
import { maskKey } from '../keys.ts'
import { describeFlywheel, flywheelWarnings } from './flywheel.ts'
import { fold } from './fold.ts'
import { describeSignIn, type SignInFacts, signInWarnings } from './sign-in.ts'
import type { Style } from './style.ts'

export interface StartFacts {
  readonly version: string
  readonly gateway: { readonly url: string; readonly controlUrl?: string; readonly rsocketPort?: number }
  readonly config: Config
  readonly keys: Keys
  /** Where made-up keys are kept. */
  readonly keysFile: string
  readonly file: string | undefined
  /** The configuration of hydra-router below it. */
  readonly routerFile?: string | undefined
  readonly warnings: readonly string[]
  /** Where services are kept, when several nodes share it; never with a password. */
  readonly sharedStore?: string | undefined
  /** It can't be reached now. */
  readonly isStoreAway?: boolean
  /** Processes that serve, when they are several. */
  readonly workers?: number | undefined
  /** It was given ports that somebody else opened. */
  readonly hasGivenPorts?: boolean
  /** Who can sign in. */
  readonly signIn?: SignInFacts | undefined
  /** A certificate that was made here: where it is kept, and its SHA-256. */
  readonly selfSigned?:
    | { readonly cert: string; readonly fingerprint: string; readonly source: 'kept' | 'made' }
    | undefined
}

/** Where it listens, which keys hold, and what is open to whom. */
export function formatStart(facts: StartFacts, style: Style): string {
  const { version, gateway, config, keys, keysFile, file, warnings, signIn } = facts
  const lines = [
    `${style.mark}${style.bold(`Hydra gateway ${version}`)} listens on ${style.underline(gateway.url)}`,
    `  ${config.host === undefined ? 'Everybody who reaches this machine may visit.' : `It can be reached at ${config.host} only.`}`,
  ]
  if (facts.selfSigned) lines.push(...ofSelfSigned(facts.selfSigned).map((line) => `  ${line}`))
  if (gateway.controlUrl) {
    lines.push(`  Registration, admin API and metrics are at ${style.underline(gateway.controlUrl)} only.`)
  }
  if (gateway.rsocketPort) lines.push(`  RSocket over TCP is at port ${gateway.rsocketPort}.`)
  lines.push(...ofKeys(keys, keysFile).map((line) => `  ${line}`))
  lines.push(`  Services may register from ${whoMayRegister(config.registration.from)}.`)
  lines.push(
    `    public key   ${maskKey(keys.publicKey)}   ${style.dim('(whole: hydra config --show-keys)')}`,
  )
  if (config.services.length > 0) {
    const services =
      config.services.length === 1 ? '1 service comes' : `${config.services.length} services come`
    lines.push(`  ${services} from ${file ?? 'the configuration'}.`)
  }
  lines.push(...describeFlywheel(config, facts).map((line) => `  ${line}`))
  if (signIn) lines.push(...describeSignIn(signIn, config).map((line) => `  ${line}`))
  const ofSignIn = signIn ? signInWarnings(signIn, config) : []
  const ofStore = facts.isStoreAway ? [awayWarning(facts)] : []
  for (const warning of [...warnings, ...ofStore, ...flywheelWarnings(config), ...keys.warnings, ...ofSignIn])
    lines.push(`  ${style.warning('▲')} ${warning}`)
  lines.push(...ofProcesses(facts).map((line) => `  ${line}`))
  lines.push('  Stop with Ctrl+C.')
  return style.plain(fold(`${lines.join('\n')}\n`, style.columns))
}

function awayWarning({ sharedStore }: StartFacts): string {
  return `There is no way to ${sharedStore} now; the log says why. Until there is one, this node serves what is registered or configured here.`
}

function ofProcesses({ sharedStore, isStoreAway, workers, hasGivenPorts, keys }: StartFacts): string[] {
  return [
    ...(sharedStore === undefined || isStoreAway
      ? []
      : [
          `Services and sign-ins are shared with other nodes over ${sharedStore}.${keys.source === 'given' ? '' : ' Another node needs these keys: hydra config --show-keys'}`,
        ]),
    ...(workers === undefined ? [] : [`${workers} processes serve requests.`]),
    ...(hasGivenPorts
      ? ['The ports were opened by the process that started it, and stay open when it ends.']
      : []),
  ]
}

function ofSelfSigned({ cert, fingerprint, source }: NonNullable<StartFacts['selfSigned']>): string[] {
  return [
    source === 'made'
      ? `A certificate for development was made and is kept in ${cert}.`
      : `The certificate is the one made for development, kept in ${cert}.`,
    `Nobody vouches for it, so browsers warn. SHA-256 ${fingerprint.slice(0, 23)}…`,
  ]
}

function ofKeys({ source }: Keys, keysFile: string): string[] {
  if (source === 'given') return ['Keys come from the configuration.']
  if (source === 'kept') return [`No keys were given, so the ones kept in ${keysFile} are used.`]
  return ['No keys were given, so random ones were made.', `They are kept in ${keysFile} for the next start.`]
}

const PLACES: Readonly<Record<string, string>> = {
  loopback: 'this machine',
  private: 'private networks',
  any: 'anywhere',
}

function whoMayRegister(from: readonly string[]): string {
  if (from.length === 0) return 'nowhere: registration.from is empty'
  if (from.includes('any')) return 'anywhere'
  if (from.length === 1) return `${PLACES[from[0]!] ?? from[0]} only`
  const places = from.map((range) => PLACES[range] ?? range)
  return `${places.slice(0, -1).join(', ')} and ${places.at(-1)}`
}

/** Faults whose message says what to do. */
const SAID_WELL = ['HYDRA_BAD_KEYS', 'HYDRA_BAD_TLS', 'HYDRA_BAD_IDENTITY_STORE', 'HYDRA_BAD_LOGIN_TEMPLATE']

/**
 * Why the gateway could not start, in a sentence that says what to do; undefined for what nobody foresaw.
 * `isLookedAfter`: one that was started with `--takeover` runs in this directory.
 */
export function formatStartFailure(
  error: unknown,
  config: Config,
  style: Style,
  { isLookedAfter = false }: { readonly isLookedAfter?: boolean } = {},
): string | undefined {
  const { code, port, message } = error as NodeJS.ErrnoException & { port?: number }
  const setting = port !== undefined && port === config.controlPort ? 'HYDRA_CONTROL_PORT' : undefined
  const which =
    setting ?? (port !== undefined && port === config.rsocketPort ? 'HYDRA_RSOCKET_PORT' : undefined)
  const free = port === 8081 ? 8082 : 8081
  const another = which ? `another one as ${which}` : `another one: hydra start --port ${free}`
  const say = (sentence: string) => style.plain(`${style.bad(fold(`✕ ${sentence}`, style.columns))}\n`)
  if (code === 'EADDRINUSE' && isLookedAfter) {
    return say(
      `Port ${port} is taken, and a gateway that was started with --takeover runs in this directory. Replace it: hydra start --takeover`,
    )
  }
  if (code === 'EADDRINUSE') {
    const taken = say(`Port ${port} is taken by another program. Stop it, or choose ${another}`)
    const isForServices = !which && config.controlPort === undefined
    return isForServices
      ? `${taken}  Services then need HYDRA_GATEWAY=http://localhost:${free} in their environment.\n`
      : taken
  }
  if (code === 'EACCES' && port !== undefined) {
    return say(`Port ${port} may not be opened by this user. Choose ${another}`)
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return say(
      `${config.host} is no address of this machine. Choose another one: hydra start --host 127.0.0.1`,
    )
  }
  if (code !== undefined && SAID_WELL.includes(code)) return say(message)
  return undefined
}
