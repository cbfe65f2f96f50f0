// Answers that this service does not give, as of a proxy before it: they are told of in words, and can be asked for again.

import { samples } from './support/entity.js';
import { expect, open, rowOf, test } from './support/test.js';

test.use({ expectsRefusals: true });
test.beforeEach(async ({ entity }) => entity.reset());

const [first] = samples;
const html = '<!doctype html><html><body><h1>Bad Gateway</h1></body></html>';
const answers = [
  { name: 'a page of a proxy', status: 502, body: html },
  { name: 'a page in place of data', status: 200, body: html },
  { name: 'nothing', status: 200, body: '' },
  { name: 'null', status: 200, body: 'null' },
  { name: 'JSON of another shape', status: 200, body: '[null]' },
  { name: 'a problem that is null', status: 500, body: 'null' },
  { name: 'a problem whose members are of other types', status: 422, body: '{"detail":5,"title":[],"request_id":{},"errors":[null,{"pointer":7,"detail":{}}]}' },
  { name: 'a problem whose faults are no array', status: 422, body: '{"detail":"odd","errors":{"a":1}}' },
];

for (const { name, ...answer } of answers) {
  test(`${name} is told of, and asked for again`, async ({ page, service, entity }) => {
    const note = (place) => expect(page.locator(place)).toContainText(/perhaps|Odd\./);
    const again = page.locator('#alert').getByRole('button', { name: 'Try again' });
    /** Answers so to these requests until the function that it returns is called. */
    const answerSo = async (pattern, method) => {
      const handler = (route) => (route.request().method() === method ? route.fulfill(answer) : route.fallback());
      await page.route(pattern, handler);
      return () => page.unroute(pattern, handler);
    };

    // the description
    let restore = await answerSo('**/openapi.json', 'GET');
    await open(page, service);
    await note('#alert');
    await expect(page.locator('#alert')).not.toContainText('<');
    await expect(again).toBeVisible();
    await restore();
    await again.click().catch(() => {}); // unless the page has asked by itself
    await expect(rowOf(page, first[entity.key])).toBeVisible();

    // the rows
    restore = await answerSo(`**${entity.path}?*`, 'GET');
    await page.getByLabel('Rows a page').selectOption('10');
    await note('#alert');
    await restore();
    await again.click().catch(() => {});
    await expect(page.locator('#alert')).toBeEmpty();

    // one row
    restore = await answerSo(`**${entity.path}/*`, 'GET');
    await page.getByRole('button', { name: `Edit ${first[entity.key]}`, exact: true }).click();
    await note('#alert');
    await restore();

    // what has been saved
    restore = await answerSo(`**${entity.path}`, 'POST');
    await page.getByRole('button', { name: /^New/ }).click();
    await entity.type(page, { ...first, [entity.key]: 70 });
    await page.getByRole('button', { name: 'Save' }).click();
    await note('#editor-alert');
    await restore();
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(rowOf(page, 70)).toBeVisible();

    // a file
    restore = await answerSo(`**${entity.bulk}`, 'POST');
    await page.locator('#file').setInputFiles({ name: 'rows.json', mimeType: 'application/json', buffer: Buffer.from('[]') });
    await note('#load-alert');
    await restore();
  });
}

test('odd numbers do not end the watch', async ({ page, service }) => {
  const odd = 'http_server_request_duration_seconds_bucket{a="1"} 1\nhttp_server_request_duration_seconds_count{} x\n';
  await page.route('**/metrics', (route) => route.fulfill({ status: 200, body: odd }));
  await open(page, service);
  await expect(page.locator('#ready')).toHaveText('Ready');

  await page.route('**/readyz', (route) => route.fulfill({ status: 502, body: html }));

  await expect(page.locator('#ready')).toContainText('Not ready: the answer was 502');
});
