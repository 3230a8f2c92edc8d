/**
 * Answers of the admin API under `/_hydra/api/v1`: what operators and the command line read of a gateway.
 *
 * A later gateway may add members; readers ignore those they don't know.
 *
 * @module
 */
import { z } from 'zod'
import { AUTHS } from './identity.ts'
import { menuEntry, menuFault, menuItems } from './menu.ts'
import { fragmentConflict, SERVICE_STATES } from './overview.ts'

/** As a value that was handed out is seen: nobody changes it. */
type Read<Value> = Value extends readonly (infer Item)[]
  ? readonly Read<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: Read<Value[Key]> }
    : Value

const state = z.enum(SERVICE_STATES)
const version = z.union([z.string(), z.number()])
const revision = z.number().describe('Of the routing table; grows with every change.')
const methods = z.array(z.string()).optional().describe('Upper-case; any method when absent.')
const host = z.string().optional().describe('Host name the route is for; any host when absent.')
const channel = z
  .string()
  .describe(
    'How it registered: `rsocket`, `http` (Medusa), `static` (configuration) or `flywheel` (announced in Redis).',
  )

export const instanceInfo = z.object({
  id: z.string(),
  state,
  channel,
  version,
  weight: z.number().describe('Share of visitors beside other versions.'),
  address: z.string().describe('Where requests go to, such as `http://10.0.0.7:3001`.'),
  activeSince: z.number().describe('When the process started, by its own word; epoch ms.'),
  lastSeenMs: z
    .number()
    .optional()
    .describe('How long ago it gave a sign of life, ms; absent for what needs to give none.'),
  inFlight: z.number().describe('Requests it is answering now.'),
  requests: z.number().describe('Requests begun since it is known.'),
  failures: z.number().describe('How many of those failed at it: no whole answer came.'),
  errors: z
    .number()
    .optional()
    .describe(
      'How many of the others it answered with an error of its own: 500 and above, but for 501 and 505.',
    ),
  reason: z.string().optional().describe('Why it is in this state, when there is something to say.'),
})
export type InstanceInfo = Read<z.output<typeof instanceInfo>>

export const refInfo = z.object({
  ref: z.string(),
  attributes: z.array(z.string()).describe('What it sets by itself.'),
  imports: z.array(z.string()).optional().describe('What it takes from a page; anything when absent.'),
  refused: z
    .string()
    .optional()
    .describe('Why it is not asked for, at those of the instances that declare it so.'),
})
export type RefInfo = Read<z.output<typeof refInfo>>

export const useInfo = z.object({
  place: z.string().describe('Where the tag stands: `product.html:12:5`.'),
  service: z.string(),
  ref: z.string(),
  imports: z.array(z.string()),
  exports: z.array(z.string()),
})
export type UseInfo = Read<z.output<typeof useInfo>>

export const serviceInfo = z.object({
  name: z.string(),
  title: z.string().describe('What visitors call the service.'),
  state,
  reason: z.string().optional().describe('Why it is `degraded`: how much failed or was slow.'),
  channel,
  versions: z.array(version),
  group: z.string().optional().describe('Rollout group: services of one group may share routes.'),
  fallback: z.boolean().describe('True when the service has a fallback of its own.'),
  downSince: z.number().optional().describe('Since when no instance serves; epoch ms.'),
  downForMs: z.number().optional().describe('The same as a duration, ms.'),
  menuItems: menuItems.describe('Menu items by menu, as the service declared them.'),
  refs: z
    .array(refInfo)
    .optional()
    .describe('Fragments it renders; absent when it does not say, as Medusa’s applications.'),
  uses: z.array(useInfo).optional().describe('Fragments of others its pages ask for; absent without any.'),
  instances: z.array(instanceInfo),
})
export type ServiceInfo = Read<z.output<typeof serviceInfo>>

/** `GET /_hydra/api/v1/services` */
export const servicesAnswer = z.object({
  revision,
  services: z.array(serviceInfo).describe('By name; services whose instances are gone stay listed.'),
})
export type ServicesAnswer = Read<z.output<typeof servicesAnswer>>

