/**
 * Files that settings of `identity` name: read, and split into what is in them.
 *
 * @module
 */
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { compileLoginTemplate, type LoginTemplate } from '../pages/login-template.ts'

const PEM = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g

const LEAST_BITS = 2048

/**
 * Private keys in PEM form, one text each: `given` has them, or is the path of a file. In variables line ends often
 * stand as `\n`. Throws when the file can't be read.
 */
export function readSigningKeys(given: string, directory: string): readonly string[] {
  const text = given.includes('-----BEGIN ')
    ? given.replaceAll('\\n', '\n')
    : readFileSync(resolve(directory, given), 'utf8')
  return text.match(PEM) ?? []
}

/** Why a key can't sign tokens; undefined when it can. Says nothing of the key itself. */
export function signingKeyFault(pem: string): string | undefined {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem)
    if (asymmetricKeyType !== 'rsa') return `a key of the kind ${asymmetricKeyType}`
    const bits = asymmetricKeyDetails?.modulusLength ?? 0
    return bits < LEAST_BITS ? `a key of ${bits} bits` : undefined
  } catch {
    return 'a key that can’t be read'
  }
}

/** A secret in a file, which ends in a newline as files do. Throws when the file can't be read. */
export function readSecretFile(path: string, directory: string): string {
  return readFileSync(resolve(directory, path), 'utf8').trim()
}

/** A login page of the operator's own. Throws when the file can't be read, and what is wrong with what is in it. */
export function readLoginTemplate(path: string, directory = '.'): LoginTemplate {
  return compileLoginTemplate(readFileSync(resolve(directory, path), 'utf8'))
}
