/**
 * A certificate for development, made here and signed by itself: for this machine's names, kept for the next start.
 *
 * Browsers warn of it, as they should; nobody else vouches for it.
 *
 * @module
 */
import { randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { type PairSource, readPair, TlsError } from './pair.ts'

/** Where it is kept, from the working directory. */
export const SELF_SIGNED_DIRECTORY = '.hydra/tls'

const VALID_MS = 365 * 24 * 3600 * 1000
/** A new one is made when less than this is left. */
const RENEW_MS = 30 * 24 * 3600 * 1000

export interface SelfSigned extends PairSource {
  readonly source: 'kept' | 'made'
  /** SHA-256 of the certificate, to compare with what a browser shows. */
  readonly fingerprint: string
  readonly validTo: number
}

/** Names of this machine that browsers on it can use. */
export function machineNames(hostname: string): string[] {
  const own = hostname.toLowerCase()
  const isName = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(own) && own.length <= 253 && isIP(own) === 0
  return [...new Set(['localhost', ...(isName ? [own] : []), '127.0.0.1', '::1'])]
}

/** The pair kept in `directory`, or a new one when there is none, or it is for other names or about to expire. */
export async function keepSelfSigned({
  directory,
  names,
  now,
}: {
  readonly directory: string
  readonly names: readonly string[]
  /** Epoch ms. */
  readonly now: number
}): Promise<SelfSigned> {
  const cert = join(directory, 'self-signed.crt')
  const key = join(directory, 'self-signed.key')
  const kept = readKept({ cert, key }, names, now)
  if (kept) return { cert, key, source: 'kept', ...kept }
  const made = await makeSelfSigned(names, now)
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    chmodSync(directory, 0o700)
    // The key first: a pair whose halves don't fit is made anew at the next start.
    replaceFile(key, made.key, 0o600)
    replaceFile(cert, made.cert, 0o644)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new TlsError(
      `A certificate was made, but ${directory} can't be written to (${code}). Start in a directory that can be written to, or give one with --tls-cert and --tls-key.`,
      { cause },
    )
  }
  const { fingerprint256, validToDate } = new X509Certificate(made.cert)
  return { cert, key, source: 'made', fingerprint: fingerprint256, validTo: validToDate.getTime() }
}

function readKept(
  files: PairSource,
  names: readonly string[],
  now: number,
): Pick<SelfSigned, 'fingerprint' | 'validTo'> | undefined {
  try {
    const { fingerprint, validFrom, validTo, names: has } = readPair(files)
    const known = new Set(has.map(plain))
    const isGood =
      validFrom <= now && validTo - now > RENEW_MS && names.every((name) => known.has(plain(name)))
    return isGood ? { fingerprint, validTo } : undefined
  } catch (error) {
    // None there, or none that can be used: it is nobody's work that would be lost.
    if (error instanceof TlsError) return undefined
    throw error
  }
}

/** One spelling of an address: certificates write IPv6 at full length. */
function plain(name: string): string {
  return isIP(name) === 6 ? new URL(`http://[${name}]`).hostname : name
}

/** Written aside and renamed, so that nobody reads half of it. */
function replaceFile(path: string, text: string, mode: number): void {
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(aside, text, { mode, flag: 'wx' })
    renameSync(aside, path)
  } finally {
    rmSync(aside, { force: true })
  }
}

/** Makes a pair for some names and addresses, valid from a little before `now` for a year. */
export async function makeSelfSigned(
  names: readonly string[],
  now: number,
): Promise<{ readonly cert: string; readonly key: string }> {
  // Only who asks for such a certificate pays for the library.
  const [asn1, pki] = await Promise.all([import('asn1js'), import('pkijs')])
  const { subtle } = webcrypto
  const engine = new pki.CryptoEngine({ name: 'node', crypto: webcrypto as never })
  const keys = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])

  const certificate = new pki.Certificate()
  certificate.version = 2
  const serial = randomBytes(16)
  // Positive, and without a leading zero (RFC 5280, 4.1.2.2).
  serial[0] = (serial[0]! & 0x3f) | 0x40
  certificate.serialNumber = new asn1.Integer({ valueHex: new Uint8Array(serial).buffer })
  for (const whose of [certificate.subject, certificate.issuer]) {
    whose.typesAndValues.push(
      new pki.AttributeTypeAndValue({
        type: '2.5.4.3',
        value: new asn1.Utf8String({ value: 'Hydra development' }),
      }),
    )
  }
  certificate.notBefore.value = new Date(now - 3600 * 1000)
  certificate.notAfter.value = new Date(now + VALID_MS)
  const extension = (extnID: string, critical: boolean, value: { toBER(sizeOnly?: boolean): ArrayBuffer }) =>
    new pki.Extension({ extnID, critical, extnValue: value.toBER(false) })
  const alternatives = new pki.GeneralNames({
    names: names.map((name) =>
      isIP(name)
        ? new pki.GeneralName({ type: 7, value: new asn1.OctetString({ valueHex: addressBytes(name) }) })
        : new pki.GeneralName({ type: 2, value: name }),
    ),
  })
  certificate.extensions = [
    extension('2.5.29.17', false, alternatives.toSchema()),
    extension('2.5.29.19', true, new pki.BasicConstraints({ cA: false }).toSchema()),
    // digitalSignature
    extension(
      '2.5.29.15',
      true,
      new asn1.BitString({ valueHex: new Uint8Array([0x80]).buffer, unusedBits: 7 }),
    ),
    // serverAuth
    extension('2.5.29.37', false, new pki.ExtKeyUsage({ keyPurposes: ['1.3.6.1.5.5.7.3.1'] }).toSchema()),
  ]
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey, engine)
  await certificate.sign(keys.privateKey, 'SHA-256', engine)
  const der = Buffer.from(certificate.toSchema(true).toBER(false))
  const key = Buffer.from(await subtle.exportKey('pkcs8', keys.privateKey))
  return { cert: pem('CERTIFICATE', der), key: pem('PRIVATE KEY', key) }
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').replace(/(.{64})(?!$)/g, '$1\n')
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}

function addressBytes(address: string): ArrayBuffer {
  if (isIP(address) === 4) return new Uint8Array(address.split('.').map(Number)).buffer
  const hostname = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [before = '', after] = hostname.split('::')
  const groups = (text: string) =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  const [head, tail] = [groups(before), groups(after ?? '')]
  const all = [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
  return new Uint8Array(all.flatMap((group) => [group >> 8, group & 0xff])).buffer
}
