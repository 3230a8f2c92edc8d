/**
 * The language of a visitor.
 *
 * @module
 */

const RANGE = /^\s*([a-z]{1,8}(?:-[a-z0-9]{1,8})*)\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?$/i
const MOST_LENGTH = 1000

/**
 * The language a visitor likes best, by `Accept-Language` (RFC 9110, 12.5.4), such as nl-BE; undefined for who says
 * none. The same wherever a page is composed: its fragments are told it.
 */
export function preferredLanguage(acceptLanguage: string | undefined): string | undefined {
  if (acceptLanguage === undefined || acceptLanguage.length > MOST_LENGTH) return undefined
  let best: string | undefined
  let weight = 0
  for (const member of acceptLanguage.split(',')) {
    const [, language, q = '1'] = RANGE.exec(member) ?? []
    if (language === undefined || Number(q) <= weight) continue
    best = language
    weight = Number(q)
  }
  return best
}
