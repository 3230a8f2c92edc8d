/**
 * Long answers, written once for all who are told the same: somebody who asks a hundred times costs the time of one, and
 * where it is kept as bytes and nothing is read, the memory of one.
 *
 * @module
 */

export interface KeptBodies<Body> {
  /** What `write` made the first time, as long as the list, or the text, is the same. */
  of(said: object | string, write: () => Body): Body
}

export function createKeptBodies<Body extends string | Uint8Array>(): KeptBodies<Body> {
  const lists = new WeakMap<object, Body>()
  let text: { readonly said: string; readonly body: Body } | undefined
  return {
    of(said, write) {
      const before = typeof said === 'object' ? lists.get(said) : text?.said === said ? text.body : undefined
      if (before) return before
      const body = write()
      if (typeof said === 'object') lists.set(said, body)
      else text = { said, body }
      return body
    },
  }
}
