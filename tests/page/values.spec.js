// Values that a form is easily wrong about. The description is given another field, so that every entity has each kind.

import { samples } from './support/entity.js';
import { expect, open, rowOf, test } from './support/test.js';

test.beforeEach(async ({ entity }) => entity.reset());

const [first] = samples;
const MOMENT = { type: 'string', format: 'date-time' };
const save = (page) => page.getByRole('button', { name: 'Save' }).click();

for (const [format, typed] of [['date', '12345-01-02'], ['date-time', '12345-01-02T03:04']]) {
  test(`a ${format} whose year has five digits is told of at its field, and not sent`, async ({ page, service, entity }) => {
    await entity.describe(page, (api, redefine) => redefine(entity.other, { type: 'string', format }));
    const sent = [];
    page.on('request', (request) => request.method() === 'POST' && sent.push(request.url()));
    await open(page, service);

    await page.getByRole('button', { name: /^New/ }).click();
    await page.locator(`#field-${entity.other}`).fill(typed);
    await save(page);

    await expect(page.locator(`#field-${entity.other}-fault`)).toContainText('cannot be read');
    await expect(page.locator(`#field-${entity.other}`)).toBeFocused();
    expect(sent).toEqual([]);
  });
}

test('a text may have as many characters as the service counts, emoji too', async ({ page, service, entity }) => {
  await entity.describe(page, (api, redefine) => redefine(entity.other, { type: 'string', maxLength: 255 }));
  await open(page, service);

  await page.getByRole('button', { name: /^New/ }).click();
  await page.locator(`#field-${entity.other}`).focus();
  await page.keyboard.insertText('🦀'.repeat(255));

  await expect(page.locator(`#field-${entity.other}`)).toHaveValue('🦀'.repeat(255));
});

const zones = {
  'America/New_York': [ // around the hour that is skipped, and the one that comes twice
    ['2026-03-08T06:59:59Z', '2026-03-08T01:59:59'],
    ['2026-03-08T07:00:00Z', '2026-03-08T03:00:00'],
    ['2026-11-01T05:30:00Z', '2026-11-01T01:30:00'],
    ['2026-11-01T07:00:01Z', '2026-11-01T02:00:01'],
  ],
  'Asia/Kolkata': [['2026-12-31T20:00:00Z', '2027-01-01T01:30:00']],
};

for (const [zone, moments] of Object.entries(zones)) {
  test.describe(zone, () => {
    test.use({ timezoneId: zone });

    test('a moment is typed and shown in the time of the place, sent in UTC, and comes back as it was', async ({ page, service, entity }) => {
      const field = page.locator(`#field-${entity.other}`);
      const stored = [...moments.map(([moment]) => moment), '2026-11-01T06:30:00Z', '2026-11-01T06:30:00.25Z'];
      const rows = stored.map((moment, at) => ({ ...first, [entity.key]: at + 1, [entity.other]: moment }));
      await entity.describe(page, (api, redefine) => redefine(entity.other, MOMENT));
      await page.route(`**${entity.path}?*`, (route) => route.fulfill({ json: rows }));
      await page.route(`**${entity.path}/*`, (route) => route.fulfill({ json: rows[Number(route.request().url().split('/').pop()) - 1] }));
      await page.route(`**${entity.path}`, (route) => route.fulfill({ status: 201, json: rows[0] }));
      await open(page, service);
      const sent = async (method) => {
        const [request] = await Promise.all([page.waitForRequest((asked) => asked.method() === method), save(page)]);
        await expect(page.locator('#editor')).toBeHidden();
        return request.postDataJSON()[entity.other];
      };

      for (const [at, [moment, local]] of moments.entries()) {
        await page.getByRole('button', { name: /^New/ }).click();
        await field.fill(local.replace(/:00$/, '')); // as the browser writes it
        expect(await sent('POST')).toBe(moment);
        await expect(rowOf(page, at + 1)).toContainText(local.replace('T', ' '));
      }
      for (const row of rows) { // not touched
        await page.getByRole('button', { name: `Edit ${row[entity.key]}`, exact: true }).click();
        await expect(field).not.toHaveValue('');
        expect(await sent('PUT')).toBe(row[entity.other]);
      }
    });

    test('a row that is typed is stored as it was meant', async ({ page, service, entity }) => {
      await open(page, service);

      await page.getByRole('button', { name: /^New/ }).click();
      await entity.type(page, { ...first, [entity.key]: 80 });
      await save(page);

      await expect(rowOf(page, 80)).toBeVisible();
      expect(await entity.row(80)).toEqual({ ...first, [entity.key]: 80 });
    });
  });
}
