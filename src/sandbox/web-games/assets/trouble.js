// What went wrong, and what that means for the player's money. Shown over the reels, so that nothing moves.
export function createTrouble(card) {
  const title = card.querySelector('h2');
  const text = card.querySelector('p');
  const close = card.querySelector('button');
  const turntable = card.querySelector('.rh-turntable');

  const hide = () => {
    card.hidden = true;
  };
  close.addEventListener('click', hide);

  const refused = (words) => ({ kind: 'refused', title: 'This spin did not count', text: words });

  return {
    hide,
    close() {
      if (!close.hidden) hide();
    },
    show(notice) {
      if (!notice) {
        hide();
        return;
      }
      const waiting = notice.kind === 'waiting';
      card.classList.toggle('waiting', waiting);
      turntable.toggleAttribute('hidden', !waiting);
      close.hidden = waiting;
      // Said again only when it changes: it is read aloud.
      if (title.textContent !== notice.title) title.textContent = notice.title;
      if (text.textContent !== notice.text) text.textContent = notice.text;
      card.hidden = false;
    },
    refused,
    gone: (words) => ({ kind: 'refused', title: 'This game is closed', text: words }),
    LOST: {
      kind: 'waiting',
      title: 'The game server does not answer',
      text: 'Your spin is being checked: if it got there, it counts and is shown here as soon as the server answers. It is not sent a second time.',
    },
    NEVER_ARRIVED: refused(
      'Your spin did not reach the game server. Nothing was taken. You can spin again.',
    ),
  };
}
