/**
 * What calls tell services of who is signed in: one token for each call, which may have to be signed first.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Instance } from '../routing/upstream.ts'
import { accessTo, type Provider, type Refusal } from './choose.ts'
import type { Job } from './job.ts'

export interface CallTokens {
  /** What belongs to one call: fragments of an instance, apart where it is told of different identities of one visitor. */
  groupOf(job: Job, provider: Provider): Instance | string
  /** Gives the token to all of a group, and goes on with those somebody still waits for: at once, or when it is signed. */
  tell(provider: Provider, jobs: readonly Job[], go: (provider: Provider, jobs: readonly Job[]) => void): void
}

export interface CallTokensDeps {
  /** What an instance is told of who is signed in, by one of these providers; undefined when nobody is. */
  readonly token:
    | ((
        instance: Instance,
        accepted: readonly string[] | undefined,
      ) => string | undefined | Promise<string | undefined>)
    | undefined
  /** What it is told doesn't depend on the fragment. */
  readonly isOneIdentity: boolean
  readonly clock: Pick<Clock, 'monotonic'>
  /** Falls back then, or at its deadline where that is before. */
  readonly giveUpAt: (job: Job, at: number) => void
  readonly onFailed: (job: Job, refusal: Refusal) => void
}

export function createCallTokens(deps: CallTokensDeps, isCancelled: () => boolean): CallTokens {
  const { token: tokenFor, isOneIdentity, clock, giveUpAt, onFailed } = deps

  return {
    groupOf({ ref }, { instance }) {
      const accepted = isOneIdentity ? undefined : accessTo(instance, ref).providers
      return accepted === undefined ? instance : JSON.stringify([instance.id, accepted])
    },

    tell(provider, jobs, go) {
      const { instance } = provider
      const tellAll = (those: readonly Job[], token: string | undefined): void => {
        for (const job of those) job.token = token
        if (those.length > 0) go(provider, those)
      }
      const token = tokenFor?.(instance, accessTo(instance, jobs[0]!.ref).providers)
      if (typeof token !== 'object') {
        tellAll(jobs, token)
        return
      }
      for (const job of jobs) giveUpAt(job, job.deadline)
      /** Those that somebody still waits for. */
      const left = (): Job[] => {
        const now = clock.monotonic()
        return isCancelled() ? [] : jobs.filter(({ state, deadline }) => state === 'asked' && deadline > now)
      }
      token.then(
        (made) => tellAll(left(), made),
        () => {
          const detail = 'nobody could tell its service who is signed in'
          for (const job of left()) onFailed(job, { reason: 'failed', detail })
        },
      )
    },
  }
}
