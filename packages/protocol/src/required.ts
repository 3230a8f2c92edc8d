/**
 * What is said of a field that has to be there and isn't.
 *
 * @module
 */

/** For a schema of a required field: `host is missing` where nothing was given, and zod's own words else. */
export function required(field: string): {
  error: (issue: { readonly input?: unknown }) => string | undefined
} {
  return { error: ({ input }) => (input === undefined || input === null ? `${field} is missing` : undefined) }
}
