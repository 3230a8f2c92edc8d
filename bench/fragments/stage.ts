/**
 * What composers stand between: the services of the page and of its fragments, and the visitors.
 *
 * @module
 */
import type { Place } from '../support/place.ts'
import type { Cores } from '../support/processes.ts'
import { openStage, type Stage } from '../support/stage.ts'
import type { BackendQuestion, BackendReady, Left } from './backend.ts'

/** Where a composer finds everything. */
export interface PagePlace extends Place, BackendReady {
  /** Registers the services at a gateway of ours. */
  join(question: Omit<BackendQuestion & { what: 'join' }, 'what'>): Promise<void>
}

export interface PageStage extends Pick<Stage<BackendReady>, 'send' | 'later' | 'end'> {
  readonly partPorts: readonly number[]
  place(name: string): PagePlace
  /** When slow pages left their service, since the last time. */
  left(): Promise<Left>
}

export async function openPageStage(cores: Cores | undefined): Promise<PageStage> {
  const stage = await openStage<BackendReady>({
    cores,
    backend: new URL('backend.ts', import.meta.url),
    client: new URL('clients/client.ts', import.meta.url),
  })
  const ask = <Answer>(question: BackendQuestion) => stage.backend.ask<Answer>(question)
  const { ready } = stage.backend
  return {
    ...stage,
    partPorts: ready.partPorts,
    place: (name) => ({
      ...ready,
      ...stage.place(name),
      join: async (question) => void (await ask({ what: 'join', ...question })),
    }),
    left: () => ask({ what: 'left' }),
  }
}
