import { HELD_MS } from '../transfers/transfer-machine.ts'
import {
  error,
  machines,
  TransferModel,
  type Machines,
  type ModelRequest,
  type ModelTransfer
} from './transfer-model.ts'

/** One number per event: which of the things that can happen now does. */
export type Script = readonly number[]

const MOST_REQUESTS = 6
const TELL_MS = 200
const DRAIN_ROUNDS = 300

type Act = () => void

/**
 * Plays a script: requests, joins, pauses, cancels, deadlines, decisions, arrivals, failures, and restarts, in an order that the
 * numbers choose. @throws with the rule that was broken, and after which event
 */
export function playScript(script: Script, using: Machines = machines): void {
  let model = new TransferModel(using)
  let last = ''
  const rules = () => {
    const [broken] = brokenRules(model)
    if (broken !== undefined) throw new Error(`${broken} (after ${last})`)
  }
  for (const number of script) {
    const acts = possible(model, number)
    const [name, act] = acts[(number >> 6) % acts.length]!
    last = name
    act()
    rules()
    if (!model.stopping) continue
    // Stopped: what runs is told to end, and nothing else happens any more. Then the agent starts again, with what is on disk.
    last = 'stop'
    stopAll(model)
    rules()
    const after = new TransferModel(using)
    after.contents.splice(0, 2, ...model.contents)
    model = after
  }
  last = 'the end'
  drain(model)
  rules()
  for (const request of model.requests)
    if (!request.ended) throw new Error(`a request waits for ever: ${about(request)}`)
  if (model.transfers.some(({ ticket }) => ticket !== null)) throw new Error('a slot is never given back')
}

/** Half of the numbers let something go well, so that the late states are met as often as the early ones. */
const GOES_WELL = 1 << 19

function possible(model: TransferModel, number: number): [string, Act][] {
  const well = (number & GOES_WELL) === 0 ? [] : goesWell(model)
  return well.length > 0 ? well : anything(model, number)
}

/** Whatever brings a request nearer to its file. */
function goesWell(model: TransferModel): [string, Act][] {
  const acts: [string, Act][] = []
  const may = (name: string, act: Act, holds = true) => void (holds && acts.push([name, act]))
  for (const request of model.requests)
    request.answers.forEach(({ about: what }, i) => may(`${what} answered`, () => request.answer(i, 0)))
  for (const content of model.starting.keys()) may('partial opened', () => model.started(content, false))
  for (const transfer of model.transfers.filter(({ open }) => open)) {
    const { working, machine, lane, piece, completing } = transfer
    may('look', () => transfer.look(), transfer.lookDue)
    may('elected', () => transfer.decide('master', true), working && machine.state.role !== 'master')
    may('origin sent', () => transfer.originSent(), lane === 'running' && piece !== null)
    may('completed', () => transfer.completes(0), completing)
  }
  return acts
}

/** Everything that can happen to one of those to which something can, which the number chooses as well. */
function anything(model: TransferModel, number: number): [string, Act][] {
  const acts: [string, Act][] = []
  const may = (name: string, act: Act, holds = true) => void (holds && acts.push([name, act]))
  const requests = model.requests.filter((r) => !r.ended || r.answers.length > 0)
  const transfers = model.transfers.filter(({ open }) => open)
  let which = number % (2 + 2 * requests.length + 2 * transfers.length)
  if ((which -= 2) < 0) modelActs(model, may, requests.length < MOST_REQUESTS)
  else if ((which -= 2 * requests.length) < 0) requestActs(model, requests.at(which >> 1)!, may)
  else transferActs(model, transfers[which >> 1]!, may)
  return acts
}

type May = (name: string, act: Act, holds?: boolean) => void

