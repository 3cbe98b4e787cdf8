// node download.js https://example.com/setup.msi ./ [sha256-…]
import { download, hasCode } from 'larder/client'

const [url, destination, integrity] = process.argv.slice(2)
try {
  const { path, lengthBytes, sha256, source } = await download({ url, destination, integrity })
  console.log(`${path}: ${lengthBytes} bytes by ${source}, SHA-256 ${sha256}`)
} catch (error) {
  // Codes are stable; the text is for people.
  if (!hasCode(error, 'DIGEST_MISMATCH')) throw error
  console.error(`Not the file that was expected; nothing was saved. ${error.message}`)
  process.exitCode = 1
}
