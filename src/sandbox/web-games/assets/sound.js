// Sounds of our own, made on the spot. Off until the player switches them on.
export function createSound(button) {
  let context;
  let on = false;

  button.addEventListener('click', () => {
    on = !on;
    button.setAttribute('aria-pressed', String(on));
    context ??= new AudioContext();
    void context.resume();
    if (on) note(660, 0, 0.12);
  });

  function note(frequency, delay, length, { type = 'triangle', loud = 0.12 } = {}) {
    if (!on) return;
    const start = context.currentTime + delay;
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.type = type;
    tone.frequency.setValueAtTime(frequency, start);
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(loud, start + 0.01);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + length);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + length);
  }

  const tune = (notes, step, length) =>
    notes.forEach((frequency, i) => note(frequency, i * step, length));

  return {
    start: () => tune([196, 247], 0.06, 0.12),
    stop: (reel) => note(110 + reel * 18, 0, 0.16, { type: 'square', loud: 0.05 }),
    win: () => tune([523, 659, 784, 1047], 0.09, 0.3),
    bonus: () => tune([392, 523, 659, 784, 1047, 1319], 0.1, 0.45),
    refused: () => tune([220, 196], 0.14, 0.25),
  };
}
