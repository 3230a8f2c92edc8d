/**
 * A certificate with its key: read, checked to fit, and ready for handshakes.
 *
 * @module
 */
import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContext } from 'node:tls'
import { certificateNames } from './names.ts'

/** Where a pair comes from: paths of files in PEM form, or the PEM text itself. */
export interface PairSource {
  /** The certificate, then those of the authorities between it and a root. */
  readonly cert: string
  readonly key: string
}

export interface Pair {
  readonly context: SecureContext
  readonly cert: string
  readonly key: string
  /** Lower-case names and addresses it is for; a wildcard is `*.shop.example`. */
  readonly names: readonly string[]
  /** Epoch ms. */
  readonly validFrom: number
  readonly validTo: number
  /** SHA-256 of the certificate, to tell two apart. */
  readonly fingerprint: string
}

/** Certificates that can't be used; the message says what to do. */
export class TlsError extends Error {
  readonly code = 'HYDRA_BAD_TLS'

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'TlsError'
  }
}

/**
 * How TLS is spoken, with whatever certificate: older versions are broken (RFC 8996), and a second handshake on a
 * connection costs us more than who asks for it, and has no place in HTTP/2 (RFC 9113, 9.2.1).
 */
export const TLS_RULES = {
  minVersion: 'TLSv1.2',
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const

export const isPem = (text: string): boolean => text.includes('-----BEGIN ')

/** Reads a pair. Throws TlsError when a file is missing, is none of the kind, or the two don't belong together. */
export function readPair({ cert: certAt, key: keyAt }: PairSource): Pair {
  const cert = textOf(certAt, 'certificate')
  const key = textOf(keyAt, 'key')
  const certificate = parseCertificate(cert, nameOf(certAt, 'the certificate'))
  const privateKey = parseKey(key, nameOf(keyAt, 'the key'))
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new TlsError(
      `The key in ${nameOf(keyAt, 'tls.key')} does not belong to the certificate in ${nameOf(certAt, 'tls.cert')}. Give the pair that was issued together; the server's own certificate comes first in its file.`,
    )
  }
  return {
    context: contextOf(cert, key, nameOf(certAt, 'the certificate')),
    cert,
    key,
    names: certificateNames(certificate),
    validFrom: certificate.validFromDate.getTime(),
    validTo: certificate.validToDate.getTime(),
    fingerprint: certificate.fingerprint256,
  }
}

function textOf(at: string, what: string): string {
  if (isPem(at)) return at
  try {
    return readFileSync(at, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new TlsError(
      `The ${what} at ${at} can't be read (${code}). Give the path of a file in PEM form that this user may read.`,
      { cause },
    )
  }
}

function parseCertificate(text: string, name: string): X509Certificate {
  try {
    // A chain may stand there; the first one is the server's.
    return new X509Certificate(text)
  } catch (cause) {
    const help = text.includes('PRIVATE KEY-----')
      ? 'A key stands there: perhaps the two were confused'
      : 'From DER: openssl x509 -inform DER -in CERT -out PEM'
    throw new TlsError(`There is no certificate in PEM form in ${name}. ${help}.`, { cause })
  }
}

function parseKey(text: string, name: string): KeyObject {
  try {
    return createPrivateKey(text)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const isLocked = code === 'ERR_MISSING_PASSPHRASE' || text.includes('ENCRYPTED')
    throw new TlsError(
      isLocked
        ? `The key in ${name} has a passphrase. Give one without: openssl pkey -in KEY -out PLAIN`
        : `There is no private key in PEM form in ${name}. From DER: openssl pkey -inform DER -in KEY -out PEM`,
      { cause },
    )
  }
}

function contextOf(cert: string, key: string, name: string): SecureContext {
  try {
    return createSecureContext({ cert, key, ...TLS_RULES })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const help = code?.endsWith('KEY_TOO_SMALL')
      ? 'Its key is too short. Have one issued for a key of RSA with 2048 bits, or of the curve P-256'
      : 'Look at it with: openssl x509 -text -noout -in CERT'
    throw new TlsError(`The pair of ${name} can't be used (${message}). ${help}.`, { cause })
  }
}

/** PEM text is not repeated in a message: it may be a key. */
function nameOf(at: string, otherwise: string): string {
  return isPem(at) ? otherwise : at
}
