/**
 * Writes the JSON Schemas of the protocol to `docs/reference/schemas/`, from the schemas the gateway checks with.
 *
 * They describe what is written on the wire (`io: 'input'`): defaults are optional there.
 *
 * @module
 */
import { readdirSync } from 'node:fs'
import {
  activeService,
  drainAnswer,
  forgetAnswer,
  fragmentRequest,
  fragmentsAnswer,
  fragmentsRequest,
  menuItem,
  menuItems,
  menus,
  menusAnswer,
  nodesAnswer,
  overview,
  overviewDelta,
  overviewParts,
  problem,
  registration,
  registrationResponse,
  reloadAnswer,
  renderedFragment,
  resolvedFragments,
  revocationsAnswer,
  revokeAnswer,
  routeDeclaration,
  routesAnswer,
  servicesAnswer,
  sessionsAnswer,
  signingKeysAnswer,
  siteEvent,
  userAnswer,
  usersAnswer,
  watchHello,
} from '@hydra-gateway/protocol'
import { generate, inRepository } from './generated-file.ts'

const SCHEMAS = {
  'active-service': activeService,
  'admin-drain': drainAnswer,
  'admin-forget': forgetAnswer,
  'admin-fragments': fragmentsAnswer,
  'admin-keys': signingKeysAnswer,
  'admin-menus': menusAnswer,
  'admin-nodes': nodesAnswer,
  'admin-reload': reloadAnswer,
  'admin-revocations': revocationsAnswer,
  'admin-revoke': revokeAnswer,
  'admin-routes': routesAnswer,
  'admin-services': servicesAnswer,
  'admin-sessions': sessionsAnswer,
  'admin-user': userAnswer,
  'admin-users': usersAnswer,
  'events-hello': watchHello,
  'fragment-request': fragmentRequest,
  'fragments-request': fragmentsRequest,
  'menu-item': menuItem,
  'menu-items': menuItems,
  menus,
  overview,
  'overview-delta': overviewDelta,
  'overview-parts': overviewParts,
  problem,
  registration,
  'registration-response': registrationResponse,
  'rendered-fragment': renderedFragment,
  'resolved-fragments': resolvedFragments,
  'route-declaration': routeDeclaration,
  'site-event': siteEvent,
}

const DIRECTORY = inRepository('docs/reference/schemas')
const COMMAND = 'node --conditions=hydra-source tools/generate-json-schemas.ts'

const files = new Map(
  Object.entries(SCHEMAS).map(([name, schema]) => {
    const json = schema.toJSONSchema({ io: 'input', unrepresentable: 'any' })
    return [`${DIRECTORY}/${name}.json`, `${JSON.stringify({ title: name, ...json }, undefined, 2)}\n`]
  }),
)
generate(files, COMMAND)

// a schema that was renamed or removed leaves no file behind
for (const name of existing()) {
  if (files.has(`${DIRECTORY}/${name}`)) continue
  console.error(`docs/reference/schemas/${name} belongs to no schema. Remove it.`)
  process.exitCode = 1
}

function existing(): string[] {
  try {
    return readdirSync(DIRECTORY)
  } catch {
    return []
  }
}