function modelActs(model: TransferModel, may: May, room: boolean): void {
  for (const content of model.contents) {
    const starting = model.starting.has(content)
    for (const kind of ['shared', 'shared', 'file', 'cache'] as const)
      may(`request ${kind}`, () => model.add(content, kind, kind !== 'cache'), room)
    for (const fails of [false, false, false, true])
      may('partial opened', () => model.started(content, fails), starting)
    may('evicted', () => (content.cached = false), content.cached)
  }
  may('pause all', () => {
    model.allPaused = true
    for (const r of model.requests) if (!r.ended) model.pause(r)
  })
  may('resume all', () => {
    model.allPaused = false
    for (const r of model.requests) if (!r.ended) model.resume(r)
  })
  may('slots', () => (model.slots.count = 3 - Math.min(2, model.slots.count)))
  may('nextCoordinator', () => (model.hasNextCoordinator = !model.hasNextCoordinator))
  may('time', () => model.clock.pass(HELD_MS))
  may('stop', () => (model.stopping = true))
}

function requestActs(model: TransferModel, request: ModelRequest, may: May): void {
  request.answers.forEach(({ about: what }, i) => {
    for (const choice of [0, 0, 0, 0, 0, 0, 1, 2]) may(`${what} answered`, () => request.answer(i, choice))
  })
  if (request.ended) return
  may('pause', () => model.pause(request))
  may('resume', () => model.resume(request))
  may('cancel', () => request.stop(error('CANCELLED')))
  may('deadline', () => request.stop(error('TIMEOUT')))
}

function transferActs(model: TransferModel, transfer: ModelTransfer, may: May): void {
  const { machine, working } = transfer
  for (const _ of [0, 1]) {
    may('look', () => transfer.look(), transfer.lookDue)
    may('elected', () => transfer.decide('master', true), working)
    may('origin sent', () => transfer.originSent(), transfer.lane === 'running' && transfer.piece !== null)
    may('gate opened', () => transfer.gate(true), working)
    may('gate shut', () => transfer.gate(false), working)
    may('peer sent', () => transfer.peerSent(), transfer.askingPeers)
    may('completed', () => transfer.completes(0), transfer.completing)
  }
  may('follows', () => transfer.decide('follower', true), working)
  may('nobody leads', () => transfer.decide('follower', false), working)
  may('undecided', () => transfer.decide('none', false), working)
  for (const code of ['ORIGIN_UNREACHABLE', 'ORIGIN_CHANGED', 'DISK_FULL'] as const)
    may(`origin ${code}`, () => transfer.originFails(code, model.requests.length % 2), transfer.lane === 'running')
  for (const choice of [1, 2, 3]) may(`completion ${choice}`, () => transfer.completes(choice), transfer.completing)
  may('tick', () => {
    model.clock.pass(500)
    transfer.tick()
  })
  may('late tick', () => {
    model.clock.pass(11_000)
    transfer.tick()
  })
  may('master lost', () => machine.happened({ e: 'memberLost', wasMaster: true, nowMs: transfer.nowMs }))
  for (const serving of [true, false])
    may('serving', () => machine.happened({ e: 'servingChanged', serving, mayLead: serving, neighbours: 1 }), working)
  may('disk broke', () => machine.happened({ e: 'broke', error: error('DISK_FULL') }), working)
}

/** Every rule that does not hold now, as a sentence. */
function* brokenRules(model: TransferModel): Generator<string> {
  yield* model.faults
  for (const request of model.requests) yield* requestRules(model, request)
  for (const transfer of model.transfers) yield* transferRules(transfer)
  for (const content of model.contents) {
    if (model.transfers.filter((t) => t.open && t.content === content).length > 1) yield 'a content has two transfers'
    if (content.asked.some((asked, i) => asked > 1 + content.lost[i]!))
      yield 'the origin is asked for a piece that nobody has lost'
  }
}

