/** Sections of the settings as people read them; those without a title go by their own name. */
export const sectionTitles: Readonly<Record<string, string>> = {
  integration: 'Integration',
  fleet: 'Fleet',
  ports: 'Ports',
  discovery: 'Finding peers',
  election: 'Election',
  transfers: 'Transfers',
  origin: 'Origin and proxy',
  sharing: 'Sharing',
  backgroundChannel: 'Background channel',
  cache: 'Cache',
  ui: 'Window in the browser',
  gateway: 'Gateway for download tools',
  metrics: 'Metrics',
  rates: 'Limits of speed',
  hub: 'Sharing between subnets',
  precache: 'Pre-caching',
  machine: 'One agent for all users',
  updates: 'Updates of Larder',
  log: 'Log'
}
