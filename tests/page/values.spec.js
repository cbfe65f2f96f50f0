// Values that a form is easily wrong about. The description is given another field, so that every entity has each kind.

import { expect, open, test } from './support/test.js';

test.beforeEach(async ({ entity }) => entity.reset());

test('a text may have as many characters as the service counts, emoji too', async ({ page, service, entity }) => {
  await entity.describe(page, (api, redefine) => redefine(entity.other, { type: 'string', maxLength: 255 }));
  await open(page, service);

  await page.getByRole('button', { name: /^New/ }).click();
  await page.locator(`#field-${entity.other}`).focus();
  await page.keyboard.insertText('🦀'.repeat(255));

  await expect(page.locator(`#field-${entity.other}`)).toHaveValue('🦀'.repeat(255));
});
