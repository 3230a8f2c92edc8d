/**
 * The admin API from outside: `hydra` has no other door into a gateway than everybody else.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type Config, ConfigError, loadConfig } from '@hydra-gateway/gateway/config'
import { findKeptKeys, KEYS_FILE, KeysError } from '@hydra-gateway/gateway/keys'
import {
  type DrainAnswer,
  drainAnswer,
  type FragmentsAnswer,
  forgetAnswer,
  fragmentsAnswer,
  localUrlHost,
  type MenusAnswer,
  menusAnswer,
  type NodesAnswer,
  nodesAnswer,
  problem,
  type ReloadAnswer,
  type RevokeAnswer,
  type RoutesAnswer,
  reloadAnswer,
  revokeAnswer,
  routesAnswer,
  type ServicesAnswer,
  type SessionsAnswer,
  type SigningKeysAnswer,
  servicesAnswer,
  sessionsAnswer,
  signingKeysAnswer,
  type XrayAnswer,
  xrayAnswer,
} from '@hydra-gateway/protocol'
import { type Asked, ask, askStream } from './ask.ts'
import { CommandError, EXIT, type Io } from './io.ts'
import { didYouMean } from './meant.ts'
import { printable } from './table.ts'
import type { OpenStream } from './watch/follow.ts'

export interface Admin {
  readonly url: string
  /** Opens a stream of events. */
  readonly stream: OpenStream
  services(): Promise<ServicesAnswer>
  routes(): Promise<RoutesAnswer>
  fragments(): Promise<FragmentsAnswer>
  menus(): Promise<MenusAnswer>
  nodes(): Promise<NodesAnswer>
  forget(service: string): Promise<void>
  /** Without an id all instances are meant. */
  drain(service: string, instance: string | undefined): Promise<DrainAnswer>
  resume(service: string, instance: string | undefined): Promise<DrainAnswer>
  /** A link that shows a page in X-ray; `to` is a path of the site. */
  xray(to: string): Promise<XrayAnswer>
  /** The latest thousand. `user`: by user name or `provider:subject`. */
  sessions(user?: string): Promise<SessionsAnswer>
  endSession(sid: string): Promise<RevokeAnswer>
  /** All sessions of somebody, given like `user` above. */
  endSessionsOf(user: string): Promise<RevokeAnswer>
  signingKeys(): Promise<SigningKeysAnswer>
  rotateKeys(): Promise<SigningKeysAnswer>
  /** Has the configuration read again. */
  reload(): Promise<ReloadAnswer>
}

/** What leads to a gateway: flags of the command. */
export interface AdminOptions {
  readonly gateway?: string | undefined
  readonly config?: string | undefined
}

