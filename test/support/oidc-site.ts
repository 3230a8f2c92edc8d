/**
 * A gateway whose people come from OpenID Connect providers, with one service: everybody may see it, `/private` only
 * who is signed in, and `/partners` only whom the provider `partner` knows.
 *
 * @module
 */
import type { TestContext } from 'node:test'
import type { ConfigInput } from '@hydra-gateway/gateway'
import type { CookieBrowser } from './cookie-browser.ts'
import { startGateway, type TestGateway } from './gateway.ts'
import { startUpstream } from './upstream.ts'

type IdentityInput = NonNullable<ConfigInput['identity']>

export interface OidcSite {
  readonly url: string
  readonly gateway: TestGateway
  lines(): readonly Record<string, unknown>[]
  /** Whether something was written down so often. */
  logged(message: string, times?: number): boolean
  /** Why sign-ins were refused, so far. */
  refusals(): readonly unknown[]
  /** Whether whoever uses a browser may see what is for people who are signed in. */
  admits(browser: CookieBrowser): Promise<boolean>
}

export async function startOidcSite(
  t: Pick<TestContext, 'after'>,
  {
    port,
    providers,
    users = {},
    identity = {},
  }: {
    readonly port: number
    readonly providers: NonNullable<IdentityInput['providers']>
    /** Passwords by name. */
    readonly users?: Readonly<Record<string, string>>
    readonly identity?: IdentityInput
  },
): Promise<OidcSite> {
  const service = await startUpstream(t, 'home')
  const url = `http://127.0.0.1:${port}`
  const gateway = await startGateway(t, {
    port,
    publicUrl: url,
    identity: {
      database: false,
      users: Object.entries(users).map(([username, password]) => ({ username, password })),
      providers,
      rules: [
        { path: '/private', auth: 'required' },
        ...('partner' in providers ? [{ path: '/partners', providers: ['partner'] }] : []),
      ],
      ...identity,
    },
    services: {
      home: { url: `http://127.0.0.1:${service.port}`, routes: ['/', '/{path*}'], login: 'cookie' },
    },
  })
  return {
    url,
    gateway,
    lines: () => gateway.lines,
    logged: (message, times = 1) => gateway.lines.filter(({ msg }) => msg === message).length >= times,
    refusals: () => gateway.lines.filter(({ msg }) => msg === 'sign-in refused').map(({ reason }) => reason),
    async admits(browser) {
      const { status } = await browser.get(`${url}/private`, {
        accept: 'application/json',
        'sec-fetch-mode': 'cors',
        'sec-fetch-dest': 'empty',
      })
      return status === 200
    },
  }
}
