/**
 * What is known of services, by name: for parts that look one up for each message.
 *
 * @module
 */
import type { Entry, Member } from '../registry/member.ts'
import type { Registry } from '../registry/registry.ts'

export interface KnownServices {
  of(service: string): Entry | undefined
  member(service: string, instance: string): Member | undefined
  /** Calls back in the tick in which something of a service changed. */
  onChange(listener: (service: string) => void): void
}

export function createKnownServices(registry: Pick<Registry, 'entries' | 'onNews'>): KnownServices {
  const entries = new Map<string, Entry>()
  const listeners: ((service: string) => void)[] = []
  for (const entry of registry.entries()) entries.set(entry.name, entry)
  registry.onNews((service, entry) => {
    if (entry) entries.set(service, entry)
    else entries.delete(service)
    for (const listener of listeners) listener(service)
  })
  return {
    of: (service) => entries.get(service),
    member: (service, instance) => entries.get(service)?.members.get(instance),
    onChange: (listener) => void listeners.push(listener),
  }
}