function* requestRules(model: TransferModel, request: ModelRequest): Generator<string> {
  const { state } = request.machine
  const { phase } = state
  const is = about(request)
  if (request.ends > (phase.at === 'ended' ? 1 : 0)) yield `a request ends twice: ${is}`
  if (phase.at === 'delivering' && state.verdict !== null && !request.deliveryAborted)
    yield `a delivery that is not wanted runs on: ${is}`
  const isPaused = request.wantedPaused && phase.at !== 'delivering' && phase.at !== 'ended'
  if ((request.told === 'paused') !== isPaused) yield `a request is not told to be paused as it is: ${is}`
  if (isPaused && request.ticket !== null) yield `a paused request is in the line: ${is}`
  if (request.ticket !== null && phase.at !== 'inLine' && phase.at !== 'direct')
    yield `a slot is held for nothing: ${is}`
  if (request.direct === 'running' && request.ticket?.ahead !== null) yield `a download runs without a slot: ${is}`
  const waits = model.starting.get(request.content)?.has(request) ?? false
  if (phase.at !== 'ended') {
    const cause = request.answers.length > 0 || request.ticket !== null || request.transfer?.open || waits || isPaused
    if (!cause) yield `a request waits for nothing: ${is}`
    return
  }
  if (request.ends !== 1) yield `an end is not told: ${is}`
  if (request.direct !== 'none' || request.transfer !== null || waits || request.ticket !== null)
    yield `something runs on after the end: ${is}`
  if (request.delivered !== (phase.as === 'done' && state.delivers)) yield `the file is not as told: ${is}`
  if (phase.as === 'cancelled' && request.stopped?.code !== 'CANCELLED') yield `nobody cancelled it: ${is}`
}

function* transferRules(transfer: ModelTransfer): Generator<string> {
  const { lane, ticket, working, machine, members, open } = transfer
  const is = `${machine.state.phase}, ${machine.state.origin}`
  const paused = working && members.size > 0 && [...members.keys()].every((r) => r.wantedPaused)
  if (open && (machine.state.phase !== 'finishing' && transfer.waits?.what === 'resume') !== paused)
    yield `a transfer is not paused as its interests are: ${is}`
  if (paused && (lane !== 'none' || ticket !== null || transfer.askingPeers)) yield `a paused transfer works: ${is}`
  if (open && working && members.size === 0) yield `a transfer runs for nobody: ${is}`
  if (!open || !working) {
    if (lane !== 'none' || ticket !== null) yield `a transfer that is over has a slot: ${is}`
  } else if ((lane !== 'none') !== (ticket !== null && ticket.ahead === null))
    yield `what runs at the origin is not what has a slot: ${is}`
}

/** At a quiet moment, what was told last is what is. */
function assertTold(model: TransferModel): void {
  model.clock.pass(TELL_MS)
  for (const request of model.requests)
    if (request.lastTold !== request.told) model.faults.push(`told ${request.lastTold}, is ${about(request)}`)
}

function stopAll(model: TransferModel): void {
  assertTold(model)
  for (const request of model.requests) if (!request.ended) request.stop(error('SHUTTING_DOWN'))
  for (let round = 0; round < 3; round++)
    for (const request of model.requests) while (request.answers.length > 0) request.answer(0, 0)
  for (const content of [...model.starting.keys()]) model.started(content, false)
  for (const transfer of model.transfers) if (transfer.open) transfer.close()
  for (const request of model.requests) if (!request.ended) model.faults.push(`it does not stop: ${about(request)}`)
  let free = false
  model.slots.enter('foreground', () => (free = true))
  model.check(free, 'a slot is never given back')
}

/** From now on all goes well. */
function drain(model: TransferModel): void {
  assertTold(model)
  model.allPaused = false
  for (let round = 0; round < DRAIN_ROUNDS && model.requests.some((r) => !r.ended); round++) {
    for (const request of model.requests) {
      if (!request.ended) model.resume(request)
      while (request.answers.length > 0) request.answer(0, 0)
    }
    for (const content of [...model.starting.keys()]) model.started(content, false)
    for (const transfer of model.transfers) {
      if (!transfer.open) continue
      if (transfer.working && transfer.machine.state.role !== 'master') transfer.decide('master', true)
      // wan-gate.test.ts: whatever happens, it is open in the end.
      if (transfer.machine.state.shut) transfer.gate(true)
      if (transfer.lookDue) transfer.look()
      if (transfer.lane === 'running' && transfer.piece !== null) transfer.originSent()
      if (transfer.completing) transfer.completes(0)
    }
  }
  assertTold(model)
}

function about(request: ModelRequest): string {
  const { phase, paused, verdict } = request.machine.state
  return `${phase.at}${paused ? ', paused' : ''}${verdict ? ', to end' : ''}, told ${request.told}`
}
