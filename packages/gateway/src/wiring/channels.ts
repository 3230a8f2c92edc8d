/**
 * The channels services reach us by.
 *
 * @module
 */
import type { Admission } from '../address/admission.ts'
import { createHttpChannel } from '../channels/http.ts'
import { createRSocketChannel } from '../channels/rsocket/channel.ts'
import type { EventJournal } from '../events/port.ts'
import type { FragmentDesk } from '../fragments/port.ts'
import type { IdentityFacts } from '../identity/port.ts'
import type { ServiceDesk } from '../messaging/port.ts'
import type { Prober } from '../registry/probe.ts'
import type { Registry } from '../registry/registry.ts'
import { fragmentsSlice } from '../slices.ts'
import { type Core, sliceOf } from './core.ts'

export interface ChannelsDeps {
  readonly registry: Registry
  readonly admission: Admission
  readonly identity: IdentityFacts
  readonly desk: FragmentDesk
  readonly prober: Pick<Prober, 'probeNow'>
  readonly journal: EventJournal
  /** Where services send messages. */
  readonly messages: ServiceDesk
}

export type Channels = ReturnType<typeof createChannels>

export function createChannels(
  core: Core,
  { registry, admission, identity, desk, prober, journal, messages }: ChannelsDeps,
) {
  const { config, keys, random, clock, log, metrics } = core
  const { maxBytes: maxRegistrationBytes, maxRoutes } = config.registration
  const shared = {
    registrar: registry,
    mayRegister: admission.mayRegister,
    identity,
    clock,
    log,
    metrics,
  }
  const rsocket = createRSocketChannel({
    ...shared,
    keys: { accepts: keys.acceptsPair },
    random,
    desk,
    journal,
    messages,
    settings: sliceOf(core, ({ messages: { maxBytes, callTimeout } }) => ({
      maxCallBytes: fragmentsSlice(config).maxCallBytes,
      maxRegistrationBytes,
      maxRoutes,
      maxMessageBytes: maxBytes,
      takeTimeoutMs: callTimeout,
    })),
  })
  const http = createHttpChannel({
    ...shared,
    keys,
    probe: prober.probeNow,
    random,
    settings: sliceOf(core, ({ registration, http }) => ({
      requirePrivateKey: registration.requirePrivateKey,
      bodyTimeoutMs: http.idleTimeout,
      maxRegistrationBytes,
      maxRoutes,
    })),
  })
  return { rsocket, http }
}
