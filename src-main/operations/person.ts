/** A user of this PC, as an agent that serves all of them knows them. */
export interface Person {
  /** Stable on this PC: `uid:1000`. */
  readonly id: string
  /** Account name; shown to people. */
  readonly name: string
  /** Administrator or helpdesk. */
  readonly admin: boolean
}
