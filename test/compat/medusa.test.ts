/**
 * Old clients behind one gateway, used in a browser: an application on medusa-ui as released, and a stand-in
 * on the same frameworks for machines where Maven cannot get medusa-ui.
 *
 * What a machine lacks is said in one line per client, and its tests are skipped.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { freePort } from '../support/free-port.ts'
import { buildJar, type JavaProcess, startJar } from '../support/java.ts'
import { findProgram } from '../support/programs.ts'
import { fragmentTests } from './fragments.ts'
import { type AnswerFragments, fragmentWireTests } from './fragments-wire.ts'
import { eventually, type GatewayProcess, startGateway } from './gateway-process.ts'
import { identityTests } from './identity.ts'
import { identityWireTests } from './identity-wire.ts'
import { createRecorder, header } from './recorder.ts'

const CLIENTS = [
  { title: 'medusa-ui 0.9.5', folder: 'medusa-java', jdkAtLeast: 19, logsAsked: false },
  { title: 'the stand-in for medusa-ui', folder: 'medusa-stand-in', jdkAtLeast: 17, logsAsked: true },
] as const

const PUBLIC_KEY = 'compat-public-key'
const PRIVATE_KEY = 'compat-private-key'
/** A JVM on a busy machine with two cores takes this long at worst. */
const START_MS = 60_000

const say = (line: string) => console.log(`test:medusa: ${line}`)
const browserPath = await findProgram('chromium', 'chromium-browser', 'google-chrome')

for (const { title, folder, jdkAtLeast, logsAsked } of CLIENTS) {
  const dir = fileURLToPath(new URL(folder, import.meta.url))
  const built = await buildJar({ dir, jdkAtLeast, say })
  const missing = 'unavailable' in built ? built.unavailable : browserPath ? undefined : 'no chromium in PATH'
  if (missing) say(`SKIPPED ${title}: ${missing}`)
  else say(`running ${title}`)

  const start: Start = async (name, port, gateway, more = {}) =>
    startJar({
      jar: 'jar' in built ? built.jar : '',
      jdkAtLeast,
      properties: {
        'medusa.name': name,
        'server.port': port,
        'spring.rsocket.server.port': await freePort(),
        'medusa.hydra.uri': gateway,
        'medusa.hydra.secret.public-key': PUBLIC_KEY,
        'medusa.hydra.secret.private-key': PRIVATE_KEY,
        ...more,
      },
    })

  suite(title, { skip: missing ?? false }, () => {
    wireTests(start)
    gatewayTests(start, logsAsked)
    identityTests({
      start,
      browserPath: browserPath!,
      keys: { publicKey: PUBLIC_KEY, privateKey: PRIVATE_KEY },
      say,
    })
  })
}

type Start = (
  name: string,
  port: number,
  gateway: string,
  more?: Readonly<Record<string, string>>,
) => Promise<JavaProcess>

