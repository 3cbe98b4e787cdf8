import { z } from 'zod'

// The page's Content-Security-Policy forbids compiling code; zod would try, and each try would be reported.
// To be imported before everything that makes schemas.
z.config({ jitless: true })
