/**
 * Ids of clients, as those are told who need no token for it: an id is all it takes to get a classic client's mail.
 *
 * @module
 */

const SHOWN = 6

/** As the nodes of a cluster make them (`messaging/client-ids.ts`). */
const OURS = /(?<![0-9a-z])([crs][0-9a-z]{5})[0-9a-z]{29}(?:[0-9a-z]{13})?(?![0-9a-z])/g
/** What stands in their place in an address: those of original routers are as short as other words. */
const ADDRESSED = /(?<![0-9a-z])([0-9a-z]{6})[0-9a-z]+(?=@client:)/g
/** The same in the way back to one: `ROUTER-CLIENT@hydra-router:/`. */
const IN_WAY_BACK = /(-[0-9a-z]{6})[0-9a-z]+(?=@hydra-router:)/g

/** Enough of an id to know it again, and not to be taken for it. */
export const shortenedId = (id: string): string => `${id.slice(0, SHOWN)}…`

/** A text without whole ids. Linear time. */
export function withShortenedIds(text: string): string {
  return [OURS, ADDRESSED, IN_WAY_BACK].reduce((left, ids) => left.replace(ids, '$1…'), text)
}
