import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Registration } from '@hydra-gateway/protocol'
import { setUpCluster, type TestNode } from './testing/cluster-rig.ts'

type Cluster = ReturnType<typeof setUpCluster>

async function setUp(count = 2, ...given: Parameters<typeof setUpCluster>) {
  const cluster = setUpCluster(...given)
  const nodes = ['a', 'b', 'c'].slice(0, count).map((name) => cluster.startNode(name))
  await cluster.settle()
  const [a, b, c] = nodes as [TestNode, TestNode, TestNode]
  /** Registers, and waits until everybody knows. */
  const join = async (
    node: TestNode,
    name: string,
    paths: string[],
    more: Parameters<Cluster['bean']>[2] = {},
    channel: 'rsocket' | 'http' = 'rsocket',
  ) => {
    const said = cluster.bean(name, paths, more)
    const answer = await cluster.register(node, said, channel)
    await cluster.settle()
    return { id: answer.instanceId, said, answer }
  }
  /** Time passes while instances are heard at their nodes, each second. */
  const live = (ms: number, heard: readonly (readonly [TestNode, string])[]) =>
    cluster.pass(ms, (passed) => {
      if (passed % 1000 !== 0) return
      for (const [node, id] of heard) node.tell((registry) => void registry.beat(id))
    })
  return { ...cluster, a, b, c, nodes, join, live }
}

const known = (nodes: readonly TestNode[], path: string) => nodes.map((node) => node.serving(path))

test('what one node hears all route to at once; a closed channel takes it out everywhere, and its return puts it back', async (t) => {
  const { a, nodes, join, settle, stop } = await setUp(3)
  t.after(stop)
  const { id } = await join(a, 'orders', ['/orders'])
  assert.deepEqual(known(nodes, '/orders'), [[id], [id], [id]])
  a.registry.suspend(id, 'channel closed')
  await settle()
  assert.deepEqual(known(nodes, '/orders'), [[], [], []])
  assert.deepEqual(
    nodes.map((node) => node.member(id)?.state),
    ['recovering', 'recovering', 'recovering'],
  )
  a.registry.beat(id)
  await settle()
  assert.deepEqual(known(nodes, '/orders'), [[id], [id], [id]])
})

test('a lost hint costs one interval', async (t) => {
  const { a, b, join, pass, stop } = await setUp()
  t.after(stop)
  b.hears = false
  const { id } = await join(a, 'orders', ['/orders'])
  assert.equal(b.serving('/orders'), undefined)
  await pass(1000)
  assert.deepEqual(b.serving('/orders'), [id])
})

test('who deregisters, or whose channel does not return, is gone everywhere; routes stay known, or go politely', async (t) => {
  const { a, b, nodes, join, live, settle, stop } = await setUp()
  t.after(stop)
  const first = await join(a, 'orders', ['/orders', '/only-here'])
  const second = await join(b, 'orders', ['/orders'])
  a.registry.deregister(first.id)
  await settle()
  assert.deepEqual(known(nodes, '/orders'), [[second.id], [second.id]])
  assert.deepEqual(known(nodes, '/only-here'), [undefined, undefined])
  b.registry.suspend(second.id, 'channel closed')
  await live(5500, [])
  assert.deepEqual(known(nodes, '/orders'), [[], []])
  assert.deepEqual(
    nodes.map((node) => node.member(second.id)),
    [undefined, undefined],
  )
})

test('a silent instance is gone on every node within 5.5 s, though something listens at its port', async (t) => {
  const { a, nodes, join, pass, stop } = await setUp(3)
  t.after(stop)
  await join(a, 'orders', ['/orders'])
  await pass(4900)
  assert.ok(known(nodes, '/orders').every((ids) => ids?.length === 1))
  await pass(600)
  assert.deepEqual(known(nodes, '/orders'), [[], [], []])
})

