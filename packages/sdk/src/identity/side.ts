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
import { announceDevUsers, createDevUsers, type DevUsers } from './dev-users.ts'
import { createKeySet } from './key-set.ts'
import { readLogin } from './login.ts'
import type { Verified } from './verified.ts'
import { createVerifier } from './verifier.ts'

export interface IdentitySideDeps {
  readonly options: Pick<ServiceOptions, 'name' | 'login' | 'devUsers'>
  readonly log: Log
  readonly env: Readonly<Record<string, string | undefined>>
  /** Epoch ms. */
  readonly now: () => number
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
  learn(told: Pick<Overview, 'publicKey' | 'roleMappings'> | RegistrationResponse): void
}

/**
 * Makes the identity of a service.
 *
 * @throws TypeError for fake users where there must be none
 */
export function createIdentitySide({ options, log, env, now }: IdentitySideDeps): IdentitySide {
  const { name: service, login = 'cookie', devUsers: fake } = options
  const seldom = createSeldom((sentence) => log.warn(sentence), now)
  const devUsers: DevUsers | undefined = fake && createDevUsers({ users: fake, env, now })
  if (fake) log.warn(announceDevUsers(service, fake))
  let roleMappings: Readonly<Record<string, string>> = {}
  let mapped = ''
  const keys = createKeySet(
    { onGone: () => verifier.forgetGone(), warn: (sentence) => seldom('keys', sentence) },
    service,
  )
  const verifier = createVerifier({
    service,
    login,
    keys,
    roleMappings: () => roleMappings,
    now,
    onFault: (reason) => seldom('fault', `the token of a visitor does not hold: ${reason}`),
  })

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
    learn(told) {
      const text = JSON.stringify(told.roleMappings ?? {})
      if (text !== mapped) {
        mapped = text
        roleMappings = told.roleMappings ?? {}
        verifier.forgetAll()
      }
      keys.learn(told.publicKey)
    },
  }
}
