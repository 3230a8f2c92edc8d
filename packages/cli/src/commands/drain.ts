/**
 * `hydra services drain` and `hydra services resume`
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { DrainAnswer, InstanceInfo, ServiceState } from '@hydra-gateway/protocol'
import type { ArgsDef } from 'citty'
import { type Admin, mustBeKnown, openAdmin } from '../admin.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, CommandError, EXIT, sentences } from '../io.ts'
import { formatCount, printable } from '../table.ts'

const ARGS = {
  name: { type: 'positional', required: true, description: 'Name of the service' },
  instance: {
    type: 'string',
    valueHint: 'ID',
    description: 'Only this instance: its id, the beginning of it, or its address; all of them otherwise',
  },
  ...GATEWAY_ARGS,
} as const satisfies ArgsDef

/** How often a drain that is waited for is looked at. */
const LOOK_MS = 500
/** Longest wait, seconds: a day. */
const MOST_SECONDS = 86_400

export const drain = defineCommand({
  name: 'drain',
  summary: 'Take instances out of rotation: they finish what was begun, and take nobody new',
  about:
    'They drain until they are resumed or their process ends. While all instances of a service drain, its\naddresses answer 503 with its fallback.',
  args: {
    ...ARGS,
    wait: {
      type: 'string',
      valueHint: 'SECONDS',
      description:
        'Wait until nothing is left at the node that is asked, so long at most; status 1 when something still is',
    },
  },
  examples: [
    ['hydra services drain orders --instance 47753c63', 'one of several, before it is stopped'],
    ['hydra services drain orders --wait 30', 'all of them, and go on when they are done'],
  ],
  async run({ name, instance, gateway, config, json, wait }, io) {
    const seconds = wait === undefined ? undefined : readSeconds(wait)
    const admin = await openAdmin({ gateway, config }, io)
    const begun = await admin.drain(name, await idOf(name, instance, admin))
    const say = (text: string) => io.out(sentences(text, io.style.out))
    if (!json) say(`${drained(begun)}\n`)
    const answer = seconds === undefined ? begun : await whenDone(begun, seconds, admin)
    const left = runningOf(answer.instances)
    if (json) io.out(asJson(answer))
    else if (seconds !== undefined) {
      say(`${left === 0 ? 'Nothing is left' : leftSentence(left)}.\n`)
      say(elsewhereSentence(await othersOf(admin)))
    }
    return seconds !== undefined && left > 0 ? EXIT.problem : EXIT.ok
  },
})

export const resume = defineCommand({
  name: 'resume',
  summary: 'Put instances that drain back into rotation',
  args: ARGS,
  async run({ name, instance, gateway, config, json }, io) {
    const admin = await openAdmin({ gateway, config }, io)
    const answer = await admin.resume(name, await idOf(name, instance, admin))
    io.out(json ? asJson(answer) : sentences(`${resumed(answer)}\n`, io.style.out))
    return EXIT.ok
  },
})

function readSeconds(text: string): number {
  const seconds = /^\d{1,5}(\.\d+)?s?$/.test(text) ? Number.parseFloat(text) : Number.NaN
  if (seconds <= MOST_SECONDS) return seconds
  throw new CommandError(`--wait is "${text}"; write seconds, such as --wait 30`, EXIT.usage)
}

/** The instance somebody means: lists show the first eight characters of an id. */
async function idOf(service: string, said: string | undefined, admin: Admin): Promise<string | undefined> {
  await mustBeKnown(service, admin)
  if (said === undefined) return undefined
  const { services } = await admin.services()
  const instances = services.find(({ name }) => name === service)?.instances ?? []
  const meant = instances.filter(
    ({ id, address }) => id.startsWith(said) || address === said || address.endsWith(`//${said}`),
  )
  const exact = meant.find(({ id }) => id === said)
  if (exact) return exact.id
  const [only] = meant
  if (only && meant.length === 1) return only.id
  const known = instances.map(({ id, address }) => `${id.slice(0, 8)} at ${printable(address)}`)
  const those = known.length === 0 ? '; it has none' : `; there are ${known.join(', ')}`
  throw new CommandError(
    meant.length > 1
      ? `${meant.length} instances of ${printable(service)} begin with ${printable(said)}`
      : `${printable(service)} has no instance ${printable(said)}`,
    EXIT.problem,
    `${those}.`,
  )
}

/** Looks until nothing is left, somebody put it back, or the time is over. Who left is done. */
async function whenDone(begun: DrainAnswer, seconds: number, admin: Admin): Promise<DrainAnswer> {
  const ids = new Set(begun.instances.map(({ id }) => id))
  const end = performance.now() + seconds * 1000
  let answer = begun
  while (runningOf(answer.instances) > 0 && performance.now() < end) {
    await sleep(Math.min(LOOK_MS, Math.max(1, end - performance.now())))
    const { services } = await admin.services()
    const service = services.find(({ name }) => name === begun.service)
    const instances = (service?.instances ?? []).filter(({ id }) => ids.has(id))
    answer = { service: begun.service, state: service?.state ?? 'down', instances }
  }
  return answer
}

function runningOf(instances: readonly Pick<InstanceInfo, 'inFlight'>[]): number {
  return instances.reduce((sum, { inFlight }) => sum + inFlight, 0)
}

const leftSentence = (left: number) =>
  left === 1 ? '1 request is left' : `${formatCount(left)} requests are left`

/** Nodes that may have begun something as well: each counts what runs through it alone. */
async function othersOf(admin: Admin): Promise<number> {
  const { nodes } = await admin.nodes()
  return nodes.filter(({ isThis, isTrusted }) => !isThis && isTrusted).length
}

function elsewhereSentence(others: number): string {
  if (others === 0) return ''
  const who = others === 1 ? 'another node' : `${others} other nodes`
  return `What runs through ${who} is not counted; ask there too, with --gateway.\n`
}

/** What was done, and what it means for visitors. */
function drained({ service, state, instances }: DrainAnswer): string {
  const name = printable(service)
  const whose =
    instances.length === 1 ? `1 instance of ${name} drains` : `${instances.length} instances of ${name} drain`
  const left = runningOf(instances)
  return `${whose}, ${left === 0 ? 'nothing is left' : leftSentence(left)}. ${meaning(name, state)}`
}

function resumed({ service, state, instances }: DrainAnswer): string {
  const name = printable(service)
  const who = instances.length === 1 ? '1 instance' : `${instances.length} instances`
  return `${who} of ${name} ${instances.length === 1 ? 'is' : 'are'} in rotation. ${meaning(name, state)}`
}

function meaning(name: string, state: ServiceState): string {
  if (state === 'draining') return `Nobody else serves ${name}: visitors get its fallback.`
  if (state === 'down') return `Nobody serves ${name} at the moment.`
  return `${name} is ${state}.`
}
