/** What a command finds on this PC; tests put something else there. */
export interface CliHost {
  /** The machine policy file; undefined: where it lies on this system. No option and no variable sets it. */
  readonly policyFile: string | undefined
}

export const thisPc: CliHost = { policyFile: undefined }
