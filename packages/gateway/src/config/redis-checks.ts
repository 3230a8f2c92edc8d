/**
 * What is wrong with the address of Redis, and with the files its certificates are in: found before anything is started,
 * and by `hydra check`.
 *
 * @module
 */
import { createSecureContext } from 'node:tls'
import { readRedisUrl } from '../store/redis/address.ts'
import { checkCertificates, type Report, readFault } from './file-checks.ts'
import { valueAt } from './problems.ts'
import { REDIS_URL, URL_FORMS } from './redis.ts'
import { readPem } from './settle.ts'

/** Passes over an address that has not even the form of one: the schema says so. */
export function checkRedis(given: unknown, directory: string, report: Report): void {
  const { url, ca, cert, key } = (valueAt(given, ['redis']) ?? {}) as Record<string, unknown>
  if (typeof url === 'string' && REDIS_URL.test(url)) {
    try {
      readRedisUrl(url)
    } catch (error) {
      const fault = (error as Error).message.replace(/^redis\.url /, 'it ')
      report(['redis', 'url'], `set, but not usable: ${fault}`, `the address of Redis: ${URL_FORMS}`)
    }
  }
  if (isText(ca)) checkCertificates(ca, directory, ['redis', 'ca'], report)
  if (isText(cert) && isText(key)) checkPair({ cert, key }, directory, report)
}

const isText = (given: unknown): given is string => typeof given === 'string' && given !== ''

function checkPair(pair: { cert: string; key: string }, directory: string, report: Report): void {
  const { cert } = pair
  if (!checkCertificates(cert, directory, ['redis', 'cert'], report)) return
  const write = 'the key of redis.cert in PEM form, or the path of a file with it'
  let key: string
  try {
    key = readPem(pair.key, directory)
  } catch (error) {
    report(['redis', 'key'], readFault(error), write)
    return
  }
  try {
    createSecureContext({ cert: readPem(cert, directory), key })
  } catch {
    report(['redis', 'key'], 'no key, or not that of redis.cert', write)
  }
}