/** Finds the gateway and its keys: flags first, then configuration and environment, then kept keys. */
export async function openAdmin({ gateway, config: file }: AdminOptions, io: Io): Promise<Admin> {
  const env = await withKeptKey(io)
  const { config } = await loadConfig({ directory: io.directory, file, env }).catch((error) => {
    throw isHalfAPair(error) && env.HYDRA_PUBLIC_KEY ? halfAPair() : error
  })
  const named = env.HYDRA_GATEWAY?.trim()
  const url =
    gateway !== undefined
      ? readUrl(gateway, '--gateway')
      : named
        ? await firstThatAnswers(
            named.split(',').map((one) => readUrl(one.trim(), 'HYDRA_GATEWAY')),
            io,
          )
        : addressOf(config)
  const trust = url.startsWith('https:') ? keptCertificate(io) : []
  const given = { publicKey: config.keys.publicKey[0], privateKey: config.keys.privateKey[0] }
  const kept = given.publicKey ? undefined : await keptKeys(io)
  const keys = kept ?? given
  const credentials = Buffer.from(`${keys.publicKey}:${keys.privateKey}`).toString('base64')

  /** What answers otherwise than by the schema is no gateway; what the schema doesn't know is kept. */
  async function call<Answer>(
    method: string,
    path: string,
    schema: Schema<Answer>,
    body?: unknown,
  ): Promise<Answer> {
    const response = await askGateway(url, method, path, { credentials, trust, body })
    const answer = parseJson(response.body)
    if (response.status === 200 && schema.safeParse(answer).success) return answer as Answer
    throw refusalOf(response.status, answer, method !== 'GET')
  }
  /** `isAction`: a problem is about the one thing that was asked for; a gateway without the API at all has no such detail. */
  function refusalOf(status: number, answer: unknown, isAction: boolean): CommandError {
    if (status === 401) {
      const from = kept ? relative(io.directory, kept.file) : 'the configuration and environment'
      return new CommandError(
        `The gateway at ${url} does not know these keys`,
        EXIT.noGateway,
        `; they come from ${from}. Is it another gateway you mean? Name it with --gateway URL or HYDRA_GATEWAY. Otherwise set HYDRA_PUBLIC_KEY and HYDRA_PRIVATE_KEY to its own.`,
      )
    }
    const { data: refusal } = problem.safeParse(answer)
    if (refusal?.detail && (isAction || REFUSALS.has(refusal.code)))
      return new CommandError(sentence(printable(refusal.detail)), EXIT.problem)
    return new CommandError(
      `${url} answers ${status}, not as a Hydra gateway would`,
      EXIT.noGateway,
      '. Is its admin API at another port (HYDRA_CONTROL_PORT)? Name it with --gateway URL.',
    )
  }
  return {
    url,
    stream: (path, headers, { onText, onEnd }) =>
      askStream(new URL(path, url), {
        headers: { ...headers, authorization: `Basic ${credentials}`, accept: 'text/event-stream' },
        trust,
        onText,
        onEnd: (error) => onEnd(error && unreachable(url, error)),
        onRefused: (status, body) => onEnd(refusalOf(status, parseJson(body), false)),
      }),
    services: () => call('GET', '/_hydra/api/v1/services', servicesAnswer),
    routes: () => call('GET', '/_hydra/api/v1/routes', routesAnswer),
    xray: (to) => call('POST', '/_hydra/api/v1/xray', xrayAnswer, { to }),
    fragments: () => call('GET', '/_hydra/api/v1/fragments', fragmentsAnswer),
    menus: () => call('GET', '/_hydra/api/v1/menus', menusAnswer),
    nodes: () => call('GET', '/_hydra/api/v1/nodes', nodesAnswer),
    sessions(user) {
      const query = new URLSearchParams({ limit: '1000', ...(user === undefined ? {} : { user }) })
      return call('GET', `/_hydra/api/v1/sessions?${query}`, sessionsAnswer)
    },
    endSession: (sid) => call('DELETE', `/_hydra/api/v1/sessions/${encodeURIComponent(sid)}`, revokeAnswer),
    endSessionsOf: (user) => call('POST', '/_hydra/api/v1/revocations', revokeAnswer, { user }),
    signingKeys: () => call('GET', '/_hydra/api/v1/keys', signingKeysAnswer),
    reload: () => call('POST', '/_hydra/api/v1/reload', reloadAnswer),
    rotateKeys: () => call('POST', '/_hydra/api/v1/keys/rotate', signingKeysAnswer),
    drain: (service, instance) => call('POST', `${pathOf(service)}/drain`, drainAnswer, { instance }),
    resume: (service, instance) => call('POST', `${pathOf(service)}/resume`, drainAnswer, { instance }),
    async forget(service) {
      await call('DELETE', pathOf(service), forgetAnswer)
    },
  }
}

/** Throws for a service nobody knows: a name with a slip in it would otherwise read like one that has nothing. */
export async function mustBeKnown(service: string, admin: Admin): Promise<void> {
  const names = (await admin.services()).services.map(({ name }) => name)
  if (names.includes(service)) return
  throw new CommandError(
    `No service is called ${printable(service)}${didYouMean(service, names)}`,
    EXIT.problem,
  )
}

const pathOf = (service: string) => `/_hydra/api/v1/services/${encodeURIComponent(service)}`

interface Schema<Answer> {
  safeParse(value: unknown): { readonly success: true; readonly data: Answer } | { readonly success: false }
}

/** Problems that are about what was asked, and not about who answers. */
const REFUSALS: ReadonlySet<string> = new Set(['HYDRA_CONFLICT', 'HYDRA_BAD_REQUEST', 'HYDRA_OVERLOADED'])

interface Access {
  readonly credentials: string
  readonly trust: readonly string[]
  /** Sent as JSON. */
  readonly body?: unknown
}

