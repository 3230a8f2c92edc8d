/**
 * Menus: navigation items services contribute, and the menus made of them, with the state of each item.
 *
 * ```
 * MenuItem    as a service declares it                       registration
 * MenuEntry   in the menu of all services, with whom it is for   overview: services and operators see all of them
 * MenuView    what one visitor may see                       pages, `/_hydra/menus/{name}`, `/_hydra/live`
 * ```
 *
 * @module
 */
import { z } from 'zod'
import { AUTHS } from './identity.ts'
import { required } from './required.ts'

/** One item as a service declares it; Medusa's shape (`endpoint`, `label`) plus what a good menu needs. */
export const menuItem = z.object({
  endpoint: z
    .string(required('endpoint'))
    .min(1)
    .max(2048)
    .describe('Where the item leads: a path of this site, with a query where it needs one.'),
  label: z.string(required('label')).min(1).max(256).describe('Text a visitor reads.'),
  icon: z.string().max(256).optional().describe('Name of an icon; its meaning belongs to the page.'),
  order: z.number().optional().describe('Position; items without one come after, by label.'),
  group: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('Heading the item stands under, beside all others of the menu that name it.'),
  parent: z
    .string()
    .min(1)
    .max(2048)
    .optional()
    .describe('`endpoint` of the item of the same menu it stands below.'),
  roles: z
    .array(z.string().min(1).max(256))
    .min(1)
    .max(64)
    .optional()
    .describe(
      'One of these is needed to see it, as they are called in this service. What its route asks for is needed anyway.',
    ),
  signedOut: z
    .enum(['hide', 'show'])
    .optional()
    .describe(
      'Whether visitors who are not signed in see an item they have to sign in for: its link takes them there first. hide when absent.',
    ),
})
export type MenuItem = z.output<typeof menuItem>

/**
 * Items by menu. A list alone is the menu `main`, and `path` is `endpoint` by the name routes have for it: whoever writes
 * both by hand need not know which is which.
 */
export const menuItems = menusOf(menuItem)
export type MenuItems = z.output<typeof menuItems>

/** An item as it may be written by hand. */
type ItemInput =
  | z.input<typeof menuItem>
  | (Omit<z.input<typeof menuItem>, 'endpoint'> & { readonly path: string })

/** The same of items that are read more strictly. */
export function menusOf(item: typeof menuItem) {
  return z.preprocess(
    (given: Readonly<Record<string, readonly ItemInput[]>> | readonly ItemInput[]) =>
      Array.isArray(given) ? { main: given } : given,
    z.record(z.string().min(1).max(128), z.array(z.preprocess(withEndpoint, item)).max(10_000)),
  )
}

function withEndpoint(given: ItemInput): unknown {
  if (typeof given !== 'object' || given === null || !('path' in given) || 'endpoint' in given) return given
  const { path: endpoint, ...item } = given
  return { endpoint, ...item }
}

/** What visitors can feel of an item: it leads somewhere, somewhere slow or faulty, or nowhere now. */
export const LINK_STATES = ['available', 'degraded', 'down'] as const
export type LinkState = (typeof LINK_STATES)[number]

/** Whom something is for: an item is seen by who meets all of its demands. */
export const menuDemand = z.object({
  service: z.string().describe('In whose words the roles are.'),
  auth: z.enum(AUTHS).optional(),
  roles: z.array(z.string()).optional(),
  providers: z.array(z.string()).optional(),
})
export type MenuDemand = z.output<typeof menuDemand>

/** One item of an assembled menu. */
export const menuEntry = z.object({
  endpoint: z.string(),
  label: z.string(),
  icon: z.string().optional(),
  order: z.number().optional(),
  group: z.string().optional(),
  parent: z.string().optional().describe('Only where that item is in the menu.'),
  service: z.string().describe('Service that contributed the item.'),
  state: z.enum(LINK_STATES),
  available: z.boolean().describe('False while it is down.'),
  reason: z.string().optional().describe('Why it is not available, for visitors.'),
  leadsTo: z
    .string()
    .optional()
    .describe('Service of the route behind it, where that is another one; empty where no route fits.'),
  demands: z.array(menuDemand).optional().describe('Whom it is for; everybody when absent.'),
  signedOut: z.literal('show').optional(),
})
export type MenuEntry = z.output<typeof menuEntry>

/** Assembled menus by name; items in the order they are shown in, each behind the one it stands below. */
export const menus = z.record(z.string(), z.array(menuEntry))
export type Menus = z.output<typeof menus>

/** What is wrong with an item of a menu; it is kept but for `duplicate`, `surplus` and `path`. */
export const MENU_FAULTS = [
  'duplicate',
  'surplus',
  'path',
  'other-service',
  'unknown-route',
  'unknown-parent',
] as const

/** Something about an item that its service, and operators, should know. */
export const menuFault = z.object({
  fault: z.enum(MENU_FAULTS),
  menu: z.string(),
  endpoint: z.string(),
  service: z.string(),
  isShown: z.boolean(),
  reason: z.string().describe('In a sentence, with a way out.'),
})
export type MenuFault = z.output<typeof menuFault>

/** One item as a visitor sees it. Nothing in it tells more than the page does. */
export const menuViewItem = z.object({
  path: z.string(),
  label: z.string(),
  icon: z.string().optional(),
  group: z.string().optional(),
  parent: z.string().optional(),
  state: z.enum(LINK_STATES),
  reason: z.string().optional().describe('Why it is not available, in words for visitors.'),
})
export type MenuViewItem = z.output<typeof menuViewItem>

/** A menu as one visitor may see it: the answer of `/_hydra/menus/{name}`. */
export const menuView = z.object({
  name: z.string(),
  items: z.array(menuViewItem).describe('In the order they are shown in; each behind its parent.'),
  isStale: z
    .literal(true)
    .optional()
    .describe('The gateway is away: this is what it said last. Only services see this.'),
})
export type MenuView = z.output<typeof menuView>

/** A link of a page, as its visitor may know it. `closed`: not for this visitor, whether it is there or not. */
export const linkView = z.object({
  state: z.enum([...LINK_STATES, 'closed']),
  reason: z.string().optional().describe('In words for visitors.'),
})
export type LinkView = z.output<typeof linkView>

/** Whether something is behind a link in that state, for whom it is shown to. `linkAttributes` says the same. */
export function leadsOn(state: LinkView['state'] | FeltState): boolean {
  return state !== 'down' && state !== 'closed'
}

/** A state with its cause: what fails more often than it is slow is `degraded` to those who have no words for it. */
export type FeltState = LinkState | 'failing'

/** What is said of it where its cause is said in words. */
export function stateOf(felt: FeltState): LinkState {
  return felt === 'failing' ? 'degraded' : felt
}

/** Why a link is as it is, in words for visitors; `title`: what they call the service behind it. */
export function reasonOf(state: FeltState, title: string): string | undefined {
  switch (state) {
    case 'available':
      return undefined
    case 'down':
      return `${title} is away for a moment`
    case 'failing':
      return `${title} has trouble at the moment`
    case 'degraded':
      return `${title} is slower than usual`
  }
}
