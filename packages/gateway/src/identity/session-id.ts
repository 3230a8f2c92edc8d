/**
 * Ids of sessions: when one began, in base 36, and 22 random characters. So whoever has an id knows how old the session
 * is, and ids of one length sort by it.
 *
 * @module
 */

/** Its first group is when the session began. */
export const SESSION_ID = /^([0-9a-z]{1,9})-[\w-]{22}$/

/** `startedAt`: epoch ms. */
export function newSessionId(startedAt: number, random: (bytes: number) => Buffer): string {
  return `${startedAt.toString(36)}-${random(16).toString('base64url')}`
}

/** When a session began; undefined for an id that is none of ours. */
export function startOf(sid: string): number | undefined {
  const start = SESSION_ID.exec(sid)?.[1]
  return start === undefined ? undefined : Number.parseInt(start, 36)
}
