import { z } from 'zod'

/** Settings of the tray application on this PC, beside those of the agent; `app.name` for people. */
export const AppSettings = z.object({
  openAtLogin: z.boolean().default(true).describe('Start Larder, hidden in the tray, when you log in.'),
  notifications: z
    .boolean()
    .default(true)
    .describe('Tell about downloads that failed or had to fall back to the origin.'),
  pauseOnBattery: z.boolean().default(false).describe('Pause all transfers while this PC runs on battery.')
})
export type AppSettings = z.infer<typeof AppSettings>
