/**
 * What is wrong with files that settings name, in the words of a problem.
 *
 * @module
 */
import type { SettingPath } from './problems.ts'
import { readPem } from './settle.ts'

/** A fault: where, what is there, what to write. */
export type Report = (path: SettingPath, is: string, write: string) => void

/** Whether there are certificates in `given`, or in the file it names; reports when not. */
export function checkCertificates(
  given: string,
  directory: string,
  path: SettingPath,
  report: Report,
): boolean {
  const write = 'certificates in PEM form, or the path of a file with them'
  try {
    if (readPem(given, directory).includes('-----BEGIN CERTIFICATE-----')) return true
    report(path, 'without a certificate', write)
  } catch (error) {
    report(path, readFault(error), write)
  }
  return false
}

export function readFault(error: unknown): string {
  return `a file that can't be read (${(error as NodeJS.ErrnoException).code})`
}
