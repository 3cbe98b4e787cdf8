import Table from 'cli-table3'

/** Rows under one head, without lines between them and without colours, so that it can be pasted anywhere. */
export function drawTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } })
  table.push(...rows.map((row) => [...row]))
  return table.toString()
}
