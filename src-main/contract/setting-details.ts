import { z } from 'zod'

/** Any JSON value. Unlike `z.json()` its schema does not refer to itself, which OpenAPI documents cannot carry. */
export const JsonValue: z.ZodType<z.core.util.JSONType> = z
  .any()
  .refine((value) => value !== undefined, 'expected a value')

/** Who sets a setting, weakest first. */
export const SettingSource = z.enum(['default', 'file', 'policy', 'command-line', 'this-run'])
export type SettingSource = z.infer<typeof SettingSource>

/** One setting as a person sees it. */
export const SettingView = z.object({
  /** `section.name`; those of the tray application are `app.name`. */
  name: z.string(),
  /** Effective value; always null for a secret. */
  value: JsonValue,
  source: SettingSource,
  /** What it does; one sentence. */
  description: z.string(),
  /** Set by the administrator or for this run: cannot be changed here. */
  managed: z.boolean(),
  /** A secret is never shown, only whether there is one. */
  secret: z.boolean(),
  isSet: z.boolean(),
  /** A value was kept that counts only from the agent's next start on. */
  pending: z.boolean()
})
export type SettingView = z.infer<typeof SettingView>

/**
 * How strongly a value is meant, weakest first: a later one rules over an earlier one.
 *
 *     default < recommended (policy) < file < policy < command-line < this-run < locked (policy)
 */
export const SettingStrength = z.enum([
  'default',
  'recommended',
  'file',
  'policy',
  'command-line',
  'this-run',
  'locked'
])
export type SettingStrength = z.infer<typeof SettingStrength>

/** Everything about one setting. */
export const SettingDetails = SettingView.extend({
  strength: SettingStrength,
  /** Path of the file it is set in, `the command line`, `until restart`, or `built in`. */
  place: z.string(),
  /** What may be given; one phrase, with range and unit. */
  accepts: z.string(),
  defaultValue: JsonValue,
  needsRestart: z.boolean(),
  /** Who set it, when and why, as far as it is known. */
  author: z.object({ by: z.string(), at: z.number().nullable(), reason: z.string().nullable() }).nullable(),
  /** Every place that sets it, weakest first; the last one rules. */
  candidates: z.array(
    z.object({ strength: SettingStrength, source: SettingSource, place: z.string(), value: JsonValue })
  )
})
export type SettingDetails = z.infer<typeof SettingDetails>

/** A file of settings that cannot be used as it is. The file itself is never changed because of that. */
export const SettingsProblem = z.object({
  place: z.string(),
  /** From 1; null when the problem is not at a place in the text. */
  line: z.number().int().nullable(),
  column: z.number().int().nullable(),
  /** The setting it is about, or empty. */
  setting: z.string(),
  reason: z.string(),
  /** `last-good`: what was read before stays in force. `nothing`: no usable version is known. `partly`: all else in it counts. */
  inForce: z.enum(['last-good', 'nothing', 'partly'])
})
export type SettingsProblem = z.infer<typeof SettingsProblem>