/** What the client sends, taken byte by byte: the facts of docs/reference/protocols/medusa.md. */
function wireTests(start: Start): void {
  suite('on the wire', () => {
    let port: number
    let service: JavaProcess
    let recorder: Awaited<ReturnType<typeof createRecorder>>
    let aliveStatus = 200
    let registrationAnswer: unknown = { publicKey: null, services: [], roleMappings: {}, unknown: 1 }
    let answerFragments: AnswerFragments = () => undefined

    before(async () => {
      recorder = await createRecorder({
        answer(request) {
          const { requestLine } = request
          if (requestLine.includes('/requestFragment')) return answerFragments(request)
          if (requestLine.includes('/alive')) return [aliveStatus, String(aliveStatus === 200)]
          return [200, JSON.stringify(registrationAnswer)]
        },
      })
      port = await freePort()
      service = await start('one', port, recorder.url)
    })
    after(async () => {
      await service?.stop()
      await recorder?.close()
    })

    const registersAgain = async () => {
      const before = recorder.requests.length
      aliveStatus = 410
      await recorder.until(
        (requests) => requests.slice(before).some(({ requestLine }) => requestLine.includes('/registration')),
        8000,
      )
      aliveStatus = 200
    }

    test('a client registers, beats by name, and registers again after a 410', {
      timeout: 120_000,
    }, async () => {
      const { requests } = recorder
      const beats = () => requests.filter(({ requestLine }) => requestLine.includes('/alive'))

      await recorder.until(() => beats().length >= 2, START_MS)
      const registration = requests[0]!
      assert.equal(registration.requestLine, `POST /h/discovery/${PUBLIC_KEY}/registration HTTP/1.1`)
      assert.match(header(registration, 'content-type') ?? '', /^application\/json/)
      assert.equal(header(registration, 'content-length'), String(registration.body.length))
      const { staticResources, activeSince, host, endpoints, ...bean } = JSON.parse(
        registration.body.toString(),
      )
      assert.deepEqual(bean, {
        webProtocol: 'http',
        port,
        socketPort: 0,
        name: 'one',
        version: 0,
        awakening: null,
        sockets: [],
        menuItems: {},
      })
      for (const path of ['/one/counter', '/one/fragments', '/one/who', '/one/me', '/one/secure/a/b'])
        assert.ok(endpoints.includes(path), path)
      assert.equal(typeof host, 'string')
      assert.ok(activeSince > 0)
      assert.ok(staticResources.includes('css/counter.css'))
      assert.ok(staticResources.includes('js/mark.js'))

      const [first, second] = beats() as [(typeof requests)[0], (typeof requests)[0]]
      assert.equal(first.requestLine, `POST /h/discovery/${PUBLIC_KEY}/alive HTTP/1.1`)
      assert.match(header(first, 'content-type') ?? '', /^text\/plain/)
      assert.equal(first.body.toString(), 'one')
      assert.ok(second.atMs - first.atMs > 2000 && second.atMs - first.atMs < 4500)
      assert.equal(first.connection, second.connection)
      assert.equal(header(first, 'authorization'), undefined)
      assert.equal(header(first, 'cookie'), undefined)

      await registersAgain()
    })

    fragmentWireTests({
      publicKey: PUBLIC_KEY,
      port: () => port,
      requests: () => recorder.requests,
      answerWith(answer) {
        answerFragments = answer
      },
    })
    identityWireTests({
      port: () => port,
      async registerWith(answer) {
        registrationAnswer = answer
        await registersAgain()
      },
    })
  })
}

