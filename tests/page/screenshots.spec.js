// The pictures in docs/, of the samples: `make screenshots`.

import { expect, open, test } from './support/test.js';
import { root } from './support/service.js';

test.skip(!process.env.SCREENSHOTS, 'only `make screenshots` takes them');
test.use({ viewport: { width: 1280, height: 760 } });

const pictures = [
  { name: 'light', colorScheme: 'light' },
  { name: 'dark', colorScheme: 'dark' },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
];

for (const { name, ...options } of pictures) {
  test.describe(name, () => {
    test.use(options);

    test('is pictured', async ({ page, service, entity }) => {
      await entity.fill(12);
      await entity.reset();
      await open(page, service);
      await expect(page.locator('#rows tr')).not.toHaveCount(0);
      for (let looks = 0; looks < 4; looks++) {
        await Promise.all(Array.from({ length: 40 + 90 * (looks % 2) }, () => service.fetch(`${entity.path}?limit=1`)));
        await page.waitForResponse((answer) => answer.url().endsWith('/metrics'));
      }

      await page.screenshot({ path: `${root}docs/page-${name}.png` });
    });
  });
}
