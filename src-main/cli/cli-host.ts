/** What a command finds on this PC; tests put something else there. */
export interface CliHost {
  /** The machine policy file; undefined: where it lies on this system. No option and no variable sets it. */
  readonly policyFile: string | undefined
  /** Where the agent of all users of this PC is; undefined: where it is on this system. As for the policy, nothing else sets it. */
  readonly machinePlace?: string
  /** Data folder of the agent of all users; undefined: where it is on this system. */
  readonly machineDataDir?: string
  /** Homes of this PC's users; undefined: those of its accounts. */
  readonly homes?: readonly string[]
}

export const thisPc: CliHost = { policyFile: undefined }