const access = {
  auth: z.enum(AUTHS).optional().describe('required: only for who is signed in; for everybody when absent.'),
  roles: z.array(z.string()).optional().describe('One of these is needed, as the service calls them.'),
  providers: z.array(z.string()).optional().describe('One of these must know the person.'),
}

export const routeInfo = z.object({
  pattern: z.string().describe('In our own pattern form.'),
  kind: z.enum(['page', 'static', 'socket']),
  methods,
  host,
  ...access,
  rule: z
    .boolean()
    .optional()
    .describe('True when `identity.rules` says whom it is for, whatever its service says.'),
  exceptions: z
    .array(z.object({ path: z.string(), ...access }))
    .optional()
    .describe('Paths among its own for which other rules count; the first that fits does.'),
  service: z.string(),
  state: state.describe('State of the service.'),
})
export type RouteInfo = Read<z.output<typeof routeInfo>>

export const conflictInfo = z.object({
  pattern: z.string(),
  host,
  methods,
  incumbent: z.string().describe('Service that keeps serving.'),
  newcomer: z.string().describe('Service that was not let in.'),
  reason: z.string(),
})
export type ConflictInfo = Read<z.output<typeof conflictInfo>>

export const refusedInfo = z.object({
  service: z.string(),
  path: z.string().describe('As the service declared it.'),
  reason: z.string(),
})
export type RefusedInfo = Read<z.output<typeof refusedInfo>>

/** `GET /_hydra/api/v1/routes` */
export const routesAnswer = z.object({
  revision,
  routes: z.array(routeInfo),
  conflicts: z.array(conflictInfo).describe('Routes two services claim.'),
  refused: z.array(refusedInfo).describe('Declared paths that are not served.'),
  warnings: z
    .array(z.object({ service: z.string(), warning: z.string() }))
    .optional()
    .describe('What services said that can hardly be meant, in sentences; it is served as it was said.'),
})
export type RoutesAnswer = Read<z.output<typeof routesAnswer>>

export const fragmentInfo = refInfo.omit({ refused: true }).extend({
  service: z.string(),
  state: state.describe('State of the service; `down` also where nobody who declares it is left.'),
  versions: z.array(version).describe('Those that declare it like this, or did last.'),
  instances: z.array(z.string()).describe('Ids of the instances that do; none of one that is down.'),
  refused: z.string().optional().describe('Why these instances are not asked for it.'),
  usedBy: z
    .array(useInfo.omit({ service: true, ref: true }).extend({ page: z.string().describe('A service.') }))
    .describe('Tags that ask for it.'),
})
export type FragmentInfo = Read<z.output<typeof fragmentInfo>>

export const unmetUse = useInfo.extend({
  page: z.string().describe('Service whose page has the tag.'),
  reason: z.string().describe('Why nobody renders it, in a sentence.'),
})
export type UnmetUse = Read<z.output<typeof unmetUse>>

/** `GET /_hydra/api/v1/fragments` */
export const fragmentsAnswer = z.object({
  revision,
  fragments: z
    .array(fragmentInfo)
    .describe('By service and ref; one that versions declare differently stands there once for each.'),
  conflicts: z
    .array(fragmentConflict)
    .describe('Pages and fragments that don’t fit together; then warnings.'),
  moreConflicts: z.number().optional().describe('How many there are beyond those listed.'),
  unmet: z.array(unmetUse).describe('Tags that ask for what no known service renders.'),
})
export type FragmentsAnswer = Read<z.output<typeof fragmentsAnswer>>

export const menuInfo = z.object({
  name: z.string(),
  items: z
    .array(menuEntry)
    .describe(
      'In the order they are shown in, each behind the one it stands below; all of them, whoever may see them.',
    ),
})
export type MenuInfo = Read<z.output<typeof menuInfo>>

