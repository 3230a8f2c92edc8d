/**
 * The manifests: whether they fit together, and to the gateway. What each kind may say at all is checked by
 * Kubernetes (`kubectl apply --dry-run=server`); a misspelt member is found here only where we rely on it.
 *
 * @module
 */
import { parse, parseAllDocuments } from 'yaml'
import { checkVariables, type Files, type Report, readSettings, stopSeconds } from './files.ts'

const FOLDER = 'deploy/kubernetes'
const KINDS: Readonly<Record<string, string>> = {
  Namespace: 'v1',
  ConfigMap: 'v1',
  Secret: 'v1',
  Service: 'v1',
  Deployment: 'apps/v1',
  PodDisruptionBudget: 'policy/v1',
  NetworkPolicy: 'networking.k8s.io/v1',
}
/** Paths the gateway answers to everybody at both ports. */
const PROBES = ['/health', '/_hydra/ready']

// biome-ignore lint/suspicious/noExplicitAny: what a manifest is, is what is checked here
type Manifest = any

export function checkKubernetes(files: Files, report: Report): void {
  const { resources = [] } = parse(files.read(`${FOLDER}/kustomization.yaml`)) as { resources?: string[] }
  const all: Manifest[] = []
  for (const file of [...resources, 'secret.example.yaml', 'redis.example.yaml']) {
    if (!files.has(`${FOLDER}/${file}`)) {
      report(`kustomization.yaml lists ${file}, which is not there`)
      continue
    }
    for (const document of parseAllDocuments(files.read(`${FOLDER}/${file}`))) {
      for (const { message } of [...document.errors, ...document.warnings]) report(`${file}: ${message}`)
      all.push(document.toJS())
    }
  }
  for (const each of all) checkHead(each, report)
  const of = (kind: string): Manifest[] => all.filter((each) => each.kind === kind)
  for (const deployment of of('Deployment')) checkPod(deployment, all, report)
  for (const each of [...of('Service'), ...of('PodDisruptionBudget'), ...of('NetworkPolicy')])
    checkSelector(each, of('Deployment'), report)
  checkGateway(
    of('Deployment').find(({ metadata }) => metadata.name === 'hydra'),
    of('ConfigMap')[0],
    of('PodDisruptionBudget')[0],
    report,
  )
}

function checkHead({ apiVersion, kind, metadata }: Manifest, report: Report): void {
  if (KINDS[kind] === undefined) report(`${kind} is no kind we know`)
  else if (KINDS[kind] !== apiVersion)
    report(`${kind} ${metadata?.name} is of ${apiVersion}, not ${KINDS[kind]}`)
  if (kind !== 'Namespace' && metadata?.namespace !== 'hydra')
    report(`${kind} ${metadata?.name} has no namespace`)
}

/** Everything a pod refers to is there, and it may do no more than it has to. */
function checkPod({ metadata, spec }: Manifest, all: readonly Manifest[], report: Report): void {
  const say: Report = (fault) => report(`${metadata.name}: ${fault}`)
  const pod = spec.template.spec
  const { labels } = spec.template.metadata
  if (!isPart(spec.selector.matchLabels, labels)) say('its selector does not find its own pods')
  const named = (kind: string, name: string) =>
    all.some((each) => each.kind === kind && each.metadata.name === name)
  for (const { name, configMap, secret } of pod.volumes ?? []) {
    if (configMap && !named('ConfigMap', configMap.name))
      say(`volume ${name}: there is no ConfigMap ${configMap.name}`)
    if (secret && !named('Secret', secret.secretName))
      say(`volume ${name}: there is no Secret ${secret.secretName}`)
  }
  const volumes = (pod.volumes ?? []).map(({ name }: Manifest) => name)
  for (const container of pod.containers) {
    for (const { name } of container.volumeMounts ?? [])
      if (!volumes.includes(name)) say(`it mounts ${name}, which is no volume`)
    const ports = container.ports.map(({ name }: Manifest) => name)
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
      const ask = container[probe]?.httpGet
      if (ask && !ports.includes(ask.port)) say(`${probe} asks at ${ask.port}, which is no port`)
      if (ask && !PROBES.includes(ask.path))
        say(`${probe} asks for ${ask.path}, which the gateway does not answer`)
    }
    const { securityContext: own = {}, resources = {} } = container
    if (own.readOnlyRootFilesystem !== true) say('its root file system can be written to')
    if (own.allowPrivilegeEscalation !== false) say('it may gain privileges')
    if (own.capabilities?.drop?.[0] !== 'ALL') say('it keeps capabilities')
    if (!resources.requests?.memory || !resources.requests?.cpu) say('it says nothing of what it needs')
  }
  if (pod.securityContext?.runAsNonRoot !== true) say('it may run as root')
  if (pod.securityContext?.seccompProfile?.type !== 'RuntimeDefault') say('it has no seccomp profile')
  if (pod.automountServiceAccountToken !== false) say('it is given a token of Kubernetes')
}

