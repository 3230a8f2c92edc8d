/**
 * Times as people read them.
 *
 * @module
 */

/** The time of today, or the day and the time of another; nothing for 0. */
export function timeOf(epochMs: number): string {
  if (epochMs === 0) return ''
  const date = new Date(epochMs)
  const time = date.toLocaleTimeString('en-GB')
  return date.toDateString() === new Date().toDateString()
    ? time
    : `${date.toLocaleDateString('sv-SE')} ${time}`
}
