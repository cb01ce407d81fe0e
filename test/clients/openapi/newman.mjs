// Makes a Postman collection of the gateway's OpenAPI document, as Postman's importer does, and runs it with newman. Prints what each request got, as JSON.
// Usage: node newman.mjs <url> <account SID> <auth token>
import newman from 'newman';
import converter from 'openapi-to-postmanv2';

const [, , url, user, password] = process.argv;
const document = await (await fetch(`${url}/msteams/openapi.json`)).json();

const collection = await new Promise((resolve, reject) => {
  const options = { parametersResolution: 'Example', includeDeprecated: false, folderStrategy: 'Tags' };
  converter.convertV2({ type: 'json', data: document }, options, (error, result) => {
    if (error || !result.result) reject(error ?? new Error(result.reason));
    else resolve(result.output[0].data);
  });
});
collection.auth = {
  type: 'basic',
  basic: [
    { key: 'username', value: user, type: 'string' },
    { key: 'password', value: password, type: 'string' },
  ],
};
collection.variable = [{ key: 'baseUrl', value: url }];

const results = [];
newman
  .run({ collection, reporters: [] }, (error, summary) => {
    if (error) throw error;
    const failures = summary.run.failures.map(({ error: { message }, source }) => `${source?.name}: ${message}`);
    console.log(JSON.stringify({ results, failures }));
  })
  .on('request', (error, { request, response, item }) => {
    const [expected] = item.responses.all().flatMap(({ code }) => (code < 300 ? code : []));
    results.push({
      name: item.name,
      method: request.method,
      path: request.url.getPath(),
      expected,
      status: response?.code,
      body: response?.text(),
      error: error?.message,
    });
  });