export const wantedMenu = z.object({
  name: z.string(),
  service: z.string().describe('Whose page asked for it first.'),
  path: z.string().describe('Where that page was.'),
  meant: z.string().optional().describe('A menu there is, whose name is nearly the same.'),
})
export type WantedMenuInfo = Read<z.output<typeof wantedMenu>>

/** `GET /_hydra/api/v1/menus` */
export const menusAnswer = z.object({
  revision,
  menus: z.array(menuInfo).describe('By name.'),
  faults: z.array(menuFault).describe('What is wrong with items; of each service the first 100.'),
  moreFaults: z.number().optional().describe('How many there are beyond those listed.'),
  wanted: z
    .array(wantedMenu)
    .optional()
    .describe('Menus that pages composed here asked for and nobody has, the first 100 of them.'),
})
export type MenusAnswer = Read<z.output<typeof menusAnswer>>

export const nodeInfo = z.object({
  id: z.string().describe('Made anew for each process.'),
  name: z.string().describe('`cluster.name`, or the name of the machine.'),
  version: z.string(),
  startedAt: z.number().describe('Epoch ms, by its own clock.'),
  isThis: z.boolean().describe('It is the one that answers.'),
  isLeaving: z.boolean().describe('It stops: its services go to other nodes.'),
  isTrusted: z
    .boolean()
    .describe('It has one of our private keys. Of others nothing is believed: give all nodes the same.'),
})
export type NodeInfo = Read<z.output<typeof nodeInfo>>

/** `GET /_hydra/api/v1/nodes` */
export const nodesAnswer = z.object({
  store: z.object({
    place: z.string().describe('Where it is: `memory`, or the address of Redis.'),
    isShared: z.boolean().describe('Other nodes may have it as well.'),
    isReachable: z.boolean(),
    forMs: z.number().describe('How long it has been so.'),
  }),
  localOnly: z.number().describe('Instances that only this node knows of, until the store can be reached.'),
  nodes: z.array(nodeInfo).describe('By name.'),
})
export type NodesAnswer = Read<z.output<typeof nodesAnswer>>

/** `POST /_hydra/api/v1/services/{name}/drain` and `…/resume`; an empty body means all instances. */
export const drainRequest = z.strictObject({
  instance: z.string().min(1).max(128).optional().describe('Id of the only instance that is meant.'),
})
export type DrainRequest = z.output<typeof drainRequest>

export const drainAnswer = z.object({
  service: z.string(),
  state: state.describe('Of the service, now.'),
  instances: z.array(instanceInfo).describe('Those that were meant, as they are now.'),
})
export type DrainAnswer = Read<z.output<typeof drainAnswer>>

/** `POST /_hydra/api/v1/reload`; a configuration that is not taken is a problem with all reasons. */
export const reloadAnswer = z.object({
  changed: z.array(z.string()).describe('Settings that are different now.'),
  warnings: z.array(z.string()).describe('What was given and has no effect.'),
})
export type ReloadAnswer = Read<z.output<typeof reloadAnswer>>

/** `DELETE /_hydra/api/v1/services/{name}` */
export const forgetAnswer = z.object({ forgotten: z.string().describe('Name of the service.') })
export type ForgetAnswer = Read<z.output<typeof forgetAnswer>>

/** `POST /_hydra/api/v1/xray` with `{ to }`, a path of the site. */
export const xrayAnswer = z.object({
  path: z.string().describe('Opened in a browser, it turns X-ray on there and leads to the page.'),
  until: z.number().describe('When link and X-ray end, epoch seconds.'),
})
export type XrayAnswer = Read<z.output<typeof xrayAnswer>>

// ---- who is signed in -------------------------------------------------------------------------------------

const epochMs = z.number().describe('Epoch ms.')

