/**
 * Metrics of several processes as those of one, in Prometheus' text form: counters and histograms are added up, those of
 * workers that are gone included, so that none ever falls; gauges are those of who is there.
 *
 * @module
 */

/** Samples by name and labels, as they stand in the text. */
export interface Samples {
  readonly values: Map<string, number>
  /** Lines of help and type, by name. */
  readonly about: Map<string, string[]>
  /** Names whose values only grow, or belong to a histogram. */
  readonly growing: Set<string>
}

const ABOUT = /^# (?:HELP|TYPE) (\S+) (.*)$/
const SAMPLE = /^([^{\s]+)(\{.*\})? (\S+)$/
const PART_OF_HISTOGRAM = /_(?:bucket|sum|count)$/

/** Reads a text. Lines that are none of it are passed over. */
export function readSamples(text: string): Samples {
  const samples: Samples = { values: new Map(), about: new Map(), growing: new Set() }
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) {
      const [, name, rest] = ABOUT.exec(line) ?? []
      if (name === undefined) continue
      const lines = samples.about.get(name) ?? []
      samples.about.set(name, lines)
      lines.push(line)
      if (rest === 'counter' || rest === 'histogram') samples.growing.add(name)
      continue
    }
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? []
    if (name !== undefined) samples.values.set(name + labels, Number(value))
  }
  return samples
}

/** Whether a sample belongs to a counter or a histogram. */
function isGrowing(sample: string, growing: ReadonlySet<string>): boolean {
  const name = nameOf(sample)
  return growing.has(name) || growing.has(name.replace(PART_OF_HISTOGRAM, ''))
}

function nameOf(sample: string): string {
  const end = sample.indexOf('{')
  return end < 0 ? sample : sample.slice(0, end)
}

/** Keeps of a worker that is gone what must not be lost, and of the others what they said last. */
export function createMetricsSum() {
  const latest = new Map<string, Samples>()
  let left: Samples = readSamples('')

  return {
    /** What a worker says now. */
    told(worker: string, text: string): void {
      latest.set(worker, readSamples(text))
    },
    left(worker: string): void {
      const samples = latest.get(worker)
      if (!samples) return
      latest.delete(worker)
      for (const sample of [...samples.values.keys()])
        if (!isGrowing(sample, samples.growing)) samples.values.delete(sample)
      left = sumOf([left, samples])
    },
    /** Those of the primary, with all others added. */
    with: (own: string): string => format(sumOf([readSamples(own), left, ...latest.values()])),
  }
}

function sumOf(all: readonly Samples[]): Samples {
  const sum = readSamples('')
  for (const { values, about, growing } of all) {
    for (const [sample, value] of values) sum.values.set(sample, (sum.values.get(sample) ?? 0) + value)
    for (const [name, lines] of about) if (!sum.about.has(name)) sum.about.set(name, lines)
    for (const name of growing) sum.growing.add(name)
  }
  return sum
}

function format({ values, about, growing }: Samples): string {
  const groups = new Map<string, string[]>([...about].map(([name, lines]) => [name, [...lines]]))
  for (const [sample, value] of values) {
    const name = nameOf(sample)
    const part = name.replace(PART_OF_HISTOGRAM, '')
    const group = !about.has(name) && growing.has(part) ? part : name
    const lines = groups.get(group) ?? []
    groups.set(group, lines)
    lines.push(`${sample} ${value}`)
  }
  return `${[...groups.values()].map((lines) => lines.join('\n')).join('\n\n')}\n`
}