test('nobody takes the place of an instance that another node hears by knowing its id', async (t) => {
  const { a, b, nodes, join, register, live, settle, stop } = await setUp()
  t.after(stop)
  const { id, said } = await join(a, 'orders', ['/orders'])
  const elsewhere = { ...said, port: said.port + 1 }
  for (const name of ['orders', 'thief'])
    await assert.rejects(register(b, { ...elsewhere, name }), { code: 'HYDRA_CONFLICT' })
  await settle()
  assert.deepEqual(known(nodes, '/orders'), [[id], [id]])
  a.registry.suspend(id, 'channel closed')
  await settle()
  await register(b, elsewhere)
  await live(1000, [[b, id]])
  assert.deepEqual(
    nodes.map((node) => node.member(id)?.instance.address.port),
    [said.port + 1, said.port + 1],
    'once nobody hears it where it was, it may be somewhere else',
  )
})

test('an instance that moves is there all the time, on every node', async (t) => {
  const { a, b, c, nodes, join, register, live, settle, stop } = await setUp(3)
  t.after(stop)
  const { id, said } = await join(a, 'orders', ['/orders'])
  const away: string[] = []
  c.registry.onMember((event) => void away.push(event))
  await register(b, said)
  await settle()
  a.registry.suspend(id, 'channel closed')
  await settle()
  assert.deepEqual(known(nodes, '/orders'), [[id], [id], [id]])
  assert.deepEqual(
    nodes.map((node) => node.member(id)!.node),
    ['b 1', 'b 1', 'b 1'],
  )
  await live(20_000, [[b, id]])
  assert.deepEqual(known(nodes, '/orders'), [[id], [id], [id]])
  assert.deepEqual(away, [])
})

test('instances of a node that was killed stay while they answer, 15 s at most, and those that do not go at once', async (t) => {
  const { a, b, c, listens, join, live, settle, stop } = await setUp(3)
  t.after(stop)
  const own = await join(b, 'stock', ['/stock'])
  const there = await join(a, 'orders', ['/orders'])
  const dead = await join(a, 'orders', ['/orders'], { port: 4999 })
  const moved = await join(a, 'menus', ['/menus'])
  a.kill()
  listens.set(4999, false)
  const others = [b, c]
  await live(6500, [[b, own.id]])
  assert.deepEqual(known(others, '/orders'), [[there.id], [there.id]])
  assert.deepEqual(known(others, '/menus'), [[moved.id], [moved.id]])
  assert.equal(b.member(dead.id), undefined)
  // The service finds another node.
  await b.registry.register(moved.said, { channel: 'rsocket', peer: '127.0.0.1' })
  await settle()
  await live(15_000, [
    [b, own.id],
    [b, moved.id],
  ])
  assert.deepEqual(known(others, '/orders'), [[], []], 'known, and down')
  assert.deepEqual(known(others, '/menus'), [[moved.id], [moved.id]])
  assert.deepEqual(known(others, '/stock'), [[own.id], [own.id]])
})

test('an instance whose node is there, and does not hear it, is not kept for as long as one whose node is dead', async (t) => {
  const cluster = setUpCluster()
  t.after(cluster.stop)
  const a = cluster.startNode('a')
  const b = cluster.startNode('b', { isNodeThere: () => true })
  await cluster.settle()
  // Over HTTP: nobody knows to which node it would have sent its beats.
  await cluster.register(a, cluster.bean('orders', ['/orders']), 'http')
  await cluster.pass(5900)
  assert.deepEqual(a.serving('/orders'), [])
  assert.equal(b.serving('/orders')?.length, 1)
  await cluster.pass(6500)
  assert.deepEqual(b.serving('/orders'), [])
})

test('beats over HTTP may reach any node: they renew, and change neither owner nor revision', async (t) => {
  const { a, b, nodes, lossy, join, pass, stop } = await setUp()
  t.after(stop)
  const { id } = await join(a, 'orders', ['/orders'], {}, 'http')
  await pass(1000)
  const before = await lossy.store.look(undefined)
  await pass(60_000, (passed) => {
    if (passed % 3000 === 0) assert.equal(b.registry.beat(id), true)
  })
  assert.deepEqual(known(nodes, '/orders'), [[id], [id]])
  assert.equal((await lossy.store.look(undefined))!.version.revision, before!.version.revision)
  assert.equal(b.member(id)!.node, 'a 0')
  // Silent everywhere: the node that heard it first is as sure as the store.
  await pass(5600)
  assert.deepEqual(a.serving('/orders'), [])
})

