/**
 * What the schema of `identity` can't say: what depends on other settings, on files, or on where the gateway runs.
 *
 * @module
 */
import { LOCAL_PROVIDER } from '@hydra-gateway/protocol'
import type { Report } from './file-checks.ts'
import { readLoginTemplate, readSecretFile, readSigningKeys, signingKeyFault } from './identity-files.ts'
import { formatPath, type SettingPath, valueAt } from './problems.ts'
import { isSecureOrLocal } from './providers.ts'
import { readOrigin } from './setting.ts'

const HOW_TO_HASH = 'passwordHash, which `hydra users hash` makes'

/**
 * Reports what is wrong with `identity` of `given`. Passes over what the schema will complain about. `nameOf`: what a
 * setting is called where it was set.
 */
export function checkIdentity(
  given: unknown,
  { directory, isProduction }: { directory: string; isProduction: boolean },
  report: Report,
  nameOf: (path: SettingPath) => string = formatPath,
): void {
  checkUsers(given, isProduction, report, nameOf)
  checkProviders(given, directory, report)
  checkNames(given, report)
  checkCookie(given, report)
  checkSigningKeys(given, directory, report)
  checkTemplate(given, directory, report)
}

function checkUsers(
  given: unknown,
  isProduction: boolean,
  report: Report,
  nameOf: (path: SettingPath) => string,
): void {
  const users = valueAt(given, ['identity', 'users'])
  if (!Array.isArray(users)) return
  const allowed = valueAt(given, ['identity', 'allowPlainPasswords'])
  const isAllowed = allowed === undefined ? !isProduction : allowed === true || allowed === 'true'
  const seen = new Map<string, number>()
  users.forEach((user: unknown, index) => {
    const path = ['identity', 'users', index]
    if (typeof user !== 'object' || user === null) return
    const { username, password, passwordHash } = user as Record<string, unknown>
    if (isText(username)) {
      const name = username.normalize('NFC')
      const before = seen.get(name)
      if (before !== undefined)
        report(
          [...path, 'username'],
          `${JSON.stringify(name)}, as of ${nameOf(['identity', 'users', before])}`,
          'another name',
        )
      else seen.set(name, index)
    }
    if (password !== undefined && passwordHash !== undefined)
      report([...path, 'password'], 'set beside passwordHash', 'one of the two')
    else if (password === undefined && passwordHash === undefined)
      report([...path, 'passwordHash'], 'not set', HOW_TO_HASH)
    else if (password !== undefined && !isAllowed)
      report([...path, 'password'], 'in plain text, which is for development only', HOW_TO_HASH)
  })
}

function checkProviders(given: unknown, directory: string, report: Report): void {
  const providers = entriesAt(given, ['identity', 'providers'])
  if (providers.length === 0) return
  const publicUrl = valueAt(given, ['publicUrl'])
  const origin = readOrigin(publicUrl)
  const write =
    'how browsers reach the gateway: providers send people back to an https address, or to this machine'
  if (publicUrl === undefined) report(['publicUrl'], 'not set', write)
  else if (origin !== undefined && !isSecureOrLocal(origin)) report(['publicUrl'], origin, write)
  for (const [name, provider] of providers) {
    const file = valueAt(provider, ['clientSecretFile'])
    if (!isText(file)) continue
    let secret = ''
    const fault = faultOf(() => {
      secret = readSecretFile(file, directory)
    })
    const is = fault ?? (secret === '' ? 'an empty file' : undefined)
    if (is)
      report(['identity', 'providers', name, 'clientSecretFile'], is, 'the path of a file with the secret')
  }
}

