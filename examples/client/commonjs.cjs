// node commonjs.cjs https://example.com/setup.msi ./
const { download } = require('larder/client')

const [url, destination] = process.argv.slice(2)
download({ url, destination }).then(({ path, source }) => console.log(`${path} by ${source}`))
