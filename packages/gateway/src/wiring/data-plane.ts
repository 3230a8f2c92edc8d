/**
 * The data plane: reads the table, forwards requests, puts pages together.
 *
 * @module
 */

import type { RenderLine } from '../fragments/channel-renderer.ts'
import { createChannelRenderer } from '../fragments/channel-renderer.ts'
import { createComposer } from '../fragments/compose.ts'
import { createFragmentDesk } from '../fragments/desk.ts'
import { createHttpRenderer } from '../fragments/http-renderer.ts'
import { createResolver } from '../fragments/resolver.ts'
import { createPageXray } from '../fragments/xray-page.ts'
import type { XrayPass } from '../fragments/xray-pass.ts'
import type { OpenedIdentity } from '../identity/identity.ts'
import type { Answers } from '../proxy/answers.ts'
import { createExchangeIds, systemRandom25 } from '../proxy/exchange-id.ts'
import { createForwarder } from '../proxy/forward.ts'
import { createPasses } from '../proxy/passes.ts'
import { SIGNED_OUT_CODE, SIGNED_OUT_REASON } from '../proxy/service-sign-in.ts'
import { createVisitors } from '../proxy/visitors.ts'
import { createBalancer } from '../routing/balance.ts'
import { fragmentsSlice, proxySlice } from '../slices.ts'
import { type Core, sliceOf } from './core.ts'
import type { LivePages } from './live-pages.ts'

/** What requests need of identity; the people, and how they sign in, are elsewhere. */
export type RequestIdentity = Pick<
  OpenedIdentity,
  | 'proxy'
  | 'guard'
  | 'judge'
  | 'demandsAt'
  | 'tokens'
  | 'serviceTokens'
  | 'wishes'
  | 'onHead'
  | 'revocations'
  | 'book'
  | 'isOver'
  | 'onEnds'
>

export interface DataPlaneDeps {
  readonly answers: Answers
  readonly identity: RequestIdentity | undefined
  readonly xray: XrayPass
  /** Menus, links and live fragments of the pages that are put together. */
  readonly pages: Pick<LivePages, 'menus' | 'wanted' | 'marks'>
  /** The channel an instance may be asked for fragments on. */
  readonly lineOf: (instance: string) => RenderLine | undefined
}

export type DataPlane = ReturnType<typeof createDataPlane>

export function createDataPlane(core: Core, { answers, identity, xray, pages, lineOf }: DataPlaneDeps) {
  const { config, keys, random, clock, log, metrics, live, vitals } = core
  const visitors = createVisitors({
    privateKeys: keys.privateKeys,
    balancer: createBalancer({ vitals, settings: sliceOf(core, ({ routing }) => routing), random }),
    table: () => live.table,
    isXray: xray.isOn,
    random,
    log,
    metrics,
  })
  const onHead: typeof visitors.onHead = identity
    ? (exchange, status, headers) => {
        visitors.onHead(exchange, status, headers)
        identity.onHead(exchange, status, headers)
      }
    : visitors.onHead
  const settings = fragmentsSlice(config)
  const limits = sliceOf(core, proxySlice)
  // Stands before the answers of services, and asks services itself: what it needs comes below.
  const composer = createComposer({
    resolver: { open: (options) => resolver.open(options) },
    visitors: { contextOf: visitors.contextOf, onHead },
    instancesOf: (service) => live.table.instances(service),
    xray: (exchange, context) => createPageXray(exchange, context),
    answers,
    menus: pages.menus,
    onMissedMenu: pages.wanted.missed,
    marks: pages.marks,
    settings,
    clock,
    log,
    metrics,
  })
  const forwarder = createForwarder({
    settings: limits,
    vitals,
    onHead,
    composer,
    signIn: identity?.wishes,
    onSocket:
      identity && (({ caller, client }) => (caller ? identity.book.opened(caller, client) : undefined)),
    log,
    metrics,
    clock,
  })
  identity?.onEnds(() => {
    forwarder.endStreamsOf(identity.isOver)
    forwarder.endSocketsWhere(
      ({ caller }) => caller !== undefined && identity.isOver(caller),
      SIGNED_OUT_CODE,
      SIGNED_OUT_REASON,
    )
  })
  // Fragments: pages of services ask here, over their channel or over HTTP.
  const resolver = createResolver({
    table: () => live.table,
    renderers: [
      createChannelRenderer({ lineOf, requests: forwarder.own }),
      createHttpRenderer({ requests: forwarder.own, keys }),
    ],
    identity,
    settings,
    clock,
    log,
    metrics,
  })
  const desk = createFragmentDesk({
    resolver,
    contextFrom: visitors.contextFrom,
    newExchange: createExchangeIds({ now: clock.now, random25: systemRandom25() }),
    identity,
    settings,
    metrics,
  })
  const passes = createPasses({ privateKeys: keys.privateKeys, settings: limits, clock, log })
  return { visitors, forwarder, desk, passes }
}
