import { z } from 'zod'
import { AgentFile } from './api.ts'

/**
 * `agent.json` of the machine agent, in a folder that only root and the agent can write to: how programs of every user of the PC
 * find it, and know it again.
 */
export const MachineAgentFile = AgentFile.extend({
  /** P-256, SPKI DER, base64: what the listener at `apiPort` signs challenges with. Another one at each start. */
  publicKey: z.string().max(400),
  /** Folder in which a user leaves the digest of a token, and by owning that file says who shows the token. */
  door: z.string().min(1).max(1000)
})
export type MachineAgentFile = z.infer<typeof MachineAgentFile>
