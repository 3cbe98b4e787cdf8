/* oxlint-disable typescript/no-explicit-any -- this runs in the page, on whatever the page gives it */

/** Secret names, new for each window, by which the two worlds and the host find each other. */
export interface WorldNames {
  readonly page: string
  readonly preload: string
  readonly toHost: string
  readonly fromHost: string
}

export interface PreloadFacts {
  readonly preloadPath: string
  readonly platform: string
  readonly arch: string
  readonly versions: Record<string, string | undefined>
  readonly argv: readonly string[]
}

/*
 * The functions below are sent to the page as text: none may close over anything of this module.
 */

/**
 * One end of the context bridge. Both worlds share the DOM and nothing else, so they speak by DOM events under a secret
 * name: delivery is immediate, and Chromium clones `detail` for the other world.
 */
function makeBridge(
  mine: string,
  theirs: string,
  onOther: (message: any, tools: { post(m: any): void; unpack(m: any): any }) => void
) {
  const dispatch = window.dispatchEvent.bind(window)
  const EventOfWorld = CustomEvent
  const functions = new Map<number, (...args: any[]) => any>()
  const returned = new Map<number, any>()
  const promises = new Map<number, { resolve(v: any): void; reject(e: any): void }>()
  let last = 0
  const post = (message: any): void => void dispatch(new EventOfWorld(theirs, { detail: message }))

  const pack = (value: any): any => {
    if (typeof value === 'function') {
      functions.set(++last, value)
      return { kind: 'function', id: last }
    }
    if (typeof value !== 'object' || value === null)
      return { kind: 'value', value: typeof value === 'symbol' ? undefined : value }
    if (value instanceof Promise) {
      const id = ++last
      value.then(
        (v) => post({ do: 'settle', id, ok: true, value: pack(v) }),
        (e) => post({ do: 'settle', id, ok: false, value: pack(e) })
      )
      return { kind: 'promise', id }
    }
    if (value instanceof Error) return { kind: 'error', name: value.name, message: value.message }
    if (Array.isArray(value)) return { kind: 'list', items: value.map(pack) }
    if (Object.prototype.toString.call(value) === '[object Object]')
      return { kind: 'object', entries: Object.keys(value).map((key) => [key, pack(value[key])]) }
    return { kind: 'value', value: structuredClone(value) }
  }
  const unpack = (packed: any): any => {
    switch (packed.kind) {
      case 'function':
        return (...args: any[]) => call(packed.id, args)
      case 'promise':
        return new Promise((resolve, reject) => promises.set(packed.id, { resolve, reject }))
      case 'error':
        return Object.assign(new Error(packed.message), packed.name === 'Error' ? {} : { name: packed.name })
      case 'list':
        return packed.items.map(unpack)
      case 'object':
        return Object.fromEntries(packed.entries.map(([key, value]: [string, any]) => [key, unpack(value)]))
      default:
        return packed.value
    }
  }
  const call = (id: number, args: any[]): any => {
    const callId = ++last
    post({ do: 'call', id, callId, args: args.map(pack) })
    const result = returned.get(callId)
    returned.delete(callId)
    if (!result) throw new Error('test host: the other world is silent')
    if (result.ok) return unpack(result.value)
    throw unpack(result.value)
  }
  const run = (message: any): any => {
    try {
      return { ok: true, value: pack(functions.get(message.id)?.(...message.args.map(unpack))) }
    } catch (error) {
      return { ok: false, value: pack(error) }
    }
  }
  window.addEventListener(mine, (event: any) => {
    event.stopImmediatePropagation()
    const message = event.detail
    if (message.do === 'call') post({ do: 'return', callId: message.callId, ...run(message) })
    else if (message.do === 'return') returned.set(message.callId, message)
    else if (message.do === 'settle') {
      const promise = promises.get(message.id)
      promises.delete(message.id)
      if (message.ok) promise?.resolve(unpack(message.value))
      else promise?.reject(unpack(message.value))
    } else onOther(message, { post, unpack })
  })
  return { post, pack }
}

