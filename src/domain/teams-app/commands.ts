/**
 * What Teams suggests to write, and a tap puts into the box. Sent as it is, none of them is an SMS: the bot says how to write
 * (src/exchange/teams/texts/receive-text.ts).
 */
export const COMMANDS = [
  { title: '+<number> <text>', description: 'Send an SMS to a number', german: 'Eine SMS an eine Nummer senden' },
  {
    title: 'from +<number> +<number> <text>',
    description: 'Send an SMS from one of your numbers',
    german: 'Eine SMS von einer Ihrer Nummern senden',
  },
] as const;
