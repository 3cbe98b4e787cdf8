import { connect } from '../client/connection.ts'
import { dataPaths } from '../lib/data-paths.ts'
import { shortId } from '../lib/short-id.ts'
import { describeCa } from '../peers/fleet/fleet-ca.ts'
import { expiresAtMs } from '../peers/fleet/fleet-certificate.ts'
import { loadSettings } from '../settings/load-settings.ts'
import { diskFiles } from '../settings/settings-files.ts'
import { caDirOf, deviceOf, memberFacts, type CaOptions } from './fleet-commands.ts'
import type { Output } from './output.ts'
import { localTime } from './printable.ts'
import { formatFacts, formatTable } from './table.ts'

const how = {
  ca: 'by a certificate of the fleet CA',
  'site-key': 'by the site key of the settings',
  none: 'no (unless the agent is given a site key at its start)'
}

/** Shows the membership as it lies in the data folder, and the site key a running agent was given at its start. The agent need not run. */
export async function showFleet(options: CaOptions, output: Output): Promise<void> {
  const { dataDir, identity, folder } = await deviceOf(options)
  const enrolment = await folder.enrolment(identity.spki)
  const { siteKey, siteKeyFile } = loadSettings(diskFiles(dataPaths(dataDir))).settings.fleet
  const hasSiteKey = siteKey !== null || siteKeyFile !== null
  const given = !enrolment && !hasSiteKey && (await agentHasSiteKey(dataDir))
  const via = enrolment ? 'ca' : hasSiteKey || given ? 'site-key' : 'none'
  const denyList = enrolment && (await folder.denyList(enrolment))
  const caDir = caDirOf(options)
  const ca = await describeCa(caDir)
  const members = ca?.members.map(memberFacts)
  output.result(
    {
      peer: identity.id,
      via,
      ...(enrolment && { expiresAt: expiresAtMs(enrolment.certificate), ca: enrolment.ca.fingerprint256 }),
      ...(denyList && { denyListNumber: denyList.number, denied: [...denyList.denied] }),
      ...(ca && { holdsCa: { caDir, sealed: ca.sealed, denyListNumber: ca.denyListNumber, members } })
    },
    () => {
      const facts: [string, string][] = [
        ['this PC', identity.id],
        ['member', given ? 'by the site key the agent was given at its start' : how[via]]
      ]
      if (enrolment)
        facts.push(
          ['certificate', `until ${localTime(expiresAtMs(enrolment.certificate))}`],
          ['fleet CA', enrolment.ca.fingerprint256]
        )
      if (denyList)
        facts.push([
          'deny list',
          denyList.number === 0
            ? 'empty'
            : `number ${denyList.number}: ${[...denyList.denied].map(shortId).join(', ') || 'nobody'}`
        ])
      const text = formatFacts(facts)
      if (!members) return text
      const rows = members.map((one) => [
        one.name,
        shortId(one.peer),
        localTime(one.expiresAt),
        one.deniedAt === null ? '' : `removed ${localTime(one.deniedAt)}`
      ])
      return `${text}\n\nThis PC holds the CA in ${caDir}${ca?.sealed ? ', its key under a passphrase' : ''}.\n${rows.length === 0 ? 'Nobody is enrolled yet.' : formatTable(['NAME', 'ID', 'UNTIL', ''], rows, { shorten: 'NAME', width: output.width })}`
    }
  )
}

async function agentHasSiteKey(dataDir: string): Promise<boolean> {
  const status = await connect({ dataDir })
    .then((agent) => agent.status())
    .catch(() => undefined)
  return status?.fleet.via === 'site-key'
}
