// Values that a form is easily wrong about. The description is given another field, so that every entity has each kind.

import { expect, open, test } from './support/test.js';

test.beforeEach(async ({ entity }) => entity.reset());

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