test('who registered at a node that was cut off, and is heard by another one since, stays with that', async (t) => {
  const { a, b, nodes, bean, register, live, settle, stop } = await setUp()
  t.after(stop)
  const said = bean('orders', ['/orders'])
  const id = said.instanceId!
  a.setAccess('away')
  await register(a, said)
  // The line to the first node is dead, and nobody told it.
  await register(b, said)
  a.setAccess('there')
  await settle()
  await live(12_000, [[b, id]])
  assert.equal(b.member(id)?.node, 'b 1')
  assert.equal(b.asked.get('put'), 1, 'nobody took it away')
  assert.deepEqual(known(nodes, '/orders'), [[id], [id]])
  // Heard by the one that was cut off, after it is back: its word is the newer one.
  a.setAccess('away')
  await register(a, said)
  a.setAccess('there')
  await live(3000, [[a, id]])
  assert.equal(b.member(id)?.node, 'a 0')
})

test('an operator may drain and resume at any node, and a process that registers again at another one drains on', async (t) => {
  const { a, b, c, nodes, join, live, register, settle, stop } = await setUp(3)
  t.after(stop)
  const { id, said } = await join(a, 'orders', ['/orders'])
  const states = () => nodes.map((node) => node.member(id)?.state)
  assert.equal(b.registry.drain(id, 'an operator drains it'), true)
  assert.equal(b.member(id)?.state, 'draining', 'in the same tick')
  await settle()
  assert.deepEqual(states(), ['draining', 'draining', 'draining'])
  assert.equal(a.member(id)?.drain?.reason, 'an operator drains it')
  await live(10_000, [[a, id]])
  assert.deepEqual(states(), ['draining', 'draining', 'draining'])
  await register(c, said)
  await live(3000, [[c, id]])
  assert.deepEqual(states(), ['draining', 'draining', 'draining'])
  assert.equal(a.registry.resume(id, 'put back'), true)
  await settle()
  assert.deepEqual(known(nodes, '/orders'), [[id], [id], [id]])
  // A drain is of one process.
  a.registry.drain(id, 'an operator drains it')
  await settle()
  await register(b, { ...said, activeSince: 2000 } as Registration)
  await settle()
  assert.deepEqual(known(nodes, '/orders'), [[id], [id], [id]])
})

test('who is asked to drain again where nobody has heard yet that it was put back elsewhere drains everywhere', async (t) => {
  const { a, b, nodes, join, settle, live, stop } = await setUp()
  t.after(stop)
  const { id } = await join(b, 'orders', ['/orders'])
  a.registry.drain(id, 'an operator drains it')
  await settle()
  b.hears = false
  a.registry.resume(id, 'put back')
  await settle()
  assert.equal(b.registry.drain(id, 'it asked for it'), false, 'to this node it drains already')
  b.hears = true
  await settle()
  await live(2000, [[b, id]])
  assert.deepEqual(
    nodes.map((node) => node.member(id)?.state),
    ['draining', 'draining'],
  )
  // The last word holds the other way round too.
  b.hears = false
  a.registry.resume(id, 'put back')
  a.registry.drain(id, 'an operator drains it')
  await settle()
  b.hears = true
  assert.equal(b.registry.resume(id, 'put back'), true)
  await live(2000, [[b, id]])
  assert.deepEqual(known(nodes, '/orders'), [[id], [id]])
})

test('a drained instance of a store that lost everything drains on', async (t) => {
  const { a, b, lossy, join, live, settle, stop } = await setUp()
  t.after(stop)
  const { id } = await join(a, 'orders', ['/orders'])
  b.registry.drain(id, 'an operator drains it')
  await settle()
  await lossy.lose()
  await live(5000, [[a, id]])
  assert.equal(a.member(id)?.state, 'draining')
  assert.equal(b.member(id)?.state, 'draining')
})

test('a service forgotten at one node is forgotten at all; whoever still runs has to register again', async (t) => {
  const { a, b, nodes, join, settle, live, stop } = await setUp()
  t.after(stop)
  const { id, said } = await join(a, 'orders', ['/orders'])
  assert.equal(b.registry.forget('orders'), true)
  assert.equal(b.serving('/orders'), undefined)
  await settle()
  assert.deepEqual(known(nodes, '/orders'), [undefined, undefined])
  assert.equal(a.registry.beat(id), false)
  await a.registry.register(said, { channel: 'rsocket', peer: '127.0.0.1' })
  await live(3000, [[a, id]])
  assert.deepEqual(known(nodes, '/orders'), [[id], [id]])
})

