// The pictures in docs/: `make screenshots`.

import { samples } from './support/entity.js';
import { expect, open, test } from './support/test.js';
import { root } from './support/service.js';

test.use({ viewport: { width: 1280, height: 810 } });

const pictures = [
  { name: 'light', colorScheme: 'light' },
  { name: 'dark', colorScheme: 'dark' },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
];

/** Rows like the samples that every machine has the letters for. */
function rows(entity, count) {
  const plain = samples.filter((sample) => !/[^\u0000-\u024f]/.test(JSON.stringify(sample)));
  const vary = (sample, at) => Object.fromEntries(Object.entries(sample).map(([name, value]) => {
    const { type } = entity.schema.properties[name];
    if (name === entity.key) return [name, 1001 + at];
    return [name, type === 'integer' ? value + ((at * 7) % 23) : type === 'number' ? Math.round(value * 100 + at * 731) / 100 : value];
  }));
  return Array.from({ length: count }, (_, at) => vary(plain[at % plain.length], at));
}

for (const { name, ...options } of pictures) {
  test.describe(name, () => {
    test.use(options);

    test('is pictured', async ({ page, service, entity }) => {
      service.sql(`DELETE FROM \`${entity.table}\``);
      await service.fetch(entity.bulk, { method: 'POST', body: JSON.stringify(rows(entity, 60)) });
      await page.clock.install();
      await open(page, service, `#${entity.path}?limit=10`);
      await expect(page.locator('#rows tr')).toHaveCount(10);
      for (let looks = 0; looks < 40; looks++) {
        const requests = 20 + Math.round(30 * Math.sin(looks / 4) ** 2) + ((looks * 7) % 11);
        await Promise.all(Array.from({ length: requests }, () => service.fetch(`${entity.path}?limit=1`)));
        await Promise.all([page.waitForResponse((answer) => answer.url().endsWith('/metrics')), page.clock.fastForward(3000)]);
      }
      await expect(page.locator('#quality')).toContainText('p99');

      await page.screenshot({ path: `${root}docs/page-${name}.png` });
    });
  });
}
