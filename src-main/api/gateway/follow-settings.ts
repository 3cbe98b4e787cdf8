import type { Agent, Log } from '../../agent/agent.ts'
import type { Clock } from '../../lib/clock.ts'
import { LarderError } from '../../lib/errors.ts'
import type { LiveSettings } from '../../settings/live-settings.ts'
import type { ApiToken } from '../../contract/api.ts'
import { agentForGateway } from './agent-for-gateway.ts'
import { startGateway, type Gateway } from './gateway.ts'

export interface GatewayHost {
  readonly agent: Agent
  readonly settings: LiveSettings
  /** Made when the gateway is wanted for the first time. */
  readonly token: () => Promise<ApiToken>
  readonly clock: Clock
  readonly log: Log
}

/** The gateway as the settings want it while the agent runs. */
export interface FollowingGateway {
  /** Null: it is off, or could not be opened. */
  readonly port: number | null
  /** Ends it for good. */
  close(): Promise<void>
}

/**
 * Opens the gateway when the settings want it, closes it when they no longer do and moves it to another port. A change that cannot be
 * made is a warning of the agent.
 * @throws PORT_TAKEN when it cannot be opened at the start
 */
export async function followGatewaySettings({
  agent,
  settings,
  token,
  clock,
  log
}: GatewayHost): Promise<FollowingGateway> {
  let open: { readonly gateway: Gateway; readonly wantedPort: number } | null = null
  let ended = false
  let tail: Promise<void> = Promise.resolve()

  async function closeNow(): Promise<void> {
    const closing = open?.gateway
    open = null
    await closing?.close()
    agent.setGatewayPort(null)
  }

  async function bringInLine(): Promise<void> {
    const { gateway, ports } = settings.current
    const wanted = gateway.enabled && !ended
    if (open && (!wanted || open.wantedPort !== ports.gateway)) await closeNow()
    if (!wanted || open) return
    const started = await startGateway({
      agent: agentForGateway(agent),
      token: await token(),
      hosts: () => settings.current.gateway.hosts,
      port: ports.gateway,
      clock,
      log
    })
    open = { gateway: started, wantedPort: ports.gateway }
    agent.setGatewayPort(started.port)
    log.info({ gatewayPort: started.port }, 'the gateway is open')
  }

  /** One change after the other, each from what the settings say by then. */
  function onChanged(): void {
    tail = tail.then(bringInLine).catch((error: unknown) => {
      const { code, message } = LarderError.from(error)
      agent.warn(`The gateway could not be opened: ${message}`, { code })
    })
  }

  await bringInLine()
  const unfollow = settings.follow(({ gateway, ports }) => [gateway.enabled, ports.gateway], onChanged)
  return {
    get port() {
      return open?.gateway.port ?? null
    },
    async close() {
      ended = true
      unfollow()
      await tail
      await closeNow()
    }
  }
}
