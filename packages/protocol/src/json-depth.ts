/**
 * How deep JSON text is nested, told before it is parsed.
 *
 * @module
 */

/** No message of ours is nested as deep; millions of brackets would keep the parser busy for seconds. */
export const MOST_JSON_DEPTH = 64

/** Whether brackets outside of strings are nested too deep. Text that is no JSON is for the parser to refuse. */
export function isJsonTooDeep(text: string, most: number = MOST_JSON_DEPTH): boolean {
  // Most texts have fewer brackets than may be open at once, and the engine counts faster than we read.
  if (hasAtMost(most, text)) return false
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++)
        if (text.charCodeAt(at) === 0x5c) at++
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > most) return true
    } else if (code === 0x5d || code === 0x7d) depth--
  }
  return false
}

function hasAtMost(most: number, text: string): boolean {
  let count = 0
  for (const bracket of '[{')
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1))
      if (++count > most) return false
  return true
}