/** The page's own world: takes what the preload exposes, frozen. */
function pageWorld(names: WorldNames, bridgeMaker: typeof makeBridge): void {
  const { defineProperty, freeze, isFrozen, values } = Object
  const freezeAll = (value: any): any => {
    if (value && typeof value === 'object' && !isFrozen(value))
      for (const inner of values(freeze(value))) freezeAll(inner)
    return value
  }
  bridgeMaker(names.page, names.preload, (message, { post, unpack }) => {
    if (message.do !== 'expose') return
    const free = !(message.key in window)
    if (free)
      defineProperty(window, message.key, {
        value: freezeAll(unpack(message.api)),
        enumerable: true,
        writable: false,
        configurable: false
      })
    post({ do: 'exposed', ok: free })
  })
}

/** The preload's world: ipcRenderer, contextBridge, and a `require` that knows little more. */
function preloadWorld(
  names: WorldNames,
  bridgeMaker: typeof makeBridge,
  preload: (...args: any[]) => void,
  facts: PreloadFacts
): void {
  if (window !== window.top) return
  const world = globalThis as any
  const toHost = world[names.toHost] as (text: string) => void
  delete world[names.toHost]

  let exposed: boolean | undefined
  const bridge = bridgeMaker(
    names.preload,
    names.page,
    (message) => void (message.do === 'exposed' && (exposed = message.ok))
  )
  const contextBridge = {
    exposeInMainWorld(key: string, api: unknown) {
      exposed = undefined
      bridge.post({ do: 'expose', key, api: bridge.pack(api) })
      if (exposed !== true) throw new Error('Cannot bind an API on top of an existing property on the window object')
    }
  }

  const listeners = new Map<string, ((event: object, ...args: any[]) => void)[]>()
  const waiting = new Map<number, { resolve(v: any): void; reject(e: Error): void }>()
  let last = 0
  const ipcRenderer = {
    send: (channel: string, ...args: any[]) =>
      toHost(JSON.stringify({ do: 'send', channel, args: structuredClone(args) })),
    invoke: (channel: string, ...args: any[]) =>
      new Promise((resolve, reject) => {
        const id = ++last
        const text = JSON.stringify({ do: 'invoke', id, channel, args: structuredClone(args) })
        waiting.set(id, { resolve, reject })
        toHost(text)
      }),
    on(channel: string, listener: (event: object, ...args: any[]) => void) {
      listeners.set(channel, [...(listeners.get(channel) ?? []), listener])
      return ipcRenderer
    },
    off(channel: string, listener: (event: object, ...args: any[]) => void) {
      listeners.set(
        channel,
        (listeners.get(channel) ?? []).filter((other) => other !== listener)
      )
      return ipcRenderer
    }
  }
  Object.defineProperty(world, names.fromHost, {
    value: (message: any) => {
      if (message.do === 'message')
        for (const listener of listeners.get(message.channel) ?? []) listener({ sender: ipcRenderer }, ...message.args)
      else {
        const call = waiting.get(message.id)
        waiting.delete(message.id)
        if (message.error === undefined) call?.resolve(message.result)
        else call?.reject(new Error(message.error))
      }
    }
  })

  const modules: Record<string, unknown> = {
    electron: { contextBridge, ipcRenderer },
    timers: globalThis,
    url: { URL, URLSearchParams }
  }
  const require = (name: string): unknown => {
    if (Object.hasOwn(modules, name)) return modules[name]
    throw new Error(`module not found: ${name}`)
  }
  try {
    const module = { exports: {} }
    preload(
      require,
      { ...facts, contextIsolated: true, sandboxed: true, type: 'renderer', env: {} },
      module.exports,
      module
    )
  } catch (error) {
    console.error(`Unable to load preload script: ${facts.preloadPath}`, error)
    toHost(JSON.stringify({ do: 'preload-error', message: String((error as Error).message) }))
  }
}

/** The preload's text as the function that a sandboxed window makes of it. */
export const preloadFunction = (text: string): string => `(function (require, process, exports, module) {${text}\n})`

export const pageWorldSource = (names: WorldNames): string =>
  `(${pageWorld.toString()})(${JSON.stringify(names)}, ${makeBridge.toString()})`

export const preloadWorldSource = (names: WorldNames, preloadText: string, facts: PreloadFacts): string =>
  `(${preloadWorld.toString()})(${JSON.stringify(names)}, ${makeBridge.toString()}, ${preloadFunction(preloadText)}, ${JSON.stringify(facts)})`
