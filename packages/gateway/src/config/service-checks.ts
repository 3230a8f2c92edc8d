/**
 * What the schema of `services` can't say: what depends on whether people sign in at this gateway, and by whom.
 *
 * @module
 */
import { LOCAL_PROVIDER } from '@hydra-gateway/protocol'
import type { Report } from './file-checks.ts'
import { type SettingPath, valueAt } from './problems.ts'
import { isSignInPath } from './services.ts'

/** Reports what is wrong with `services` of `given`. Passes over what the schema will complain about. */
export function checkServices(given: unknown, report: Report): void {
  const providers = namesAt(given, ['identity', 'providers'])
  const hasLogin =
    providers.length > 0 ||
    namesAt(given, ['identity', 'users']).length > 0 ||
    typeof valueAt(given, ['identity', 'database']) === 'string'
  const known = [LOCAL_PROVIDER, ...providers]
  const check = (path: SettingPath): void => {
    for (const i of namesAt(given, [...path, 'providers'])) {
      const name = valueAt(given, [...path, 'providers', Number(i)])
      if (typeof name === 'string' && !known.includes(name))
        report([...path, 'providers', Number(i)], JSON.stringify(name), `one of: ${known.join(', ')}`)
    }
  }
  for (const service of namesAt(given, ['services'])) {
    const path = ['services', service]
    check(path)
    for (const i of namesAt(given, [...path, 'routes'])) {
      const route = [...path, 'routes', Number(i)]
      if (typeof valueAt(given, route) === 'object') check(route)
      if (hasLogin) checkPath(given, route, report)
    }
    for (const i of namesAt(given, [...path, 'fragments'])) {
      const fragment = [...path, 'fragments', Number(i)]
      if (typeof valueAt(given, fragment) === 'object') check(fragment)
    }
  }
}

function checkPath(given: unknown, route: SettingPath, report: Report): void {
  const path = valueAt(given, [...route, 'path'])
  const dialect = valueAt(given, [...route, 'dialect'])
  const isShort = typeof valueAt(given, route) === 'string'
  if (typeof path !== 'string' || !isSignInPath(isShort ? undefined : dialect, path)) return
  const write = 'another path: this one belongs to the gateway while people sign in there (identity)'
  report(isShort ? route : [...route, 'path'], JSON.stringify(path), write)
}

function namesAt(given: unknown, path: SettingPath): string[] {
  const value = valueAt(given, path)
  return typeof value === 'object' && value !== null ? Object.keys(value) : []
}
