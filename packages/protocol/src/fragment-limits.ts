/**
 * Limits of fragments both sides hold to: what one sends, the other takes.
 *
 * @module
 */

/** Deepest nesting of fragments over services. */
export const MOST_DEPTH = 16
/** Fragments a context names around one that is asked for: more than `MOST_DEPTH`, for callers that count otherwise. */
export const MOST_CHAIN = 64
/** Longest name of a service and of a fragment. */
export const MOST_SERVICE_LENGTH = 128
export const MOST_REF_LENGTH = 256
/** Styles, and scripts, of one fragment with those inside of it; and the longest of their names. */
export const MOST_ASSETS = 64
export const MOST_ASSET_LENGTH = 2048
/** Largest session of one visitor at one service, bytes of JSON. */
export const MOST_SESSION_BYTES = 16 * 1024
/** Fragments an SDK renders for others at a time, and calls a gateway has one instance busy with, unless told otherwise. */
export const DEFAULT_RENDERS = 256
/** Largest request of a page any gateway takes; its setting `fragments.maxCallBytes` may say less. */
export const MOST_CALL_BYTES = 8 * 1024 * 1024
