/**
 * Which compression a visitor understands and prefers, from `Accept-Encoding` (RFC 9110, 12.5.3). Pure.
 *
 * @module
 */

export type Coding = 'zstd' | 'br' | 'gzip'

/** The best first, where a visitor likes several as much. */
const PREFERENCE: readonly Coding[] = ['zstd', 'br', 'gzip']

/** RFC 9110, 12.4.2: at most three decimals. */
const MEMBER = /^([!#$%&'*+\-.^_`|~0-9a-z]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/

/** Browsers send the same few values again and again. */
const MOST_KNOWN = 256
let known = new Map<string, Coding | undefined>()

/**
 * The coding to answer with; nothing for the answer as it is. Members that can't be read are passed over, of
 * repeated ones the first counts. Whoever forbids everything still gets the answer as it is: an error page for
 * that would help nobody.
 */
export function chooseCoding(acceptEncoding: string | null | undefined): Coding | undefined {
  if (!acceptEncoding) return undefined
  const found = known.get(acceptEncoding)
  if (found !== undefined || known.has(acceptEncoding)) return found
  const choice = choose(acceptEncoding)
  if (known.size >= MOST_KNOWN) known = new Map()
  if (acceptEncoding.length <= 256) known.set(acceptEncoding, choice)
  return choice
}

function choose(acceptEncoding: string): Coding | undefined {
  const weights = new Map<string, number>()
  for (const member of acceptEncoding.toLowerCase().split(',')) {
    const [, name, q] = MEMBER.exec(member.trim()) ?? []
    if (name === undefined) continue
    // RFC 9110, 8.4.1.3: the same under its old name
    const coding = name === 'x-gzip' ? 'gzip' : name
    if (!weights.has(coding)) weights.set(coding, q === undefined ? 1 : Number(q))
  }
  // Anything means what everybody can read: some who say it have never heard of the newer ones.
  const any = weights.get('*')
  if (any !== undefined && !weights.has('gzip')) weights.set('gzip', any)

  let best: Coding | undefined
  // Not compressed counts as least wanted, unless its weight says otherwise.
  let bestWeight = Math.max(weights.get('identity') ?? 0, Number.MIN_VALUE)
  for (const coding of PREFERENCE) {
    const weight = weights.get(coding) ?? 0
    if (best === undefined ? weight >= bestWeight : weight > bestWeight) {
      best = coding
      bestWeight = weight
    }
  }
  return best
}
