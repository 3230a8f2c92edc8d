/**
 * A real OpenID Connect provider (`oidc-provider`) on a free port, with a small proxy before it: what a real provider
 * never does wrong, the proxy does.
 *
 * @module
 */
import { createHmac, generateKeyPairSync, randomUUID, sign as signBytes } from 'node:crypto'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import Provider from 'oidc-provider'

export interface OidcClient {
  readonly clientId: string
  /** Absent: a public client. */
  readonly clientSecret?: string
  /** Gateways: their callbacks, and where people go who signed out, are derived from it. */
  readonly site: string
  /** Name of the provider in the gateway's configuration. */
  readonly provider: string
}

/** A whole answer of the provider, on its way through the proxy. Change it in place. */
export interface OidcAnswer {
  status: number
  headers: Record<string, string | string[]>
  body: string
}

export interface TestOidc {
  readonly issuer: string
  readonly port: number
  /** Requests that came, `GET /token`. */
  readonly requests: string[]
  /** What went wrong on its side: a back-channel logout nobody took, and its own faults. */
  readonly errors: string[]
  /** Who signs in at its page without being asked; undefined: a form asks for a user name. `denied`: nobody may. */
  account: string | undefined
  /** Changes answers to paths that begin so. */
  alter(path: string, change: (answer: OidcAnswer) => void): void
  /** Changes the ID token of every token answer, and signs it again with the provider's key. */
  alterIdToken(change: (claims: Record<string, unknown>) => void): void
  /** Answers to paths that begin so never come. */
  hang(path: string): void
  /** A real provider again. */
  behave(): void
  /** Signed with the provider's key, unless the header says something else. */
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): string
  /** Claims of a logout token as they have to be. */
  logoutClaims(clientId: string, more?: Record<string, unknown>): Record<string, unknown>
  /** Closes the port. Everything else stays as it is. */
  stop(): Promise<void>
  start(): Promise<void>
}

