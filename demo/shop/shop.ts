/**
 * The whole shop: a gateway, four services in four frameworks, and what can be done to them.
 *
 * @module
 */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from './child.ts'
import { type DemoGateway, startGateway } from './gateway.ts'

export const SERVICES = [
  { name: 'home', instances: 1 },
  { name: 'catalog', instances: 2 },
  { name: 'orders', instances: 1 },
  { name: 'account', instances: 1 },
] as const

export type ServiceName = (typeof SERVICES)[number]['name']

/** One process of a service. A dead one keeps its place until it is brought back. */
export interface Instance {
  readonly service: ServiceName
  readonly child: Child
  /** Its name in the shop, such as `cat-3f2a`; known once the gateway has taken it. */
  readonly id: () => string | undefined
  /** Resolves when the gateway has taken it; rejects when it ends before. */
  readonly serving: Promise<void>
}

export interface Shop {
  readonly gateway: DemoGateway
  /** Processes of a service, dead ones included. */
  instances(service: ServiceName): readonly Instance[]
  alive(service: ServiceName): readonly Instance[]
  /** SIGKILL to the youngest one alive; nothing when none is. */
  kill(service: ServiceName): Instance | undefined
  /** Starts one for each that is dead. */
  revive(service: ServiceName): readonly Instance[]
  /** Replaces each politely by a new one that serves before the old one leaves. */
  restart(service: ServiceName): Promise<void>
  /** One more. */
  add(service: ServiceName): Instance
  /** SIGTERM to the youngest one alive: it leaves the gateway, ends its requests, then itself. */
  retire(service: ServiceName): Promise<Instance | undefined>
  /** Everything, in order. Nothing is left afterwards. */
  stop(): Promise<void>
}

export interface ShopOptions {
  /** 0 takes any free port. */
  readonly port: number
  /** Each line of the gateway's log, parsed. */
  onLog?(event: Readonly<Record<string, unknown>>): void
  /** A process ended that nobody asked to. */
  onLost?(instance: Instance, how: number | NodeJS.Signals): void
  /** What services print on standard error. */
  onTrouble?(service: ServiceName, line: string): void
}

/** How long a service may take to leave: longer than its own grace would be a fault of ours. */
const STOP_MS = 4000

/** `cat-3f2a`, as the pages of the shop show it. */
export const shortId = (service: string, instanceId: string): string =>
  `${service.slice(0, 3)}-${instanceId.slice(0, 4)}`

/** Starts the gateway, then all services; resolves while those are still on their way. */
export async function openShop({ port, onLog, onLost, onTrouble }: ShopOptions): Promise<Shop> {
  const directory = await mkdtemp(join(tmpdir(), 'hydra-demo-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const gateway = await startGateway({ directory, port, onLog: (event) => onLog?.(event) })
  const all = new Map<ServiceName, readonly Instance[]>(SERVICES.map(({ name }) => [name, []]))
  /** Told to end, and therefore not lost; those of them that were killed wait for their revival. */
  const leaving = new Set<Child>()
  const killed = new Set<Child>()

  function start(service: ServiceName): Instance {
    let id: string | undefined
    const serving = Promise.withResolvers<void>()
    const child = startChild({
      file: `../services/${service}.ts`,
      cwd: directory,
      env: { ...gateway.env, SHOP_DATA: directory },
      onLine: (line, stream) => stream === 'err' && onTrouble?.(service, line),
      onMessage(message) {
        id = shortId(service, String(message))
        serving.resolve()
      },
    })
    const instance: Instance = { service, child, id: () => id, serving: serving.promise }
    // Whoever waits for it hears of it; nobody has to.
    serving.promise.catch(() => {})
    void child.exited.then((how) => {
      serving.reject(new Error(`${service} ended with ${how} before it served`))
      if (!leaving.has(child)) onLost?.(instance, how)
    })
    all.set(service, [...instances(service), instance])
    return instance
  }

  const instances = (service: ServiceName): readonly Instance[] => all.get(service)!
  const alive = (service: ServiceName): readonly Instance[] =>
    instances(service).filter(({ child }) => child.isAlive() && !leaving.has(child))

  function drop(instance: Instance): void {
    all.set(
      instance.service,
      instances(instance.service).filter((other) => other !== instance),
    )
  }

  async function leave(instance: Instance): Promise<void> {
    leaving.add(instance.child)
    await instance.child.stop(STOP_MS)
    drop(instance)
  }

  let stopping: Promise<void> | undefined
  async function stop(): Promise<void> {
    const children = [...all.values()].flat().map(({ child }) => child)
    for (const child of [...children, gateway.child]) leaving.add(child)
    await Promise.all(children.map((child) => child.stop(STOP_MS)))
    await gateway.child.stop(STOP_MS)
  }

  for (const { name, instances: count } of SERVICES) for (let i = 0; i < count; i++) start(name)
  return {
    gateway,
    instances,
    alive,
    kill(service) {
      const victim = alive(service).at(-1)
      if (!victim) return undefined
      leaving.add(victim.child)
      killed.add(victim.child)
      victim.child.kill('SIGKILL')
      return victim
    },
    revive(service) {
      const dead = instances(service).filter(({ child }) => !child.isAlive() || killed.has(child))
      for (const instance of dead) drop(instance)
      return dead.map(() => start(service))
    },
    async restart(service) {
      for (const old of alive(service)) {
        await start(service).serving
        await leave(old)
      }
    },
    add: start,
    async retire(service) {
      const instance = alive(service).at(-1)
      if (instance) await leave(instance)
      return instance
    },
    stop: () => (stopping ??= stop()),
  }
}
