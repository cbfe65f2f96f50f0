// axe-core finds nothing to mend, whatever is shown, light and dark, on a desk and on a phone.

import { samples } from './support/entity.js';
import { expect, expectAccessible, open, test } from './support/test.js';

test.use({ expectsRefusals: true });

const looks = [
  { name: 'light', colorScheme: 'light' },
  { name: 'dark', colorScheme: 'dark' },
  { name: 'light, on a phone', colorScheme: 'light', viewport: { width: 360, height: 740 }, hasTouch: true },
  { name: 'dark, on a phone', colorScheme: 'dark', viewport: { width: 360, height: 740 }, hasTouch: true },
];

for (const { name, ...options } of looks) {
  test.describe(name, () => {
    test.use({ ...options, reducedMotion: 'reduce' });

    test('every state can be seen and used by all', async ({ page, service, entity }) => {
      test.setTimeout(120_000); // axe-core looks at ten states, and more slowly beside a build
      const isPhone = Boolean(options.viewport);
      const check = async () => {
        await expectAccessible(page);
        const { scrollWidth, clientWidth } = await page.evaluate(() => ({ scrollWidth: document.documentElement.scrollWidth, clientWidth: document.documentElement.clientWidth }));
        expect(scrollWidth).toBeLessThanOrEqual(clientWidth);
        if (isPhone) await expectLargeTargets(page);
      };
      await entity.reset();
      await open(page, service);
      await expect(page.locator('#rows tr')).toHaveCount(samples.length);
      await expect(page.locator('#traffic')).toBeVisible();
      await check();

      await page.getByRole('button', { name: /^New/ }).click();
      await check();
      await page.getByRole('button', { name: 'Save' }).click();
      await expect(page.locator('[aria-invalid]').first()).toBeFocused();
      await check();
      await page.keyboard.press('Escape');

      await page.getByRole('button', { name: `Delete ${samples[0][entity.key]}`, exact: true }).click();
      await check();
      await page.keyboard.press('Escape');

      await page.locator('#file').setInputFiles({ name: 'rows.json', mimeType: 'application/json', buffer: Buffer.from(`[${'{},'.repeat(30)}{}]`) });
      await expect(page.locator('#load-alert li').first()).toBeVisible();
      await check();
      await page.locator('#load').getByRole('button', { name: 'Close' }).click();

      await page.getByRole('link', { name: 'API' }).click();
      await check();
      for (const part of ['#endpoints', '#schemas']) await page.locator(`${part} summary`).last().click();
      await check();

      service.sql(`DELETE FROM \`${entity.table}\``);
      await page.goBack();
      await expect(page.locator('#empty')).toBeVisible();
      await check();

      await page.route(`**${entity.path}?*`, (route) => route.abort());
      await page.reload();
      await expect(page.locator('#alert')).toContainText('cannot be reached');
      await check();
    });
  });
}

/** 44 pixels each way, which a finger hits. */
async function expectLargeTargets(page) {
  const small = await page.locator('button:visible, a[href]:visible, input:visible:not([type=checkbox]), select:visible, summary:visible').evaluateAll((all) =>
    all.filter((element) => {
      const { width, height } = element.getBoundingClientRect();
      return !element.classList.contains('skip') && Math.min(width, height) < 44;
    }).map((element) => element.outerHTML));
  expect(small).toEqual([]);
}
