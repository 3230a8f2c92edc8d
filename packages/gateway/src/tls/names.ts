/**
 * The names a certificate is for, and which of several certificates a name gets. Pure.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto'

/** Lower-case DNS names and addresses of the subject's alternative names; its common name counts no more (RFC 9525). */
export function certificateNames(certificate: Pick<X509Certificate, 'subjectAltName'>): string[] {
  const text = certificate.subjectAltName ?? ''
  const names: string[] = []
  // Values with odd characters are JSON strings; no name a visitor can ask for is one of those.
  for (const [, kind, value] of text.matchAll(/(?:^|, )(DNS|IP Address):([^,"]+)/g)) {
    if (kind && value) names.push(value.trim().toLowerCase())
  }
  return names
}

/** What is found by name. */
export interface ByName<Value> {
  find(name: string): Value | undefined
}

/**
 * Finds by the whole name, then by a wildcard in place of its first label (RFC 9525, 6.3). The first to claim a
 * name has it.
 */
export function indexByName<Value>(
  entries: Iterable<readonly [names: readonly string[], value: Value]>,
): ByName<Value> {
  const byName = new Map<string, Value>()
  for (const [names, value] of entries) {
    for (const name of names) if (!byName.has(name)) byName.set(name, value)
  }
  return {
    find(asked) {
      const name = asked.toLowerCase().replace(/\.$/, '')
      const exact = byName.get(name)
      if (exact !== undefined) return exact
      const dot = name.indexOf('.')
      return dot <= 0 ? undefined : byName.get(`*${name.slice(dot)}`)
    },
  }
}