test('after a restart known services are down, with their routes and fallbacks, and age as they did before', async (t) => {
  const { a, startNode, time, join, pass, settle, stop } = await setUp(1, {
    settings: { forgetAfterMs: 60_000 },
  })
  t.after(stop)
  const { id } = await join(a, 'orders', ['/orders'], { fallback: '<h1>Later</h1>' })
  a.registry.deregister(id)
  await pass(20_000)
  a.kill()
  const b = startNode('b')
  await settle()
  assert.deepEqual(b.serving('/orders'), [])
  assert.equal(b.live.table.service('orders')?.fallback, '<h1>Later</h1>')
  assert.equal(time.now() - b.live.table.service('orders')!.downSince!, 20_000)
  await pass(39_000)
  assert.deepEqual(b.serving('/orders'), [])
  await pass(2000)
  assert.equal(b.serving('/orders'), undefined)
})

test('contested routes have the same owner on every node, whoever heard whom first', async (t) => {
  const { a, b, bean, register, settle, nodes, startNode, stop } = await setUp()
  t.after(stop)
  // Both at once, each first at its own node.
  await Promise.all([register(a, bean('one', ['/x'])), register(b, bean('two', ['/x']))])
  await settle()
  const owner = a.serviceAt('/x')
  assert.equal(b.serviceAt('/x'), owner)
  const c = startNode('c')
  await settle()
  assert.equal(c.serviceAt('/x'), owner)
  const ranks = [...nodes, c].map(({ registry }) =>
    Object.fromEntries([...registry.entries()].map(({ name, rank }) => [name, rank])),
  )
  assert.deepEqual(ranks[0], ranks[1])
  assert.deepEqual(ranks[0], ranks[2])
})

test('with the store away: local registrations are accepted and said to be local, beats keep them, others stay', async (t) => {
  const { a, b, nodes, join, live, stop } = await setUp()
  t.after(stop)
  const here = await join(a, 'orders', ['/orders'])
  const there = await join(b, 'stock', ['/stock'])
  const linesBefore = a.lines.filter(({ level }) => level >= 40).length
  for (const node of nodes) node.setAccess('away')
  const late = await join(a, 'late', ['/late'])
  assert.match(late.answer.warnings?.join() ?? '', /do not know this instance yet/)
  assert.deepEqual(a.registry.shared(), { isConnected: false, localOnly: 1, leftOut: 0 })
  await live(60_000, [
    [a, here.id],
    [a, late.id],
    [b, there.id],
  ])
  assert.deepEqual(known(nodes, '/orders'), [[here.id], [here.id]])
  assert.deepEqual(known(nodes, '/stock'), [[there.id], [there.id]])
  assert.deepEqual(known(nodes, '/late'), [[late.id], undefined])
  assert.equal(
    a.lines.filter(({ level }) => level >= 40).length,
    linesBefore,
    'its line says that it is away',
  )
  assert.ok((a.asked.get('put') ?? 0) <= 1, 'nothing is asked of a store that is away but whether it is back')
  assert.equal(a.asked.get('renew') ?? 0, 0)
  for (const node of nodes) node.setAccess('there')
  await live(3000, [
    [a, here.id],
    [a, late.id],
    [b, there.id],
  ])
  assert.deepEqual(known(nodes, '/orders'), [[here.id], [here.id]])
  assert.deepEqual(known(nodes, '/stock'), [[there.id], [there.id]])
  assert.deepEqual(known(nodes, '/late'), [[late.id], [late.id]])
  assert.equal(a.registry.shared().localOnly, 0)
})

