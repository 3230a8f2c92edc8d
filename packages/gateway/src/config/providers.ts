/**
 * OpenID Connect providers, as an operator writes them down.
 *
 * @module
 */
import { isLoopback, LOCAL_PROVIDER, RESERVED_CLAIMS } from '@hydra-gateway/protocol'
import { z } from 'zod'
import { duration, flag, secret, setting, text } from './setting.ts'

const NAME = /^[a-z][a-z0-9-]{0,63}$/
const WRITE_NAME = 'a name of lower-case letters, digits and dashes, up to 64'

/** Name of a provider where one is meant: `local` is user name and password. */
export function providerName() {
  return setting<string, string>(WRITE_NAME, (given) =>
    typeof given === 'string' && NAME.test(given) ? given : undefined,
  )
}

/** Name a provider may be given: it stands in URLs and in `sub` of tokens. */
export const newProviderName = z.string().superRefine((name, context) => {
  if (NAME.test(name) && name !== LOCAL_PROVIDER) return
  const write = name === LOCAL_PROVIDER ? 'another name: local stands for user name and password' : WRITE_NAME
  context.addIssue({ code: 'custom', message: write, params: { write } })
})

const WRITE_ISSUER = 'the issuer as the provider states it, such as https://login.example.com/realms/shop'

/** An https or http address without query and fragment, exactly as it was written: issuers are compared as text. */
const issuer = () =>
  setting<string, string>(WRITE_ISSUER, (given) => {
    if (typeof given !== 'string' || given.length > 2048 || !URL.canParse(given)) return undefined
    const { protocol, search, hash, username, password } = new URL(given)
    const isBare = !search && !hash && !username && !password && !/[?#\s]/.test(given)
    return isBare && (protocol === 'https:' || protocol === 'http:') ? given : undefined
  })

const claim = () => text('the name of a claim', 256)
const role = () => text('the name of a role', 128)
const roles = () => z.array(role()).max(64)

const fact = () =>
  setting<string, string>('the name of a claim that has no meaning of its own in a token', (given) =>
    typeof given === 'string' && given !== '' && given.length <= 128 && !RESERVED_CLAIMS.has(given)
      ? given
      : undefined,
  )

/** A system that knows people and speaks OpenID Connect. */
export const oidcProvider = z
  .strictObject({
    issuer: issuer().describe('Its address; `/.well-known/openid-configuration` is asked for below it.'),
    clientId: text('the id the gateway has at the provider', 1024).describe('Who we are there.'),
    clientSecret: secret('the secret the gateway has at the provider', 4096)
      .optional()
      .describe('Our secret there. Not set: a public client, which PKCE alone protects.'),
    clientSecretFile: text('the path of a file with the secret', 4096)
      .optional()
      .describe('A file with it instead.'),
    label: text('what the login page calls it', 64)
      .optional()
      .describe('What the login page calls it. Not set: its name, with a capital.'),
    scopes: z
      .array(text('a scope', 128))
      .max(64)
      .prefault(['openid', 'profile', 'email'])
      .describe('What is asked for; `openid` always is.'),
    usernameClaim: claim()
      .optional()
      .describe(
        'Claim with the user name. Not set: `preferred_username`, `email` if the provider says that it is verified, or `sub`.',
      ),
    rolesClaim: claim()
      .optional()
      .describe('Claim with roles or groups; dots reach into objects: `realm_access.roles`.'),
    roles: z
      .record(text('a value of the claim', 256), role())
      .optional()
      .describe('Role at the gateway by value of that claim. Values that don’t stand here give none.'),
    defaultRoles: roles().prefault([]).describe('Roles of everybody who comes by this provider.'),
    claims: z.array(fact()).max(64).prefault([]).describe('Claims to take over into the token.'),
    logout: flag()
      .prefault(true)
      .describe('Sign out there too when somebody signs out here, if the provider can.'),
    timeout: duration().prefault('5s').describe('For one call at the provider.'),
    allowInsecure: flag()
      .prefault(false)
      .describe('Take an http issuer that is not on this machine. For trying things out only.'),
  })
  .superRefine(({ issuer, allowInsecure, clientSecret, clientSecretFile, rolesClaim, roles }, context) => {
    const add = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (!allowInsecure && !isSecureOrLocal(issuer)) add('issuer', 'an https address')
    if (clientSecret && clientSecretFile)
      add('clientSecretFile', 'one of the two: clientSecret is there as well')
    if (!rolesClaim !== !roles)
      add(
        roles ? 'rolesClaim' : 'roles',
        'both rolesClaim and roles, or neither: only values that are mapped give roles',
      )
  })
  .describe('Another system that knows people.')

/** https, or http that does not leave this machine. */
export function isSecureOrLocal(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return protocol === 'https:' || host === 'localhost' || host.endsWith('.localhost') || isLoopback(host)
}