export interface OidcOptions {
  readonly clients: readonly OidcClient[]
  /** Claims by user name; `sub` is the name unless they say something else. */
  readonly accounts: Readonly<Record<string, Record<string, unknown>>>
  /** @default alice */
  readonly account?: string
  /** @default any free one */
  readonly port?: number
  /** Does not listen yet. */
  readonly stopped?: boolean
  /** Puts all claims into the ID token, as many providers do. @default false */
  readonly fatIdToken?: boolean
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** Starts a provider; it is stopped when the test ends. */
export async function startOidc(t: Pick<TestContext, 'after'>, options: OidcOptions): Promise<TestOidc> {
  const { accounts, clients } = options
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = randomUUID()
  const alterations: { path: string; change: (answer: OidcAnswer) => void }[] = []
  const hanging: string[] = []

  const front = createServer((incoming, response) => void pass(incoming, response))
  const port = await listen(front, options.port ?? 0)
  const issuer = `http://127.0.0.1:${port}`
  const claimNames = [...new Set(Object.values(accounts).flatMap((one) => Object.keys(one)))]
  const provider = new Provider(issuer, {
    clients: clients.map(clientOf),
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }] },
    findAccount: (_: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({ ...accounts[sub], sub }),
    }),
    claims: { openid: ['sub'], profile: claimNames, email: [] },
    conformIdTokenClaims: options.fatIdToken !== true,
    discovery: options.metadata ?? {},
    pkce: { required: () => true },
    // Browsers don't tell ports apart where cookies are concerned.
    cookies: {
      keys: [randomUUID()],
      names: Object.fromEntries(
        ['session', 'interaction', 'resume'].map((name) => [name, `_${name}_${port}`]),
      ),
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource },
    },
    // Its own dispatcher keeps it from asking anybody on this machine: here that is where everybody is.
    fetch: (url: string | URL, { dispatcher: _, ...options }: RequestInit & { dispatcher?: unknown }) =>
      fetch(url, options),
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 600, IdToken: 600 },
    // Nobody is asked whether the gateway may know who they are.
    async loadExistingGrant(ctx: OidcContext) {
      const { client, session, provider } = ctx.oidc
      const id = session.grantIdFor(client.clientId)
      if (id !== undefined) return provider.Grant.find(id)
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    },
  })
  const serve = provider.callback()
  const inner = createServer((incoming, response) => {
    if (incoming.url?.startsWith('/interaction/')) void interact(incoming, response)
    else serve(incoming, response)
  })
  const innerPort = await listen(inner, 0)
  for (const event of ['backchannel.error', 'server_error']) {
    provider.on(event, (_, error) => void oidc.errors.push(String((error as Error)?.cause ?? error)))
  }

  const oidc: TestOidc = {
    issuer,
    port,
    requests: [],
    errors: [],
    account: options.account ?? 'alice',
    alter: (path, change) => void alterations.push({ path, change }),
    alterIdToken(change) {
      oidc.alter('/token', (answer) => {
        const body = JSON.parse(answer.body) as { id_token: string }
        const claims = payloadOf(body.id_token)
        change(claims)
        answer.body = JSON.stringify({ ...body, id_token: oidc.sign(claims) })
      })
    },
    hang: (path) => void hanging.push(path),
    behave() {
      alterations.length = 0
      hanging.length = 0
    },
    sign: (claims, header = {}) => signJwt({ alg: 'RS256', kid, typ: 'JWT', ...header }, claims),
    logoutClaims(clientId, more = {}) {
      const now = Math.floor(Date.now() / 1000)
      return {
        iss: issuer,
        aud: clientId,
        iat: now,
        exp: now + 120,
        jti: randomUUID(),
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        ...more,
      }
    },
    stop: () => close(front),
    async start() {
      await listen(front, port)
    },
  }
  if (options.stopped) await oidc.stop()
  t.after(async () => {
    await Promise.all([front, inner].map(close))
  })
  return oidc

  function signJwt(header: Record<string, unknown>, claims: Record<string, unknown>): string {
    const text = [header, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    const { alg } = header
    if (alg === 'none') return `${text}.`
    // The mistake of old libraries: the public key, which everybody has, as the secret.
    const publicKey = JSON.stringify(privateKey.export({ format: 'jwk' }).n)
    const signature =
      alg === 'HS256'
        ? createHmac('sha256', publicKey).update(text).digest()
        : signBytes('sha256', Buffer.from(text), privateKey)
    return `${text}.${signature.toString('base64url')}`
  }

  /** The simplest page that asks who it is. */
  async function interact(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const given = new URL(incoming.url!, issuer).searchParams.get('login') ?? oidc.account
      if (given === 'denied') {
        const result = { error: 'access_denied', error_description: 'not you' }
        return await provider.interactionFinished(incoming, response, result)
      }
      if (given !== undefined && given in accounts) {
        return await provider.interactionFinished(incoming, response, { login: { accountId: given } })
      }
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end(`<!doctype html><title>Sign in at the provider</title>
<form><label>User name <input name="login" autofocus></label><button>Sign in</button></form>`)
    } catch (error) {
      response.writeHead(400).end(String(error))
    }
  }

  /** The proxy: the provider's answer, whole, and changed where the test says so. */
  async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = incoming.url ?? '/'
    oidc.requests.push(`${incoming.method} ${path.split('?')[0]}`)
    const body = await textOf(incoming)
    if (hanging.some((begin) => path.startsWith(begin))) return
    const { method, headers } = incoming
    const upstream = request(
      { host: '127.0.0.1', port: innerPort, path, method, headers },
      async (answered) => {
        const answer: OidcAnswer = {
          status: answered.statusCode!,
          headers: Object.fromEntries(
            Object.entries(answered.headers).flatMap(([name, value]) =>
              value === undefined || name === 'content-length' || name === 'transfer-encoding'
                ? []
                : [[name, value]],
            ),
          ),
          body: await textOf(answered),
        }
        for (const { path: begin, change } of alterations) if (path.startsWith(begin)) change(answer)
        response.writeHead(answer.status, answer.headers).end(answer.body)
      },
    )
    upstream.on('error', () => response.destroy())
    upstream.end(body)
  }
}

interface OidcContext {
  readonly oidc: {
    readonly client: { readonly clientId: string }
    readonly session: { readonly accountId: string; grantIdFor(clientId: string): string | undefined }
    readonly provider: {
      readonly Grant: {
        new (facts: {
          clientId: string
          accountId: string
        }): { addOIDCScope(scope: string): void; save(): Promise<string> }
        find(id: string): Promise<unknown>
      }
    }
  }
}

function clientOf({ clientId, clientSecret, site, provider }: OidcClient): Record<string, unknown> {
  return {
    client_id: clientId,
    ...(clientSecret === undefined
      ? { token_endpoint_auth_method: 'none' }
      : { client_secret: clientSecret }),
    redirect_uris: [`${site}/_hydra/login/${provider}/callback`],
    post_logout_redirect_uris: [`${site}/login?logout`],
    backchannel_logout_uri: `${site}/_hydra/logout/${provider}`,
    backchannel_logout_session_required: true,
  }
}

/** Signs out without a question. */
function logoutSource(ctx: { body: string }, form: string): void {
  ctx.body = `<!doctype html><title>Sign out at the provider</title>${form}
<button form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>`
}

/** Claims of a token, unchecked. */
export function payloadOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
