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
import type { Prober } from '../registry/probe.ts'
import type { Registry } from '../registry/registry.ts'
import { fragmentsSlice } from '../slices.ts'
import type { Core } from './core.ts'

export interface ChannelsDeps {
  readonly registry: Registry
  readonly admission: Admission
  readonly identity: IdentityFacts
  readonly desk: FragmentDesk
  readonly prober: Pick<Prober, 'probeNow'>
  readonly journal: EventJournal
}

export type Channels = ReturnType<typeof createChannels>

export function createChannels(
  { config, keys, random, clock, log, metrics }: Core,
  { registry, admission, identity, desk, prober, journal }: ChannelsDeps,
) {
  const { maxBytes: maxRegistrationBytes, maxRoutes, requirePrivateKey } = config.registration
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
    desk,
    journal,
    settings: { maxCallBytes: fragmentsSlice(config).maxCallBytes, maxRegistrationBytes, maxRoutes },
  })
  const http = createHttpChannel({
    ...shared,
    keys,
    probe: prober.probeNow,
    random,
    settings: {
      requirePrivateKey,
      bodyTimeoutMs: config.http.idleTimeout,
      maxRegistrationBytes,
      maxRoutes,
    },
  })
  return { rsocket, http }
}