/** A selector that finds nothing is accepted, and does nothing. */
function checkSelector(
  { kind, metadata, spec }: Manifest,
  deployments: readonly Manifest[],
  report: Report,
): void {
  const wanted = kind === 'Service' ? spec.selector : (spec.selector ?? spec.podSelector).matchLabels
  const found = deployments.find((each) => isPart(wanted, each.spec.template.metadata.labels))
  if (!found) {
    report(`${kind} ${metadata.name} selects nothing`)
    return
  }
  const ports = found.spec.template.spec.containers.flatMap((each: Manifest) =>
    each.ports.map((port: Manifest) => port.name),
  )
  const asked: string[] =
    kind === 'Service'
      ? spec.ports.map((port: Manifest) => port.targetPort)
      : (spec.ingress ?? []).flatMap((rule: Manifest) => rule.ports.map((port: Manifest) => port.port))
  for (const port of asked)
    if (!ports.includes(port)) report(`${kind} ${metadata.name} names port ${port}, which is none`)
}

/** What stands in the ConfigMap, and what the pod around it promises. */
function checkGateway(deployment: Manifest, config: Manifest, budget: Manifest, report: Report): void {
  const [file, text] = Object.entries(config?.data ?? {})[0] ?? []
  const settings = readSettings(parse(String(text)), (fault) => report(`ConfigMap: ${fault}`))
  if (!deployment || !settings || file === undefined) {
    report('there is no gateway, or no configuration')
    return
  }
  const { spec } = deployment
  const pod = spec.template.spec
  const [container] = pod.containers
  checkVariables(
    Object.fromEntries(container.env.map(({ name, value = '$' }: Manifest) => [name, value])),
    report,
    new Set(),
  )
  const named: string = container.args.at(-1)
  const mount = container.volumeMounts.find(({ name }: Manifest) => name === 'config')?.mountPath
  if (named !== `${mount}/${file}`) report(`it reads ${named}, and the ConfigMap is at ${mount}/${file}`)
  for (const [name, port] of [
    ['http', settings.port],
    ['control', settings.controlPort],
  ])
    if (container.ports.find((each: Manifest) => each.name === name)?.containerPort !== port)
      report(`port ${name} is not ${port}, as the ConfigMap says`)
  if (pod.terminationGracePeriodSeconds <= stopSeconds(settings))
    report(
      `a stop may take ${stopSeconds(settings)} s, and is cut after ${pod.terminationGracePeriodSeconds} s`,
    )
  const { periodSeconds, failureThreshold } = container.readinessProbe
  if (settings.http.stopDelay < periodSeconds * failureThreshold * 1000)
    report('http.stopDelay is over before a readiness probe has noticed')
  if (pod.enableServiceLinks !== false)
    report('a Service called hydra-control would set HYDRA_CONTROL_PORT: enableServiceLinks has to be false')
  if (!(spec.replicas >= 2)) report('there are no two nodes')
  if (!pod.affinity?.podAntiAffinity) report('two nodes may share a machine')
  if (!(budget?.spec.maxUnavailable < spec.replicas)) report('all nodes may be taken away at once')
}

const isPart = (part: Record<string, string>, whole: Record<string, string>): boolean =>
  Object.entries(part).every(([name, value]) => whole[name] === value)
