/**
 * Who may use the router API: everybody, those who know the token, or nobody (`flywheel.md` 4, "Access").
 *
 * Neither the Host header nor how a path ends is looked at.
 *
 * @module
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { RouterApiSettings } from './settings.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Whether somebody with this token, or without one, may. Takes as long whatever the token is. */
export function mayUse(
  token: string | undefined,
  { routerToken, isDisabled }: Pick<RouterApiSettings, 'routerToken' | 'isDisabled'>,
): boolean {
  if (isDisabled) return false
  if (routerToken === '') return true
  if (token === undefined || !UUID.test(token)) return false
  return timingSafeEqual(digest(token), digest(routerToken))
}

/** The token of a query; none where there are several, which others may read otherwise. */
export function tokenOf(query: string): string | undefined {
  if (!query.includes('token')) return undefined
  const tokens = new URLSearchParams(query).getAll('token')
  return tokens.length === 1 ? tokens[0] : undefined
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text.toLowerCase()).digest()
}
