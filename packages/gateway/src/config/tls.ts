/**
 * Which certificates the public port shows, as a person may write it.
 *
 * @module
 */
import { setting } from './setting.ts'

/** Paths of files in PEM form. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

type Given = 'self-signed' | CertificateFiles | readonly CertificateFiles[]

export const SELF_SIGNED = 'self-signed'

/** `'self-signed'`, a pair of files, or a list of pairs. The code gets the word or a list. */
export function certificates() {
  const write = "{ cert, key } with the paths of two PEM files, a list of these, or 'self-signed'"
  return setting<Given, typeof SELF_SIGNED | readonly CertificateFiles[]>(write, (given: unknown) => {
    if (given === SELF_SIGNED) return SELF_SIGNED
    const pairs: readonly unknown[] = Array.isArray(given) ? given : [given]
    return pairs.length > 0 && pairs.length <= 1000 && pairs.every(isPair) ? pairs.map(pathsOf) : undefined
  })
}

const isPath = (value: unknown): value is string =>
  typeof value === 'string' && value.trim() !== '' && value.length <= 4096 && !value.includes('-----BEGIN')

function isPair(value: unknown): value is CertificateFiles {
  if (typeof value !== 'object' || value === null) return false
  const { cert, key, ...rest } = value as Record<string, unknown>
  return isPath(cert) && isPath(key) && Object.keys(rest).length === 0
}

const pathsOf = ({ cert, key }: CertificateFiles): CertificateFiles => ({ cert, key })
