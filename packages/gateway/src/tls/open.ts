/**
 * The certificates a configuration asks for.
 *
 * @module
 */
import { type Certificates, type CertificatesDeps, createCertificates } from './certificates.ts'
import type { PairSource } from './pair.ts'
import { keepSelfSigned, machineNames, type SelfSigned } from './self-signed.ts'

export interface OpenedCertificates {
  readonly certificates: Certificates
  /** Present when the certificate was made here. */
  readonly selfSigned?: SelfSigned
}

/** Reads the pairs, or keeps one of our own in `directory`. Throws TlsError, whose message says what to do. */
export async function openCertificates({
  tls,
  directory,
  hostname,
  ...deps
}: {
  readonly tls: 'self-signed' | readonly PairSource[]
  /** Where a certificate made here is kept. */
  readonly directory: string
  /** Name of this machine. */
  readonly hostname: string
} & Omit<CertificatesDeps, 'sources'>): Promise<OpenedCertificates> {
  if (tls !== 'self-signed') return { certificates: createCertificates({ sources: tls, ...deps }) }
  const selfSigned = await keepSelfSigned({ directory, names: machineNames(hostname), now: deps.clock.now() })
  const { cert, key } = selfSigned
  return { certificates: createCertificates({ sources: [{ cert, key }], ...deps }), selfSigned }
}