async function askGateway(
  url: string,
  method: string,
  path: string,
  { credentials, trust, body }: Access,
): Promise<Asked> {
  try {
    const headers = { authorization: `Basic ${credentials}`, accept: 'application/json' }
    return await ask(new URL(path, url), {
      method,
      headers,
      trust,
      ...(body === undefined ? {} : { json: body }),
    })
  } catch (error) {
    throw unreachable(url, error)
  }
}

function unreachable(url: string, error: unknown): CommandError {
  const { code, message } = error as NodeJS.ErrnoException
  return new CommandError(
    `No gateway answers at ${url}`,
    EXIT.noGateway,
    ` (${code ?? message}). Start one with  hydra start  or name it with  --gateway URL`,
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Where a gateway of this machine with this configuration answers. */
function addressOf({ host, port: publicPort, controlPort, tls }: Config): string {
  const port = controlPort ?? publicPort
  if (port === 0)
    throw new CommandError(
      'The configured port is 0, any free one',
      EXIT.usage,
      '. Name the gateway with --gateway URL',
    )
  const scheme = tls !== undefined && controlPort === undefined ? 'https' : 'http'
  return `${scheme}://${localUrlHost(host)}:${port}`
}

/** The certificate a gateway started in this directory made for itself, if it did. */
function keptCertificate({ directory }: Io): string[] {
  try {
    return [readFileSync(join(directory, '.hydra/tls/self-signed.crt'), 'utf8')]
  } catch {
    return []
  }
}

/** Services are told of every node; a command asks the first that is there. */
async function firstThatAnswers(urls: readonly string[], io: Io): Promise<string> {
  if (urls.length > 1)
    for (const url of urls) {
      const trust = url.startsWith('https:') ? keptCertificate(io) : []
      const answer = ask(new URL('/health', url), { method: 'GET', headers: {}, trust })
      if (await answer.then(Boolean, () => false)) return url
    }
  return urls[0]!
}

function readUrl(text: string, from: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return new URL(text).origin
  throw new CommandError(`${from} is "${text}"; write an address such as http://localhost:8080`, EXIT.usage)
}

/**
 * The environment, with the private key that was kept beside the public one where only that is given: services need
 * no more, and whoever exported it for one has it here.
 */
async function withKeptKey({ directory, env }: Io): Promise<Io['env']> {
  const { HYDRA_PUBLIC_KEY: given, HYDRA_PRIVATE_KEY, HYDRA_PRIVATE_KEY_FILE } = env
  if (!given || (HYDRA_PRIVATE_KEY ?? HYDRA_PRIVATE_KEY_FILE) !== undefined) return env
  // A file that can't be read is none of ours to complain about: there may be another private key.
  const kept = await findKeptKeys(directory).catch(() => undefined)
  return kept?.publicKey === given.trim() ? { ...env, HYDRA_PRIVATE_KEY: kept.privateKey } : env
}

function isHalfAPair(error: unknown): boolean {
  return (
    error instanceof ConfigError && error.problems.length === 1 && error.problems[0]!.at === 'keys.privateKey'
  )
}

function halfAPair(): CommandError {
  return new CommandError(
    'HYDRA_PUBLIC_KEY is set, but HYDRA_PRIVATE_KEY is not',
    EXIT.noGateway,
    `. Set both to those of the gateway; or unset it, and call this in the directory the gateway was started in, or below it: it keeps both in ${KEYS_FILE}.`,
  )
}

/** Keys a gateway started in this directory, or in the nearest one above it, made up. */
async function keptKeys(io: Io): Promise<{ publicKey: string; privateKey: string; file: string }> {
  try {
    const kept = await findKeptKeys(io.directory)
    if (kept) return kept
  } catch (error) {
    if (!(error instanceof KeysError)) throw error
    throw new CommandError('The kept keys can’t be used', EXIT.noGateway, `: ${error.message}`)
  }
  throw new CommandError(
    'There are no keys to ask a gateway with',
    EXIT.noGateway,
    `. Set HYDRA_PUBLIC_KEY and HYDRA_PRIVATE_KEY, or call this in the directory the gateway was started in, or below it: it keeps its keys in ${KEYS_FILE}.`,
  )
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}