/** Rules and mappings that name a provider nobody knows would silently do nothing, or let nobody in. */
function checkNames(given: unknown, report: Report): void {
  const known = [LOCAL_PROVIDER, ...entriesAt(given, ['identity', 'providers']).map(([name]) => name)]
  const check = (name: unknown, path: SettingPath) => {
    if (isText(name) && !known.includes(name))
      report(path, JSON.stringify(name), `one of: ${known.join(', ')}`)
  }
  for (const [index, rule] of entriesAt(given, ['identity', 'rules'])) {
    for (const [i, name] of entriesAt(rule, ['providers']))
      check(name, ['identity', 'rules', Number(index), 'providers', Number(i)])
  }
  for (const [index, mapping] of entriesAt(given, ['identity', 'mappings']))
    check(valueAt(mapping, ['provider']), ['identity', 'mappings', Number(index), 'provider'])
}

function checkCookie(given: unknown, report: Report): void {
  const host = valueAt(given, ['identity', 'cookie', 'host'])
  if (host === undefined || host === false || host === 'false' || valueAt(given, ['tls']) !== undefined)
    return
  if (readOrigin(valueAt(given, ['publicUrl']))?.startsWith('https:')) return
  const write =
    'false, or give the gateway a certificate (tls) or an https publicUrl: browsers want it for such a cookie'
  report(['identity', 'cookie', 'host'], 'true without TLS', write)
}

function checkSigningKeys(given: unknown, directory: string, report: Report): void {
  const signingKeys = valueAt(given, ['identity', 'signingKeys'])
  if (!isText(signingKeys)) return
  const say = (is: string) =>
    report(
      ['identity', 'signingKeys'],
      is,
      'RSA private keys of 2048 bits or more, in PEM form or as the path of a file: openssl genrsa -out signing.pem 2048',
    )
  let keys: readonly string[] = []
  const fault = faultOf(() => {
    keys = readSigningKeys(signingKeys, directory)
  })
  if (fault) say(fault)
  else if (keys.length === 0) say('without a private key')
  else {
    const wrong = keys.map(signingKeyFault).find((each) => each !== undefined)
    if (wrong) say(wrong)
  }
}

function checkTemplate(given: unknown, directory: string, report: Report): void {
  const path = ['identity', 'loginTemplate']
  const template = valueAt(given, path)
  if (!isText(template)) return
  try {
    readLoginTemplate(template, directory)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code) report(path, `a file that can't be read (${code})`, 'the path of an HTML file')
    else report(path, message, 'a file with {{form}}, or with {{fields}} in a form of its own')
  }
}

/** What would be told of plain passwords that are taken; undefined when there are none. */
export function plainPasswordsWarning(
  users: readonly { readonly username: string; readonly password?: string | undefined }[],
): string | undefined {
  const plain = users.flatMap(({ username, password }) => (password === undefined ? [] : [username]))
  if (plain.length === 0) return undefined
  const shown = plain.slice(0, 3).join(', ')
  const names = plain.length > 3 ? `${shown} and ${plain.length - 3} more` : shown
  const whose = plain.length === 1 ? `The password of ${names} stands` : `Passwords of ${names} stand`
  return `${whose} in the configuration in plain text, which is for development. Make a passwordHash: hydra users hash`
}

interface RoleSettings {
  readonly users: readonly { readonly username: string; readonly roles: readonly string[] }[]
  readonly roles: Readonly<Record<string, unknown>>
}

/** Mappings that miss a role somebody has by upper and lower case alone: by name they are another role's. */
export function missedRoleWarnings({ users, roles }: RoleSettings): string[] {
  const mapped = new Map(Object.keys(roles).map((name) => [name.toUpperCase(), name]))
  const missed = new Map<string, string>()
  for (const { username, roles: own } of users) {
    for (const role of own) {
      if (mapped.has(role.toUpperCase()) && !Object.hasOwn(roles, role) && !missed.has(role))
        missed.set(role, username)
    }
  }
  return [...missed].map(
    ([role, username]) =>
      `identity.roles maps ${mapped.get(role.toUpperCase())}, but ${username} has the role ${role}: the mapping is not for it, as case counts here. Write both alike`,
  )
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== ''

function entriesAt(given: unknown, path: SettingPath): [string, unknown][] {
  const value = valueAt(given, path)
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

function faultOf(read: () => void): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    return `a file that can't be read (${(error as NodeJS.ErrnoException).code})`
  }
}