test('what went while the store was away is gone after its return, what moved has moved', async (t) => {
  const { a, b, nodes, join, register, live, settle, stop } = await setUp()
  t.after(stop)
  const stays = await join(b, 'stock', ['/stock'])
  const left = await join(a, 'orders', ['/orders'])
  const moved = await join(a, 'menus', ['/menus'])
  a.setAccess('away')
  a.registry.deregister(left.id)
  await register(b, moved.said)
  await settle()
  a.registry.suspend(moved.id, 'channel closed')
  await live(2000, [
    [b, stays.id],
    [b, moved.id],
  ])
  assert.deepEqual(known(nodes, '/orders'), [[], [left.id]])
  assert.deepEqual(known(nodes, '/menus'), [[], [moved.id]])
  a.setAccess('there')
  await settle()
  assert.deepEqual(known(nodes, '/orders'), [[], []], 'released by the claim it had')
  assert.deepEqual(known(nodes, '/menus'), [[moved.id], [moved.id]])
  await live(20_000, [
    [b, stays.id],
    [b, moved.id],
  ])
  assert.deepEqual(known(nodes, '/menus'), [[moved.id], [moved.id]], 'whoever was cut off ended nothing')
})

test('an instance heard by two nodes is routed to by all, and costs no endless changes', async (t) => {
  const { a, b, nodes, lossy, join, register, live, settle, stop } = await setUp()
  t.after(stop)
  const { id, said } = await join(a, 'orders', ['/orders'])
  await register(b, said)
  await settle()
  const before = (await lossy.store.look(undefined))!.version.revision
  const heard = [
    [a, id],
    [b, id],
  ] as const
  await live(60_000, heard)
  assert.deepEqual(known(nodes, '/orders'), [[id], [id]])
  assert.ok((await lossy.store.look(undefined))!.version.revision - before <= 2)
  // The one that has it falls silent about it, and the other does not.
  b.registry.suspend(id, 'channel closed')
  await settle()
  assert.deepEqual(known(nodes, '/orders'), [[id], [id]])
  await live(10_000, [[a, id]])
  assert.deepEqual(known(nodes, '/orders'), [[id], [id]])
})

test('channels that break and return all the time leave every node with what is true at the end', async (t) => {
  const { a, b, nodes, join, register, settle, live, stop } = await setUp()
  t.after(stop)
  const { id, said } = await join(a, 'orders', ['/orders'])
  for (let i = 0; i < 50; i++) {
    const [from, to] = i % 2 ? [b, a] : [a, b]
    from.registry.suspend(id, 'channel closed')
    if (i % 3 === 0) await settle()
    void register(to, said)
    if (i % 5 === 0) await settle()
  }
  await live(2000, [[a, id]])
  assert.deepEqual(known(nodes, '/orders'), [[id], [id]])
  await live(20_000, [[a, id]])
  assert.deepEqual(known(nodes, '/orders'), [[id], [id]])
})

test('a store that lost everything, or its last writes, learns again within a second or two, and nobody is out of the table', async (t) => {
  const { a, b, nodes, lossy, join, register, pass, stop } = await setUp()
  t.after(stop)
  const one = await join(a, 'orders', ['/orders'])
  const two = await join(b, 'stock', ['/stock'])
  await register(b, one.said)
  for (const count of [1, undefined, 2]) {
    await lossy.lose(count)
    let gaps = 0
    await pass(4000, (passed) => {
      for (const node of nodes) {
        if (node.serving('/orders')?.length !== 1 || node.serving('/stock')?.length !== 1) gaps++
        if (passed % 1000 !== 0) return
        b.registry.beat(one.id)
        b.registry.beat(two.id)
      }
    })
    assert.equal(gaps, 0)
    const { instances } = (await lossy.store.look(undefined))!
    assert.deepEqual(instances.map(({ id }) => id).sort(), [one.id, two.id].sort())
  }
})

test('who left does not come back with an older copy of the store', async (t) => {
  const { a, nodes, lossy, join, settle, stop } = await setUp()
  t.after(stop)
  const { id } = await join(a, 'orders', ['/orders'])
  a.registry.deregister(id)
  await settle()
  await lossy.lose(1)
  await settle()
  assert.deepEqual(known(nodes, '/orders'), [[], []])
  assert.deepEqual((await lossy.store.look(undefined))!.instances, [])
})

