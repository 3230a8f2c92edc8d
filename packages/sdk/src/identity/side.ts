/**
 * All that a service has of identity, put together: the gateway's keys, tokens verified by them, fake users.
 *
 * @module
 */
import type { Overview, RegistrationResponse } from '@hydra-gateway/protocol'
import type { Connection } from '../connection.ts'
import type { Log } from '../log.ts'
import type { ServiceOptions } from '../options.ts'
import { type Header, headersOfAnything } from '../request.ts'
import { createSeldom } from '../seldom.ts'
import { deferred, within } from '../waiting.ts'
import { announceDevUsers, createDevUsers, type DevUsers } from './dev-users.ts'
import { createKeySet, KEY_TIMES, KeysUnknownError, type KeyTimes } from './key-set.ts'
import { readLogin } from './login.ts'
import type { Verified } from './verified.ts'
import { createVerifier } from './verifier.ts'

export interface IdentitySideDeps {
  readonly options: Pick<ServiceOptions, 'name' | 'login' | 'devUsers'>
  readonly log: Log
  readonly env: Readonly<Record<string, string | undefined>>
  /** Epoch ms. */
  readonly now: () => number
  readonly times?: KeyTimes
}

/** What a request says of who sends it. */
export interface Examined {
  readonly verified: Verified | undefined
  /** It has a token, whether that holds or not. */
  readonly hasToken: boolean
}

export interface IdentitySide {
  /** @throws KeysUnknownError; TypeError for something without headers */
  examine(request: unknown): Promise<Examined>
  /** Whose a token is. @throws KeysUnknownError */
  identify(token: string): Promise<Verified | undefined>
  /** The visitor's token, for what a page asks for in their name; of a fake user its stand-in. */
  readToken(header: Header, request: unknown): string | undefined
  connected(connection: Pick<Connection, 'keys'>): void
  disconnected(): void
  learn(overview: Pick<Overview, 'publicKey' | 'roleMappings'>): void
  registered(answer: Pick<RegistrationResponse, 'publicKey' | 'roleMappings'>): void
}

/**
 * Makes the identity of a service.
 *
 * @throws TypeError for fake users where there must be none
 */
export function createIdentitySide({
  options,
  log,
  env,
  now,
  times = KEY_TIMES,
}: IdentitySideDeps): IdentitySide {
  const { name: service, login = 'cookie', devUsers: fake } = options
  const seldom = createSeldom((sentence) => log.warn(sentence), now)
  const devUsers: DevUsers | undefined = fake && createDevUsers({ users: fake, env, now })
  if (fake) log.warn(announceDevUsers(service, fake))
  // Without the mappings, a role of the gateway would count as the one of that name here.
  const mapped = deferred()
  let roleMappings: Readonly<Record<string, string>> | undefined
  const keys = createKeySet(
    { onGone: () => verifier.forgetGone(), warn: (sentence) => seldom('keys', sentence), times },
    service,
  )
  const verifier = createVerifier({
    service,
    login,
    keys,
    roleMappings: mappings,
    now,
    onFault: (reason) => seldom('fault', `the token of a visitor does not hold: ${reason}`),
  })

  async function mappings(): Promise<Readonly<Record<string, string>>> {
    if (!roleMappings) await within(times.firstMs, mapped.promise)
    if (!roleMappings) throw new KeysUnknownError(service)
    return roleMappings
  }

  function setMappings(next: Readonly<Record<string, string>>): void {
    if (roleMappings && JSON.stringify(roleMappings) === JSON.stringify(next)) return
    roleMappings = next
    verifier.forgetAll()
    mapped.resolve()
  }

  async function examine(request: unknown): Promise<Examined> {
    const header = headersOfAnything(request)
    if (!header)
      throw new TypeError('verify takes a request that has headers, such as the request of your framework')
    if (login === 'none' && !devUsers)
      seldom('none', `${service} has login: 'none', so it is never told who is signed in`)
    const fakeUser = devUsers?.of(request)
    const token = readLogin(header, login)
    if (token === undefined) return { verified: fakeUser, hasToken: false }
    const verified = await verifier.verify(token).catch((fault) => {
      if (!fakeUser) throw fault
    })
    return { verified: verified ?? fakeUser, hasToken: true }
  }

  return {
    examine,
    identify: async (token) => devUsers?.byToken(token) ?? verifier.verify(token),
    readToken: (header, request) => readLogin(header, login) ?? devUsers?.of(request)?.token,
    connected: (connection) => keys.connected(() => connection.keys()),
    disconnected: () => keys.disconnected(),
    learn(overview) {
      // What is sent to all services names no mappings.
      if (Object.keys(overview.roleMappings ?? {}).length > 0) setMappings(overview.roleMappings)
      keys.learn(overview.publicKey)
    },
    registered(answer) {
      setMappings(answer.roleMappings ?? {})
      keys.learn(answer.publicKey)
    },
  }
}
