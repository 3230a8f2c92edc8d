/**
 * Other readings of a path: what some servers take for the same as another path, though the table does not.
 *
 * A request goes to a service as it was matched, and the service may read it more generously: without `;parameters`,
 * with empty segments and a last slash left out, whatever the case. What is closed under that reading must not be open
 * under ours.
 *
 * @module
 */

/** Capitals, letters that are escaped, be it for no reason, parameters, empty segments, a last slash. */
const UNUSUAL = /[A-Z;]|%[4-7c-fC-F]|\/\/|.\/$/
const ESCAPED_LETTER = /%(?:[46][1-9a-f]|[57][0-9a])/gi
/** Characters beyond ASCII: in a canonical path they are whole. */
const ESCAPED_OTHERS = /(?:%[89a-f][0-9a-f])+/gi

/** The most generous reading of a canonical path; undefined when it is the one it has. Linear time. */
export function otherReading(path: string): string | undefined {
  if (!UNUSUAL.test(path)) return undefined
  const plain = path
    .replace(ESCAPED_LETTER, (letter) => decodeURIComponent(letter))
    .replace(/;[^/]*/g, '')
    .replace(/\/{2,}/g, '/')
    .replace(ESCAPED_OTHERS, (letters) => encodeURIComponent(decodeURIComponent(letters).toLowerCase()))
    .toLowerCase()
  const read = plain.length > 1 && plain.endsWith('/') ? plain.slice(0, -1) : plain
  // The figures of an escape have no case.
  return read === path.replace(/%../g, (octet) => octet.toLowerCase()) ? undefined : read
}
