import { escapeHtml, html } from './html';

describe('the html tag', () => {
  test('every value is escaped, in content and in quoted attributes', () => {
    const evil = `<img src=x onerror="alert('1')">&amp;`;
    expect(html`<p title="${evil}">${evil}</p>`.markup).toBe(
      `<p title="&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;">` +
        `&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;</p>`,
    );
  });

  test('what html itself made is not escaped twice, in lists neither', () => {
    const items = ['<a>', '<b>'].map((text) => html`<li>${text}</li>`);
    expect(html`<i>${items}</i>`.markup).toBe('<i><li>&lt;a&gt;</li><li>&lt;b&gt;</li></i>');
  });

  test('a list of plain texts is escaped item by item', () => {
    expect(html`${['<', ['>']]}`.markup).toBe('&lt;&gt;');
  });

  test('nothing prints nothing, zero and the empty text print themselves', () => {
    expect(html`[${null}${undefined}${false}]`.markup).toBe('[]');
    expect(html`[${0}${0n}${''}]`.markup).toBe('[00]');
  });

  test('an object that only looks like safe markup is escaped', () => {
    const forged = JSON.parse('{"markup":"<script>"}') as unknown as string;
    expect(html`${forged}`.markup).not.toContain('<script>');
  });

  test('escapeHtml escapes the five characters and nothing else', () => {
    expect(escapeHtml(`&<>"'`)).toBe('&amp;&lt;&gt;&quot;&#39;');
    expect(escapeHtml('Süper ß 游戏 `=/')).toBe('Süper ß 游戏 `=/');
  });
});
