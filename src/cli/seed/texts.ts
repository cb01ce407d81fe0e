/** Who writes: `phone` to the Teams user (OUTBOUND), `teams` to the phone (INBOUND; REST.md, Answers). */
type Speaker = 'phone' | 'teams';
export interface Line {
  readonly by: Speaker;
  readonly text: string;
  readonly picture?: true;
}

const phone = (text: string): Line => ({ by: 'phone', text });
const teams = (text: string): Line => ({ by: 'teams', text });

/** The demo's conversations. {user} stands for the Teams user's first name; {day}, {time} and {number} vary. */
export const dialogues: readonly [readonly Line[], ...(readonly Line[])[]] = [
  [
    phone('Hi {user}, can I still move my appointment on {day}?'),
    teams('Of course. {day} at {time} is free, would that suit you?'),
    phone('Perfect, thank you!'),
    teams('Booked. See you on {day} at {time}.'),
  ],
  [
    teams('Your order {number} is packed and leaves our warehouse on {day}. Reply STOP to get no more of these messages.'),
    phone('Great, thanks'),
  ],
  [
    phone('Where is my delivery {number}? It was promised for {day} and nobody has called me.'),
    teams('Sorry about that. Let me check with the driver.'),
    teams('He is two stops away from you and should be there by {time}.'),
    phone('It just arrived 👍'),
  ],
  [
    phone('Guten Tag, ist die Werkstatt morgen geöffnet?'),
    teams('Guten Tag! Ja, von 8:00 bis {time}. Dürfen wir Sie einplanen?'),
    phone('Ja bitte, für {time}. Schöne Grüße!'),
  ],
  [
    teams('Reminder: your visit is on {day} at {time}. Please answer YES to confirm or call us on this number.'),
    phone('YES'),
    teams('Thank you, {day} at {time} is confirmed.'),
  ],
  [
    { by: 'phone', text: 'This is what the meter shows', picture: true },
    teams('Thanks, I have added the reading to your account {number}.'),
  ],
  [
    teams(
      'Dear customer, the maintenance that we announced takes place on {day} from {time}. The supply will be interrupted for about two hours. Please keep fridges and freezers closed, and switch off sensitive equipment before it begins. We apologise for the inconvenience.',
    ),
    phone('ok'),
  ],
  [
    phone('Hello, this is about invoice {number}. I was charged twice.'),
    teams('Thank you for telling us. I can see the second payment and will have it returned by {day}.'),
    phone('How long does the bank take?'),
    teams('Usually two working days, so at the latest the day after {day}.'),
    phone('Thanks {user} 🙏'),
  ],
  [teams('Your one-time code is {number}. It is valid for ten minutes. Never share it with anybody.')],
  [phone('Are you at the office today?'), teams('Until {time}. Come by any time.')],
  [{ by: 'teams', text: 'Here is the way to our new entrance', picture: true }, phone('Found it, merci beaucoup')],
  [
    phone('Bonjour, le colis {number} est arrivé abîmé. Que dois-je faire ?'),
    teams('Bonjour, désolé ! Envoyez-nous une photo, s’il vous plaît, et nous le remplaçons demain.'),
    { by: 'phone', text: 'La voici', picture: true },
    teams('Merci. Le nouveau colis part demain avant {time}.'),
  ],
];

export const firstNames: readonly [string, ...string[]] = [
  'Ada',
  'Amir',
  'Beatriz',
  'Chidi',
  'Dana',
  'Elif',
  'Farah',
  'Grace',
  'Hiro',
  'Ines',
  'Jonas',
  'Kavya',
  'Liam',
  'Mei',
  'Noor',
  'Omar',
  'Petra',
  'Quinn',
  'Rosa',
  'Sven',
  'Tara',
  'Uwe',
  'Vera',
  'Yuki',
  'Zoë',
];
export const lastNames: readonly [string, ...string[]] = [
  'Adeyemi',
  'Bauer',
  'Castillo',
  'Dubois',
  'Eriksen',
  'Fischer',
  'Green',
  'Haddad',
  'Ito',
  'Jensen',
  'Kaya',
  'Lopez',
  'Müller',
  'Novak',
  'Okafor',
  'Petrov',
  'Rossi',
  'Sharma',
  'Tanaka',
  'Visser',
  'Wright',
];
export const days: readonly [string, ...string[]] = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'];
