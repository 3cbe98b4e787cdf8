import { z } from 'zod'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const
export const LogLevel = z.enum(logLevels)
