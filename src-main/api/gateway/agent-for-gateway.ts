import type { Agent } from '../../agent/agent.ts'
import type { GatewayAgent } from './serve.ts'

/** The agent as the gateway sees it: what is shared, and contents as streams. */
export function agentForGateway(agent: Agent): GatewayAgent {
  return {
    notSharing: () => (agent.settings.integration.enabled ? null : 'integration-off'),
    isPaused: () => agent.paused,
    lookUp: (url, options) => agent.readings.lookUp(url, options),
    open: (content, span, askedBy) => agent.readings.open(content, span, askedBy),
    pass: (url, options, why, field) => {
      agent.noteBypass(url, why, field)
      return agent.readings.pass(url, options)
    }
  }
}
