// Amounts are decimal text from the server, printed as they are; nothing is counted in floating point.
const { prefix, suffix, unit } = document.body.dataset;

/** `1234.50` as `€1234.50`: for sentences and for those who listen. */
export const moneyText = (amount) => `${prefix}${amount}${suffix}`;

/** Shows an amount with a thin gap at each thousand; the gaps are looks only, the text stays as it came. */
export function showMoney(element, amount) {
  const [whole, fraction] = amount.split('.');
  const groups = whole.split(/(?<=\d)(?=(?:\d{3})+$)/);
  const parts = groups.map((digits, index) => {
    const group = document.createElement('span');
    group.className = index > 0 ? 'group' : '';
    group.textContent = digits;
    return group;
  });
  const rest = fraction === undefined ? '' : `.${fraction}`;
  element.replaceChildren(prefix, ...parts, rest + unit);
}

/** A stake times tenths, exact: `0.20` times 5 tenths is `0.10`. */
export function timesTenths(stake, tenths) {
  const [whole, fraction = ''] = stake.split('.');
  const minor = (BigInt(whole + fraction) * BigInt(tenths)) / 10n;
  const digits = minor.toString().padStart(fraction.length + 1, '0');
  if (fraction === '') return digits;
  return `${digits.slice(0, -fraction.length)}.${digits.slice(-fraction.length)}`;
}

export const isZero = (amount) => !/[1-9]/.test(amount);