export const sessionInfo = z.object({
  sid: z.string().describe('The same through all renewals.'),
  username: z.string(),
  identity: z.string().describe('`provider:subject` of whom they signed in as.'),
  providers: z.array(z.string()).describe('All they proved to be known by.'),
  startedAt: epochMs.describe('When they signed in; epoch ms.'),
  seenAt: epochMs.describe(
    'When they signed in, a token was renewed or a socket opened here; not each request. Epoch ms.',
  ),
  endsAt: epochMs.describe('Unless it is renewed; epoch ms.'),
  address: z.string().optional().describe('Where they were seen last.'),
  sockets: z.number().describe('Open at this node.'),
})
export type SessionInfo = Read<z.output<typeof sessionInfo>>

/** `GET /_hydra/api/v1/sessions?user=&limit=&after=` */
export const sessionsAnswer = z.object({
  sessions: z.array(sessionInfo).describe('What this node saw since it started; the latest sign-in first.'),
  total: z.number().describe('On this page and all others.'),
  next: z.string().optional().describe('`after` of the next page; absent on the last.'),
})
export type SessionsAnswer = Read<z.output<typeof sessionsAnswer>>

export const revocationInfo = z.object({
  kind: z
    .enum(['session', 'user', 'provider-session'])
    .describe('What was ended: a session, all of a person, or those of a session at a provider.'),
  key: z.string().describe('Its `sid`; a user name or `provider:subject`; a hash.'),
  at: epochMs.describe('What began until then is over; epoch ms.'),
  until: epochMs.describe('It is forgotten then; epoch ms.'),
  reason: z.string(),
})
export type RevocationInfo = Read<z.output<typeof revocationInfo>>

/** `GET /_hydra/api/v1/revocations` */
export const revocationsAnswer = z.object({
  revocations: z.array(revocationInfo).describe('Those that still matter, the latest first.'),
  more: z.number().optional().describe('How many there are beyond those listed.'),
})
export type RevocationsAnswer = Read<z.output<typeof revocationsAnswer>>

/** `DELETE /_hydra/api/v1/sessions/{sid}`, and `POST /_hydra/api/v1/revocations` with `{ user | session, reason? }`. */
export const revokeAnswer = z.object({ revoked: revocationInfo })
export type RevokeAnswer = Read<z.output<typeof revokeAnswer>>

export const signingKeyInfo = z.object({
  kid: z.string(),
  state: z.enum(['active', 'retired']).describe('The active one signs; retired ones still verify.'),
  createdAt: epochMs.describe('Epoch ms.'),
  until: epochMs.optional().describe('Until when its tokens may be valid; epoch ms.'),
})
export type SigningKeyInfo = Read<z.output<typeof signingKeyInfo>>

/** `GET /_hydra/api/v1/keys` and `POST /_hydra/api/v1/keys/rotate` */
export const signingKeysAnswer = z.object({
  keys: z.array(signingKeyInfo).describe('The active one first. No private part of any.'),
  warnings: z.array(z.string()).describe('What an operator should know about them.'),
})
export type SigningKeysAnswer = Read<z.output<typeof signingKeysAnswer>>

export const userInfo = z.object({
  username: z.string(),
  id: z.number().nullable().describe('Number that applications know the user by.'),
  roles: z.array(z.string()).describe('At the gateway.'),
  metadata: z.record(z.string(), z.unknown()).describe('Further claims of their tokens.'),
  enabled: z.boolean(),
  accountNonExpired: z.boolean(),
  accountNonLocked: z.boolean(),
  credentialsNonExpired: z.boolean(),
})
export type UserInfo = Read<z.output<typeof userInfo>>

/** `GET /_hydra/api/v1/users` */
export const usersAnswer = z.object({
  users: z.array(userInfo).describe('Those of the identity database, by name; none of the configuration.'),
})
export type UsersAnswer = Read<z.output<typeof usersAnswer>>

/** `POST /_hydra/api/v1/users`, `PATCH` and `DELETE /_hydra/api/v1/users/{username}` */
export const userAnswer = z.object({ user: userInfo.describe('As it is now; for `DELETE` as it was.') })
export type UserAnswer = Read<z.output<typeof userAnswer>>