test('what only one node holds for outdated is true after a while, and nobody is out of the table meanwhile', async (t) => {
  const { a, b, nodes, lossy, join, register, pass, settle, stop } = await setUp()
  t.after(stop)
  a.hears = false
  const { id, said } = await join(b, 'orders', ['/orders'])
  await register(a, said)
  await settle()
  b.registry.suspend(id, 'went to another node')
  await settle()
  // The registration at `a` is lost, and `a` never knew of the one before.
  await lossy.lose(1)
  let gaps = 0
  await pass(30_000, (passed) => {
    if (passed % 1000 === 0) a.registry.beat(id)
    if (passed > 3000 && nodes.some((node) => node.serving('/orders')?.length !== 1)) gaps++
  })
  assert.equal(gaps, 0)
})

test('a node that stood still looks before it acts: what moved has moved, whatever it reads late', async (t) => {
  const { a, b, nodes, join, register, live, settle, stop } = await setUp()
  t.after(stop)
  const moved = await join(a, 'orders', ['/orders'])
  const stayed = await join(a, 'stock', ['/stock'])
  const left = await join(b, 'menus', ['/menus'])
  a.freeze()
  // Beats it will read late, then the end of the channel.
  a.tell((registry) => void registry.beat(moved.id))
  await register(b, moved.said)
  b.registry.deregister(left.id)
  await live(12_000, [[b, moved.id]])
  a.tell((registry) => void registry.suspend(moved.id, 'channel closed'))
  a.tell((registry) => void registry.beat(stayed.id))
  let gaps = 0
  b.registry.onMember((event, { id }) => void (event === 'left' && id === moved.id && gaps++))
  a.thaw()
  await settle()
  assert.deepEqual(known(nodes, '/orders'), [[moved.id], [moved.id]])
  assert.deepEqual(a.serving('/menus'), [])
  await live(5000, [
    [b, moved.id],
    [a, stayed.id],
  ])
  assert.deepEqual(known(nodes, '/orders'), [[moved.id], [moved.id]])
  assert.deepEqual(known(nodes, '/stock'), [[stayed.id], [stayed.id]])
  assert.equal(gaps, 0)
})

test('what a frozen node reads late brings nobody back who died meanwhile', async (t) => {
  const { a, b, nodes, listens, join, live, stop } = await setUp()
  t.after(stop)
  const { id } = await join(a, 'orders', ['/orders'], { port: 4999 }, 'http')
  const other = await join(b, 'stock', ['/stock'])
  a.freeze()
  a.tell((registry) => void registry.beat(id))
  listens.set(4999, false)
  await live(8000, [[b, other.id]])
  assert.deepEqual(b.serving('/orders'), [])
  a.thaw()
  let returned = 0
  b.registry.onMember((event, instance) => void (event === 'joined' && instance.id === id && returned++))
  await live(8000, [[b, other.id]])
  assert.deepEqual(known(nodes, '/orders'), [[], []])
  assert.equal(returned, 0)
})

test('answers that are lost do no harm: what may have been written is found, or written again', async (t) => {
  const { a, b, nodes, join, live, settle, stop } = await setUp()
  t.after(stop)
  a.setAccess('deaf')
  const { id } = await join(a, 'orders', ['/orders'])
  a.setAccess('there')
  await live(3000, [[a, id]])
  assert.deepEqual(known(nodes, '/orders'), [[id], [id]])
  a.setAccess('deaf')
  a.registry.deregister(id)
  await settle()
  a.setAccess('there')
  await live(1000, [])
  assert.deepEqual(known(nodes, '/orders'), [[], []])
  assert.equal(b.member(id), undefined)
})

test('an answer that is only late is waited for once more, and whoever registers is not told that the store is away', async (t) => {
  const cluster = setUpCluster()
  t.after(cluster.stop)
  let isSlow = true
  const a = cluster.startNode('a', {
    wrap: (store) => ({
      ...store,
      put: async (record, leaseMs) => {
        await store.put(record, leaseMs)
        if (!isSlow) return
        isSlow = false
        throw Object.assign(new Error('no answer in time'), { name: 'StoreAway' })
      },
    }),
  })
  await cluster.settle()
  const answers: (readonly string[])[] = []
  for (let i = 0; i < 100; i++)
    void cluster
      .register(a, cluster.bean('orders', ['/orders']))
      .then(({ warnings = [] }) => void answers.push(warnings))
  await cluster.pass(1000)
  assert.deepEqual([answers.length, answers.flat().length], [100, 0])
  assert.equal(a.registry.shared().localOnly, 0)
  assert.equal((await cluster.lossy.store.look(undefined))!.instances.length, 100)
})