function gatewayTests(start: Start, logsAsked: boolean): void {
  suite('behind the gateway', () => {
    const ports = { one: 0, two: 0, gateway: 0 }
    let gateway: GatewayProcess
    let services: { one: JavaProcess; two: JavaProcess }
    let browser: Browser
    let pageOfOne: Page

    const fragments = fragmentTests({
      gateway: () => gateway,
      browser: () => browser,
      portOfOne: () => ports.one,
      two: () => services.two,
      logsAsked,
      keys: { publicKey: PUBLIC_KEY, privateKey: PRIVATE_KEY },
    })

    const openGateway = () =>
      startGateway({ port: ports.gateway, publicKey: PUBLIC_KEY, privateKey: PRIVATE_KEY })
    const status = async (path: string) => {
      const answer = await fetch(gateway.url + path, { headers: { accept: 'text/html' } })
      await answer.arrayBuffer()
      return answer.status
    }
    const serves = (path: string, timeoutMs: number) =>
      eventually(async () => assert.equal(await status(path), 200), timeoutMs)

    before(
      async () => {
        for (const name of ['one', 'two', 'gateway'] as const) ports[name] = await freePort()
        gateway = await openGateway()
        services = {
          // It refuses to render fragments for others.
          one: await start('one', ports.one, gateway.url, { 'compat.csrf': 'true' }),
          two: await start('two', ports.two, gateway.url),
        }
        browser = await chromium.launch({
          executablePath: browserPath!,
          args: ['--no-sandbox', '--disable-dev-shm-usage'],
        })
        await serves('/one/counter', START_MS)
        await serves('/two/counter', START_MS)
        await fragments.start()
        pageOfOne = await browser.newPage()
      },
      { timeout: 2 * START_MS },
    )
    after(async () => {
      await browser?.close()
      await fragments.stop()
      await services?.one.stop()
      await services?.two.stop()
      await gateway?.stop()
    })

    test('a page opens with its style and script under the name of its service', async () => {
      const loaded = new Map<string, number>()
      pageOfOne.on('response', (response) => loaded.set(new URL(response.url()).pathname, response.status()))
      await pageOfOne.goto(`${gateway.url}/one/counter`)
      assert.equal(await pageOfOne.locator('#name').innerText(), 'one')
      assert.equal(loaded.get('/one/css/counter.css'), 200)
      assert.equal(loaded.get('/one/js/mark.js'), 200)
      const color = await pageOfOne.evaluate('getComputedStyle(document.querySelector("#name")).color')
      assert.equal(color, 'rgb(12, 34, 56)')
      assert.equal(await pageOfOne.locator('html').getAttribute('data-script'), 'loaded')
    })

    test('two services count beside each other, each over its own socket', async () => {
      const pageOfTwo = await browser.newPage()
      assert.match(await openCounter(pageOfOne, `${gateway.url}/one/counter`), /\/one\/socket$/)
      assert.match(await openCounter(pageOfTwo, `${gateway.url}/two/counter`), /\/two\/socket$/)
      await count(pageOfOne, 1)
      await count(pageOfTwo, 1)
      await count(pageOfOne, 2)
      await pageOfTwo.close()
    })

    fragments.whenAllIsWell()

    test('a killed service shows the 503 page within 5.5 s while the other one works', async () => {
      await openCounter(pageOfOne, `${gateway.url}/one/counter`)
      const killedAtMs = performance.now()
      await services.two.kill()
      await eventually(async () => assert.equal(await status('/two/counter'), 503), 5500)
      say(`503 came ${Math.round(performance.now() - killedAtMs)} ms after the kill`)

      const pageOfTwo = await browser.newPage()
      const answer = await pageOfTwo.goto(`${gateway.url}/two/counter`)
      assert.equal(answer?.status(), 503)
      assert.equal(answer?.headers()['retry-after'], '5')
      assert.match(answer?.headers()['content-type'] ?? '', /^text\/html/)
      await pageOfTwo.close()
      await count(pageOfOne, 1)
    })

    fragments.whenTwoIsKilled()

    test('it is back as soon as it runs again', { timeout: 2 * START_MS }, async () => {
      services.two = await start('two', ports.two, gateway.url)
      await serves('/two/counter', START_MS)
      const pageOfTwo = await browser.newPage()
      await openCounter(pageOfTwo, `${gateway.url}/two/counter`)
      await count(pageOfTwo, 1)
      await pageOfTwo.close()
    })

    fragments.whenTwoIsBack()

    test('a service that froze is out by its lease, and registers again when its next beat gets a 410', {
      timeout: 60_000,
    }, async () => {
      const listed = async () => {
        const answer = await fetch(`${gateway.url}/_h/services`)
        const { two = [] } = (await answer.json()) as { two?: unknown[] }
        return two.length
      }
      assert.equal(await listed(), 1)
      process.kill(services.two.pid, 'SIGSTOP')
      const frozenAtMs = performance.now()
      try {
        await eventually(async () => assert.equal(await listed(), 0), 6000)
        say(`the lease ran out ${Math.round(performance.now() - frozenAtMs)} ms after the freeze`)
        assert.equal(await status('/two/counter'), 503)
      } finally {
        process.kill(services.two.pid, 'SIGCONT')
      }
      await serves('/two/counter', 10_000)
    })

    test('a restarted gateway has both again without their being touched', { timeout: 60_000 }, async () => {
      await gateway.stop()
      gateway = await openGateway()
      const openAtMs = performance.now()
      await serves('/one/counter', 10_000)
      await serves('/two/counter', 10_000)
      say(`both were back ${Math.round(performance.now() - openAtMs)} ms after the gateway`)
      await openCounter(pageOfOne, `${gateway.url}/one/counter`)
      await count(pageOfOne, 1)
    })
  })
}

/** Opens a counter page and waits until its socket has said what it wants. Returns the socket's URL. */
async function openCounter(page: Page, url: string): Promise<string> {
  const ready = new Promise<string>((resolve) => {
    page.once('websocket', (socket) => {
      // the set-up frame and the request-channel frame; a click before them would be lost
      let sent = 0
      socket.on('framesent', () => {
        sent += 1
        if (sent === 2) resolve(socket.url())
      })
    })
  })
  await page.goto(url)
  return ready
}

/** One click, after which the page shows `expected`. */
async function count(page: Page, expected: number): Promise<void> {
  await page.locator('#more').click()
  await eventually(async () => assert.equal(await page.locator('#count').innerText(), String(expected)), 5000)
}
