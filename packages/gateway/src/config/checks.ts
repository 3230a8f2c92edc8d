/**
 * What a schema can't say: settings that don't fit together, and files that aren't there.
 *
 * Looks at what was given, before it is parsed and whatever else is wrong with it, so that all problems can be
 * reported together; passes over everything the schema will complain about.
 *
 * @module
 */
import { checkCertificates, type Report } from './file-checks.ts'
import { checkIdentity } from './identity-checks.ts'
import { type SettingPath, valueAt } from './problems.ts'
import { checkRedis } from './redis-checks.ts'
import { checkServices } from './service-checks.ts'
import { isYes } from './setting.ts'

/** Reports what is wrong between settings of `given`, and with the files it names. */
export function checkTogether(
  given: unknown,
  { directory, isProduction }: { directory: string; isProduction: boolean },
  report: Report,
  nameOf?: (path: SettingPath) => string,
): void {
  checkPorts(given, report)
  checkRedis(given, directory, report)
  checkFlywheel(given, report)
  checkIdentity(given, { directory, isProduction }, report, nameOf)
  checkServices(given, report)
  const services = valueAt(given, ['services'])
  if (typeof services !== 'object' || services === null) return
  for (const name of Object.keys(services)) {
    const path = ['services', name, 'tls', 'ca']
    const ca = valueAt(given, path)
    if (typeof ca === 'string' && ca !== '') checkCertificates(ca, directory, path, report)
  }
}

/** The library selects databases by number, which a Cluster does not have, and publishes and watches keys of all slots. */
function checkFlywheel(given: unknown, report: Report): void {
  const isOn = isYes(valueAt(given, ['flywheel', 'enabled']))
  const url = valueAt(given, ['redis', 'url'])
  if (!isOn || typeof url !== 'string' || !/^rediss?\+cluster:/.test(url)) return
  report(
    ['flywheel', 'enabled'],
    'on, beside a Redis Cluster in redis.url',
    'redis.url of a single server or of Sentinel, where hydra services are too; or false',
  )
}

function checkPorts(given: unknown, report: Report): void {
  const taken = new Map([[Number(valueAt(given, ['port']) ?? 8080), 'port']])
  for (const name of ['controlPort', 'rsocketPort']) {
    const number = Number(valueAt(given, [name]))
    if (!Number.isSafeInteger(number) || number === 0) continue
    const other = taken.get(number)
    if (other) report([name], String(number), `another port: this one is ${other}`)
    taken.set(number, name)
  }
}
