// The X-ray overlay: shows where each fragment of this page comes from. It reads the data at the end of the page and
// the comments around the fragments, and draws over the page in a shadow root; the page itself is not changed.
// `SHEET` is put before this file by whoever serves it.
function show({ service: page, exchange, headMs, totalMs, fragments }) {
  const host = document.createElement('hydra-xray')
  const root = host.attachShadow({ mode: 'open' })
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(SHEET)
  root.adoptedStyleSheets = [sheet]

  // A service keeps its colour and line on a page in the order in which it appears.
  const services = [...new Set(fragments.map(({ service }) => service))]
  const lookOf = (service) => services.indexOf(service) + 1
  const colourOf = (service) => `var(--hy-data-${lookOf(service) <= 6 ? lookOf(service) : 'rest'})`
  const colour = (element, service) => element.style.setProperty('--c', colourOf(service))

  const boxes = make('div', 'boxes')
  const rows = new Map()
  const shown = ranges()
  const drawn = []
  fragments.forEach((fragment, i) => {
    const range = shown.get(fragment.id)
    if (!range) return
    const box = make('div', `box s${Math.min(lookOf(fragment.service), 6)}`)
    colour(box, fragment.service)
    const tab = make('button', 'tab')
    tab.type = 'button'
    tab.append(make('span', 'swatch'), `${i + 1} ${fragment.ref}`, state(fragment, timeOf(fragment)))
    tab.addEventListener('click', () => {
      open(true)
      choose(i)
    })
    box.append(tab)
    boxes.append(box)
    drawn.push({ box, tab, range, i })
  })

  const panel = make('aside', 'panel')
  panel.setAttribute('aria-labelledby', 'title')
  const header = make('header')
  const title = make('h2', '', 'X-ray')
  title.id = 'title'
  const many = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`
  const facts = `${many(fragments.length, 'fragment')}, ${many(services.length, 'service')}, ${Math.round(totalMs)} ms`
  header.append(title, make('span', '', facts), make('span', 'soft small', `Page of ${page}`))
  if (headMs !== undefined)
    header.append(make('span', 'soft small num', `Head sent after ${Math.round(headMs)} ms`))
  if (exchange) {
    const id = make('span', 'soft small', 'Exchange ')
    id.append(make('samp', '', exchange))
    header.append(id)
  }
  const actions = make('span', 'actions')
  const close = make('button', '', 'Close')
  close.type = 'button'
  close.addEventListener('click', () => open(false))
  const off = make('a', 'off', 'Turn off')
  off.href = `/_hydra/xray?off=1&to=${encodeURIComponent(location.pathname + location.search)}`
  actions.append(close, off)
  header.append(actions)
  panel.append(header, table())

  const opener = make('button', 'open', 'X-ray')
  opener.type = 'button'
  opener.addEventListener('click', () => open(true))
  root.append(boxes, panel, opener)
  document.body.append(host)
  // The last line of the page can be scrolled above the panel.
  const before = document.body.style.paddingBottom
  const open = (isOpen) => {
    panel.hidden = !isOpen
    boxes.hidden = !isOpen
    opener.hidden = isOpen
    document.body.style.paddingBottom = isOpen ? `${panel.offsetHeight}px` : before
    keep(isOpen)
    if (isOpen) place()
    ;(isOpen ? close : opener).focus({ preventScroll: true })
  }
  panel.hidden = boxes.hidden = kept() === 'closed'
  opener.hidden = !panel.hidden
  if (!panel.hidden) document.body.style.paddingBottom = `${panel.offsetHeight}px`
  root.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') open(false)
  })

  let isPlacing = false
  const placeSoon = () => {
    if (isPlacing) return
    isPlacing = true
    requestAnimationFrame(() => {
      isPlacing = false
      place()
    })
  }
  place()
  new ResizeObserver(placeSoon).observe(document.documentElement)
  addEventListener('resize', placeSoon)
  addEventListener('load', placeSoon)
  document.addEventListener('toggle', placeSoon, true)

  function place() {
    if (boxes.hidden) return
    // Where the boxes are measured from, whatever the page does to its body.
    const origin = boxes.getBoundingClientRect()
    for (const { box, tab, range } of drawn) {
      const area = areaOf(range)
      box.hidden = area === undefined
      if (!area) continue
      const room = 4
      box.style.left = `${area.left - origin.left - room}px`
      box.style.top = `${area.top - origin.top - room}px`
      box.style.width = `${area.width + 2 * room}px`
      box.style.height = `${area.height + 2 * room}px`
      tab.classList.toggle('below', area.top + scrollY < 24)
    }
  }

  function table() {
    const scroll = make('div', 'scroll')
    scroll.tabIndex = 0
    scroll.setAttribute('role', 'region')
    scroll.setAttribute('aria-label', 'Fragments of this page')
    const grid = make('table')
    const head = grid.createTHead().insertRow()
    const longest = Math.max(10, ...fragments.map(({ startMs, durationMs }) => startMs + durationMs))
    for (const [name, wide] of [
      ['No.'],
      ['Fragment'],
      ['Service'],
      ['Instance', true],
      ['Wave', true],
      ['State'],
      [`Time, 0 to ${Math.ceil(longest)} ms`],
      ['Took'],
      ['Bytes', true],
      ['Imports and exports', true],
      ['Why'],
    ]) {
      const cell = make('th', wide ? 'wide' : '', name)
      cell.scope = 'col'
      head.append(cell)
    }
    const body = grid.createTBody()
    fragments.forEach((fragment, i) => {
      const {
        service,
        ref,
        version,
        instance,
        via,
        wave,
        startMs,
        durationMs,
        bytes,
        imports,
        exports,
        detail,
      } = fragment
      const row = body.insertRow()
      colour(row, service)
      const put = (content, name = '') => {
        const cell = row.insertCell()
        cell.className = name
        cell.append(...[content].flat())
      }
      put([`${i + 1} `, make('span', 'swatch')], 'num')
      put(make('code', '', ref))
      put(version === undefined ? service : `${service} ${version}`)
      put(instance ? `${instance.slice(0, 8)}${via ? `, ${via}` : ''}` : (via ?? 'none'), 'wide')
      put(`wave ${wave}`, 'wide')
      put(state(fragment, wordOf(fragment)))
      put(bar(startMs, durationMs, longest))
      put(timeOf(fragment), 'num')
      put(fragment.reason ? '' : bytes.toLocaleString('en'), 'wide num')
      put(
        [
          imports.length ? `takes ${imports.join(', ')}` : '',
          exports.length ? `gives ${exports.join(', ')}` : '',
        ]
          .filter(Boolean)
          .join('; '),
        'wide',
      )
      put(fragment.reason ? (detail ?? fragment.reason) : '', 'why soft')
      rows.set(i, row)
    })
    scroll.append(grid)
    return scroll
  }

  function choose(i) {
    for (const [at, row] of rows) row.classList.toggle('chosen', at === i)
    for (const { box, i: at } of drawn) box.classList.toggle('chosen', at === i)
    rows.get(i)?.scrollIntoView({ block: 'nearest' })
  }
}

// Where each fragment stands: between its two comments.
function ranges() {
  const found = new Map()
  const begun = new Map()
  const comments = document.createTreeWalker(document, NodeFilter.SHOW_COMMENT)
  for (let node = comments.nextNode(); node; node = comments.nextNode()) {
    const [, end, id] = /^(\/?)hydra:fragment (\S+)$/.exec(node.data) ?? []
    if (id === undefined) continue
    if (!end) begun.set(id, node)
    else if (begun.has(id)) {
      const range = document.createRange()
      range.setStartAfter(begun.get(id))
      range.setEndBefore(node)
      found.set(id, range)
    }
  }
  return found
}

// What a fragment covers; nothing while it has no size.
function areaOf(range) {
  const rects = [...range.getClientRects()].filter(({ width, height }) => width > 0 && height > 0)
  if (rects.length === 0) return undefined
  const left = Math.min(...rects.map((rect) => rect.left))
  const top = Math.min(...rects.map((rect) => rect.top))
  const right = Math.max(...rects.map((rect) => rect.right))
  const bottom = Math.max(...rects.map((rect) => rect.bottom))
  return { left, top, width: right - left, height: bottom - top }
}

function make(name, className = '', text = '') {
  const element = document.createElement(name)
  if (className) element.className = className
  if (text) element.textContent = text
  return element
}

function timeOf({ durationMs, reason }) {
  return reason ? 'fallback' : `${Math.round(durationMs)} ms`
}

function lookOfState({ reason, durationMs }) {
  return reason ? 'down' : durationMs >= 150 ? 'degraded' : 'available'
}

function wordOf(fragment) {
  return { down: 'fallback', degraded: 'slow', available: 'there' }[lookOfState(fragment)]
}

const SHAPES = {
  available: 'M1 6a5 5 0 1 0 10 0a5 5 0 1 0-10 0z',
  degraded: 'M6 .8 11.6 11H.4z',
  down: 'M1 3l2-2 3 3 3-3 2 2-3 3 3 3-2 2-3-3-3 3-2-2 3-3z',
}

function state(fragment, text) {
  const look = lookOfState(fragment)
  const chip = make('span', `state ${look}`)
  chip.append(drawing('0 0 12 12', SHAPES[look], 'fill'), text)
  return chip
}

function bar(startMs, durationMs, longest) {
  const scale = 200 / longest
  const svg = drawing('0 0 200 12', 'M0 11.5H200', 'stroke')
  svg.setAttribute('class', 'bar')
  svg.setAttribute('preserveAspectRatio', 'none')
  svg.firstChild.setAttribute('stroke', 'var(--hy-line)')
  const piece = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
  for (const [name, value] of Object.entries({
    x: startMs * scale,
    y: 2,
    width: Math.max(2, durationMs * scale),
    height: 8,
    fill: 'var(--c)',
  }))
    piece.setAttribute(name, value)
  svg.append(piece)
  return svg
}

function drawing(viewBox, d, how) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', viewBox)
  svg.setAttribute('aria-hidden', 'true')
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  path.setAttribute('d', d)
  path.setAttribute(how, 'currentColor')
  svg.append(path)
  return svg
}

// Whether the panel was closed on the page before; browsers that keep no notes show it each time.
function kept() {
  try {
    return sessionStorage.getItem('hydra-xray')
  } catch {
    return null
  }
}

function keep(isOpen) {
  try {
    sessionStorage.setItem('hydra-xray', isOpen ? 'open' : 'closed')
  } catch {
    // Then it opens on each page.
  }
}

const data = JSON.parse(document.getElementById('hydra-xray')?.textContent ?? 'null')
if (data) show(data)
