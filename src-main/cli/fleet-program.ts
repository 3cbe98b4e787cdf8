import { InvalidArgumentError, type Command } from 'commander'
import type { Output } from './output.ts'

type AddCommand = (parent: Command, usage: string, summary: string) => Command

/** `larder fleet …`: who belongs to the fleet, by a site key or by certificates of a CA. */
export function addFleetCommands(program: Command, command: AddCommand, output: Output): void {
  const fleet = program
    .command('fleet')
    .description('Membership of the fleet: by a site key, or by certificates of a fleet CA.')
  const load = () => import('./fleet-commands.ts')
  const withCa = (usage: string, summary: string) =>
    command(fleet, usage, summary)
      .option('--ca-dir <folder>', 'folder of the fleet CA (default: fleet-ca in the data folder)')
      .option('--passphrase-file <file>', 'file with the passphrase of the CA’s key (else LARDER_CA_PASSPHRASE)')

  const key = fleet.command('key').description('The site key.')
  key
    .command('new')
    .description('Make a site key; every PC that has it is a member of the fleet.')
    .option('--json', 'as JSON')
    .action(async () => {
      const { randomBytes } = await import('node:crypto')
      const siteKey = `larder-site-${randomBytes(32).toString('base64url')}`
      output.result({ siteKey }, () => siteKey)
    })

  command(fleet, 'show', 'Show how this PC is a member, and the members where this PC holds the CA.')
    .option('--ca-dir <folder>', 'folder of the fleet CA (default: fleet-ca in the data folder)')
    .action(async (options) => (await import('./fleet-show.ts')).showFleet(options, output))

  withCa('init', 'Make the CA of a new fleet. That folder is the only copy: keep it safe.').action(async (options) =>
    (await load()).initFleet(options, output)
  )
  withCa('enroll', 'Make this PC a member: with the CA on this PC, or with a request to the holder of the CA.')
    .option('--request <file>', 'write a request for the holder of the CA instead')
    .option('--name <name>', 'name of this PC in the CA’s register (default: host name)')
    .option('--days <n>', 'life of the certificate (default: 365)', days)
    .action(async (options) => (await load()).enrol(options, output, { renew: false }))
  withCa('renew', 'Renew the certificate of this PC before it ends; the same two ways as enroll.')
    .option('--request <file>', 'write a request for the holder of the CA instead')
    .option('--days <n>', 'life of the new certificate (default: 365)', days)
    .action(async (options) => (await load()).enrol(options, output, { renew: true }))
  withCa('sign', 'Answer a request with a certificate; for the holder of the CA.')
    .argument('<request>', 'file made by `larder fleet enroll --request`')
    .option('-o, --output <file>', 'where the answer goes (default: beside the request)')
    .option('--name <name>', 'name of the PC in the register (default: as the request says)')
    .option('--days <n>', 'life of the certificate (default: 365)', days)
    .action(async (request, options) => (await load()).signRequest(request, options, output))
  command(fleet, 'install', 'Install what the holder of the CA sent: the answer to a request, or a deny list.')
    .argument('<file>', 'what `larder fleet sign` or `larder fleet revoke --output` wrote')
    .action(async (file, options) => (await load()).installFile(file, options, output))
  withCa('revoke', 'Remove PCs from the fleet: every member refuses them within a minute.')
    .argument(
      '<pc...>',
      'name in the register, or id as `fleet show` and `peers` print it (its first 8 digits or more)'
    )
    .option('--undo', 'let them take part again')
    .option('-o, --output <file>', 'also write the deny list to a file, to install it on any member')
    .action(async (pcs, options) => (await load()).revoke(pcs, options, output))
  command(
    program,
    'recall',
    'Say for the whole fleet that a content is not to be used; every member drops and refuses it within a minute.'
  )
    .argument('<content>', 'sha256:<64 hex digits>, as `larder cache list` prints it')
    .option('--reason <text>', 'why; everybody who had it is told')
    .option('--undo', 'let it be used again')
    .option('--ca-dir <folder>', 'folder of the fleet CA (default: fleet-ca in the data folder)')
    .option('--passphrase-file <file>', 'file with the passphrase of the CA’s key (else LARDER_CA_PASSPHRASE)')
    .option('-o, --output <file>', 'also write the list to a file, to install it on any member')
    .action(async (content, options) => (await load()).recall(content, options, output))
  command(fleet, 'leave', 'Remove this PC from the fleet of its CA.').action(async (options) =>
    (await load()).leaveFleet(options, output)
  )
}

function days(text: string): number {
  const value = /^\d{1,4}$/.test(text) ? Number(text) : NaN
  if (!(value >= 1 && value <= 3650)) throw new InvalidArgumentError('Expected a number of days from 1 to 3650.')
  return value
}