test('records that are no registrations are left out and said once, those beyond the limit as well', async (t) => {
  const cluster = setUpCluster({ settings: { maxInstances: 3 } })
  t.after(cluster.stop)
  const a = cluster.startNode('a')
  await cluster.settle()
  const put = (id: string, declared: unknown) =>
    cluster.lossy.store.put(
      { id, service: id, node: 'x', claim: `${id} 1`, state: 'available', declared },
      60_000,
    )
  await put('nonsense', { channel: 'http' })
  await put('text', 'hello')
  for (let i = 0; i < 6; i++) {
    const said = cluster.bean(`s${i}`, [`/s${i}`])
    const declared = { channel: 'rsocket', host: '127.0.0.1', registration: said }
    await cluster.lossy.store.put(
      { id: said.instanceId!, service: said.name, node: 'x', claim: String(i), state: 'available', declared },
      60_000,
    )
  }
  await cluster.pass(5000)
  const said = (text: string) => a.lines.filter(({ msg }) => msg.includes(text)).length
  assert.equal(said('a record was left out'), 2)
  assert.equal(said('more instances than this gateway may know'), 1)
  assert.equal([...a.registry.entries()].length, 3)
  assert.equal(a.registry.shared().leftOut, 5)
  const [gone] = [...a.registry.entries()][0]!.members.keys()
  await cluster.lossy.store.release({ id: gone!, claim: '0' }, 'it deregistered')
  await cluster.pass(1000)
  assert.equal(a.registry.shared().leftOut, 4, 'who waited for a place has it')
  await cluster.lossy.store.release({ id: 'text', claim: 'text 1' }, 'it deregistered')
  await cluster.pass(1000)
  assert.equal(a.registry.shared().leftOut, 3, 'what is gone is not left out any more')
})

test('one instance the store does not take keeps no other out', async (t) => {
  const cluster = setUpCluster()
  t.after(cluster.stop)
  const a = cluster.startNode('a', {
    wrap: (store) => ({
      ...store,
      put: async (record, leaseMs) => {
        if (record.service === 'huge') throw new Error('too large')
        return store.put(record, leaseMs)
      },
    }),
  })
  const b = cluster.startNode('b')
  await cluster.settle()
  await cluster.register(a, cluster.bean('huge', ['/huge']))
  const { instanceId } = await cluster.register(a, cluster.bean('orders', ['/orders']))
  const id = instanceId
  await cluster.pass(30_000, (passed) => {
    if (passed % 1000 !== 0) return
    for (const { members } of a.registry.entries()) for (const one of members.keys()) a.registry.beat(one)
  })
  assert.deepEqual(b.serving('/orders'), [id])
  assert.equal(a.serving('/huge')?.length, 1)
  assert.ok((a.asked.get('put') ?? 0) < 10)
  assert.equal(a.lines.filter(({ msg }) => msg.includes('does not take this instance')).length, 1)
})

test('members that are told again come in portions, and are there within 3 s', async (t) => {
  const { a, b, lossy, bean, register, pass, settle, stop } = await setUp()
  t.after(stop)
  const ids: string[] = []
  for (let i = 0; i < 450; i++)
    ids.push((await register(a, bean(`s${i % 150}`, [`/s${i % 150}`]))).instanceId)
  await settle()
  assert.equal([...b.registry.entries()].length, 150)
  for (const node of [a, b]) node.setAccess('away')
  await pass(4000, (passed) => {
    if (passed % 1000 === 0) for (const id of ids) a.registry.beat(id)
  })
  await lossy.lose()
  let most = 0
  let before = a.asked.get('put')!
  for (const node of [a, b]) node.setAccess('there')
  await pass(3000, (passed) => {
    const now = a.asked.get('put')!
    most = Math.max(most, now - before)
    before = now
    if (passed % 1000 === 0) for (const id of ids) a.registry.beat(id)
  })
  assert.equal((await lossy.store.look(undefined))!.instances.length, 450)
  assert.ok(most <= 200, `${most} in 50 ms`)
  assert.equal([...b.live.table.instances('s1')].length, 3)
})
