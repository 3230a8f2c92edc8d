/**
 * What a schema can't say: settings that don't fit together, and files that aren't there.
 *
 * Looks at what was given, before it is parsed and whatever else is wrong with it, so that all problems can be
 * reported together; passes over everything the schema will complain about.
 *
 * @module
 */
import { checkIdentity } from './identity-checks.ts'
import { type SettingPath, valueAt } from './problems.ts'
import { checkServices } from './service-checks.ts'
import { readPem } from './settle.ts'

/** A fault: where, what is there, what to write. */
export type Report = (path: SettingPath, is: string, write: string) => void

/** Reports what is wrong between settings of `given`, and with the files it names. */
export function checkTogether(
  given: unknown,
  { directory, isProduction }: { directory: string; isProduction: boolean },
  report: Report,
  nameOf?: (path: SettingPath) => string,
): void {
  checkPorts(given, report)
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

function checkCertificates(ca: string, directory: string, path: SettingPath, report: Report): void {
  const write = 'certificates in PEM form, or the path of a file with them'
  try {
    if (!readPem(ca, directory).includes('-----BEGIN CERTIFICATE-----'))
      report(path, 'without a certificate', write)
  } catch (error) {
    report(path, `a file that can't be read (${(error as NodeJS.ErrnoException).code})`, write)
  }
}
