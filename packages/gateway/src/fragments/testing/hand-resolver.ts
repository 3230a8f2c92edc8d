/**
 * A resolver whose fragments settle when a test says so, and a composer that asks it.
 *
 * @module
 */
import type { FallbackReason, FragmentAssets } from '@hydra-gateway/protocol'
import type { FragmentTag } from '@hydra-gateway/protocol/fragments'
import type { FragmentMarks } from '../../live/port.ts'
import type { PageMenus } from '../../menus/port.ts'
import { systemClock } from '../../observe/clock.ts'
import { instanceAt, plainAnswers, type RigOptions } from '../../proxy/testing/rig.ts'
import type { Instance } from '../../routing/upstream.ts'
import { createComposer } from '../compose.ts'
import type { PageXray } from '../page-options.ts'
import type { Outcome, Resolution, ResolutionOptions, Resolver } from '../port.ts'
import type { FragmentSettings } from '../settings.ts'

/** What a fragment becomes: HTML, or why its fallback is shown. */
export type Play = { readonly html: string; readonly assets?: FragmentAssets } | FallbackReason

/** One page that was composed. */
export interface HandPage {
  readonly options: ResolutionOptions
  readonly tags: readonly { readonly tag: FragmentTag; readonly parent: number | undefined }[]
  /** Refs that were asked for, in order. */
  readonly asked: readonly string[]
  readonly isClosed: boolean
  readonly isCancelled: boolean
  /** Settles the first fragment of this ref that was asked for. */
  settle(ref: string, play: Play): void
}

export interface HandResolver extends Resolver {
  readonly pages: readonly HandPage[]
}

/** Where fragments are said to come from. */
export const PROVIDER: Instance = instanceAt(1, { service: 'parts', version: '2.0' })

/** `answers` settles at once what it knows; the rest waits for `settle`. */
export function handResolver(
  answers: (tag: FragmentTag) => Play | undefined = () => undefined,
): HandResolver {
  const pages: HandPage[] = []
  return {
    pages,
    open(options) {
      const tags: { tag: FragmentTag; parent: number | undefined }[] = []
      const outcomes: (Outcome | undefined)[] = []
      const asked: string[] = []
      let isClosed = false
      let isCancelled = false
      const settle = (index: number, play: Play): void => {
        if (isCancelled) return
        outcomes[index] = outcomeOf(index, tags[index]!.tag, play)
        options.onReport?.(outcomes[index].report)
        options.onSettled(outcomes[index])
      }
      const started = new Set<number>()
      const go = (): void => {
        tags.forEach(({ tag, parent }, index) => {
          if (started.has(index) || isCancelled) return
          if (parent !== undefined && (!outcomes[parent] || outcomes[parent].html !== undefined)) return
          started.add(index)
          asked.push(tag.ref)
          const play = answers(tag)
          if (play !== undefined) settle(index, play)
        })
        if (tags.some((_, index) => isDue(index))) go()
      }
      const isDue = (index: number): boolean => {
        const { parent } = tags[index]!
        return (
          !started.has(index) &&
          !isCancelled &&
          (parent === undefined || outcomes[parent]?.reason !== undefined)
        )
      }
      const resolution: Resolution = {
        add: (tag, { parent } = {}) => tags.push({ tag, parent }) - 1,
        go,
        closeAhead() {
          isClosed = true
        },
        cancel() {
          isCancelled = true
        },
        attributes: options.attributes,
        sessions: {},
      }
      pages.push({
        options,
        tags,
        asked,
        get isClosed() {
          return isClosed
        },
        get isCancelled() {
          return isCancelled
        },
        settle(ref, play) {
          const index = tags.findIndex(({ tag }, i) => tag.ref === ref && started.has(i) && !outcomes[i])
          if (index < 0) throw new Error(`${ref} was not asked for, or has settled`)
          settle(index, play)
          go()
        },
      })
      return resolution
    },
  }
}

function outcomeOf(index: number, { service, ref }: FragmentTag, play: Play): Outcome {
  const reason = typeof play === 'string' ? play : undefined
  const rendered = typeof play === 'string' ? undefined : play
  return {
    index,
    html: rendered?.html,
    reason,
    assets: rendered?.assets,
    instance: rendered && PROVIDER,
    exports: undefined,
    report: {
      id: `f${index}`,
      service,
      ref,
      wave: 1,
      startMs: 0,
      durationMs: 1.5,
      bytes: rendered?.html.length ?? 0,
      imports: [],
      exports: [],
      ...(reason ? { reason } : {}),
    },
  }
}

export interface HandComposer {
  readonly settings?: Partial<FragmentSettings>
  readonly instances?: readonly Instance[]
  readonly xray?: PageXray
  readonly menus?: PageMenus
  readonly marks?: Pick<FragmentMarks, 'make'>
}

/** A composer for the rig, around a resolver. */
export function handComposer(
  resolver: Resolver,
  { settings, instances = [], xray, menus, marks }: HandComposer = {},
): NonNullable<RigOptions['composer']> {
  return ({ log, metrics }) =>
    createComposer({
      resolver,
      settings: {
        pageBudgetMs: 3000,
        maxPerPage: 1000,
        maxPageBytes: 4 * 1024 * 1024,
        readAheadBytes: 256 * 1024,
        maxFallbackBytes: 64 * 1024,
        maxHeldBytes: 1024 * 1024,
        ...settings,
      },
      visitors: {
        contextOf: () => ({
          visitor: { select: () => undefined },
          route: undefined,
          isXray: xray !== undefined,
        }),
        onHead() {},
      },
      instancesOf: (service) => instances.filter((instance) => instance.service === service),
      answers: plainAnswers,
      menus,
      marks,
      ...(xray ? { xray: () => xray } : {}),
      clock: systemClock,
      log,
      metrics,
    })
}
