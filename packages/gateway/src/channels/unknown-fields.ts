/**
 * What stands in a registration and means nothing: where it looks like something that does, whoever wrote it is told.
 *
 * Fields nobody knows are left alone, as Medusa's own gateway does. Those that look as if they said whom something is for
 * are not: without them it would be for everybody.
 *
 * @module
 */
import {
  menuItem,
  messageDeclaration,
  nearest,
  refDeclaration,
  registration,
  routeDeclaration,
} from '@hydra-gateway/protocol'
import { HydraError } from '../errors.ts'

export interface UnknownFields {
  /** Sentences about fields that may have been meant otherwise. */
  readonly notes: readonly string[]
  /** Why nothing of it can be taken: it says of something whom it is for, in words that mean nothing. */
  readonly faults: readonly { readonly path: string; readonly message: string }[]
  /** Its menus, without items nobody knows whom they are for. */
  readonly menuItems: unknown
}

type Fields = Readonly<Record<string, unknown>>
type Known = readonly string[]

const WHOM: Known = ['auth', 'roles', 'providers']
/** Words for the same in other places. */
const LIKE_WHOM = /role|permission|authori[sz]|authentic/i
const MOST_NOTES = 20
/** Longer names are nobody's slip. */
const MOST_LETTERS = 40
/** To look for what was meant costs something for each. */
const MOST_NAMES = 1000

const BEAN = [...Object.keys(registration.shape), 'menu']
const ROUTE = Object.keys(routeDeclaration.shape)
const REF = Object.keys(refDeclaration.shape)
const MESSAGE = Object.keys(messageDeclaration.shape)
const ITEM = [...Object.keys(menuItem.shape), 'path']

/** Looks at a registration as it came, before anything was found wrong with it. */
export function readUnknownFields(bean: Fields): UnknownFields {
  const notes: string[] = []
  const faults: { path: string; message: string }[] = []
  const meantBy = createMeant()

  const note = (at: string, name: string, meant: string): void => {
    if (notes.length < MOST_NOTES)
      notes.push(`${at}${quoted(name)} means nothing here; did you mean ${meant}?`)
  }
  /** Whether it is clear whom something is for. */
  const look = (fields: unknown, known: Known, at: string): string | undefined => {
    if (!isFields(fields)) return undefined
    for (const name in fields) {
      if (known.includes(name) || fields[name] == null) continue
      const meant = meantBy(name, known)
      if (meant === undefined) continue
      if (meant.isWhom) return name
      note(at, name, meant.name)
    }
    return undefined
  }
  const refuse = (path: string, name: string): void => {
    const meant = nearest(name, WHOM) ?? 'roles'
    const message = `means nothing here, and without it this would be for everybody; did you mean ${meant}?`
    faults.push({ path: `${path}${name}`, message })
  }
  const lookAt = (list: unknown, known: Known, what: string): void => {
    if (!Array.isArray(list)) return
    for (const [index, fields] of list.entries()) {
      const name = look(fields, known, `${what} ${index}: `)
      if (name !== undefined) refuse(`${what}.${index}.`, name)
    }
  }

  const name = look(bean, BEAN, '')
  // Of a whole registration there are too many words to guess.
  if (name !== undefined && nearest(name, WHOM)) refuse('', name)
  lookAt(bean.routes, ROUTE, 'routes')
  lookAt(bean.refs, REF, 'refs')
  lookAt(bean.messages, MESSAGE, 'messages')

  const isShown =
    (menu: string) =>
    (item: unknown): boolean => {
      const at = isFields(item) ? `item ${quoted(item.endpoint ?? item.path)} of menu ${quoted(menu)}` : ''
      const name = look(item, ITEM, `${at}: `)
      if (name === undefined) return true
      if (notes.length < MOST_NOTES)
        notes.push(
          `${at} is left out: ${quoted(name)} means nothing there, and without it everybody would see it; did you mean roles?`,
        )
      return false
    }
  if (bean.menuItems != null && bean.menu != null)
    notes.push('"menu" is not read beside "menuItems": both are the menu items')
  const given = bean.menuItems ?? bean.menu
  const menuItems = Array.isArray(given)
    ? given.filter(isShown('main'))
    : isFields(given)
      ? Object.fromEntries(
          Object.entries(given).map(([menu, items]) => [
            menu,
            Array.isArray(items) ? items.filter(isShown(menu)) : items,
          ]),
        )
      : given
  return { notes, faults, menuItems }
}

interface Meant {
  readonly name: string
  readonly isWhom: boolean
}

/** What was meant by a name; the same name is looked up once, as ten thousand items may have it. */
function createMeant(): (name: string, known: Known) => Meant | undefined {
  const found = new Map<Known, Map<string, Meant | undefined>>()
  let count = 0
  return (name, known) => {
    const names = found.get(known) ?? new Map<string, Meant | undefined>()
    found.set(known, names)
    if (!names.has(name)) {
      if (++count > MOST_NAMES) throw tooManyNames()
      names.set(name, find(name, known))
    }
    return names.get(name)
  }
}

function tooManyNames(): HydraError {
  const detail = `a registration may have ${MOST_NAMES} names of fields that mean nothing; nothing was registered`
  return new HydraError('HYDRA_TOO_LARGE', detail)
}

function find(name: string, known: Known): Meant | undefined {
  const isLong = name.length > MOST_LETTERS
  const whom = isLong ? undefined : nearest(name, WHOM)
  if (whom !== undefined) return { name: whom, isWhom: true }
  if (LIKE_WHOM.test(name)) return { name: 'roles', isWhom: true }
  if (isLong) return undefined
  const meant = nearest(name, known)
  return meant === undefined ? undefined : { name: meant, isWhom: false }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function quoted(value: unknown): string {
  const text = String(typeof value === 'string' ? value : '')
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 199)}…` : text)
}
