import { describe, expect, test } from 'vitest';
import { type TextActivity, textOf } from '../../../../src/exchange/teams/reading/activity-text.ts';

const BOT = '28:00000000-0000-0000-0000-0000000000bb';
const html = (content: string) => ({ contentType: 'text/html', content });
const read = (activity: TextActivity) => textOf({ recipient: { id: BOT, name: 'SMS' }, textFormat: 'plain', ...activity });
const shown = (content: string, rest: TextActivity = {}) => read({ attachments: [html(content)], ...rest }).text;
const mention = (name: string, id: string, text: string | null = `<at>${name}</at>`) => ({
  type: 'mention',
  text,
  mentioned: { id, name },
});

describe('lines', () => {
  test.each([
    [
      '<div><div><div>Dear Ms Berg,</div><div>your table is booked</div><div>8 pm tonight</div></div></div>',
      'Dear Ms Berg,\nyour table is booked\n8 pm tonight',
    ],
    ['<p>one</p>\r\n<p>two</p>', 'one\ntwo'],
    ['<p>one</p>\n<p>&nbsp;</p>\n<p>two</p>', 'one\n\ntwo'],
    ['<p>one</p><p><br></p><p>two</p>', 'one\n\ntwo'],
    ['<div>one<br>two<br/>three</div>', 'one\ntwo\nthree'],
    ['<p>one<br></p><p>two</p>', 'one\ntwo'],
    ['<div>\n  one\n  word\n</div>', 'one word'],
    ['<p>a <strong>bold</strong> <em>word</em>, <s>struck</s></p>', 'a bold word, struck'],
    ['<p>a<b> b</b>c</p>', 'a bc'],
    ['<h1>Title</h1>text<hr>more', 'Title\ntext\nmore'],
    ['<pre>a  b\n  c</pre>d', 'a  b\n  c\nd'],
    ['<codeblock class="Python"><code>x = 1<br>y = 2</code></codeblock>', 'x = 1\ny = 2'],
    ['<codeblock><code>if x:\n  y = 2</code></codeblock>', 'if x:\n  y = 2'],
    ['<details><summary>More</summary>text</details>', 'More\ntext'],
    ['<p>two&nbsp; spaces</p>', 'two\u00a0 spaces'],
    ['<div itemprop="copy-paste-block"><div style="font-size:14px"><strong>bold</strong></div></div>', 'bold'],
    ['one</div></p>two', 'one\ntwo'],
    ['<p>one<p>two<div>three', 'one\ntwo\nthree'],
    ['<p></p><div></div>', ''],
  ])('%j', (content, text) => expect(shown(content)).toBe(text));
});

describe('lists and tables', () => {
  test.each([
    ['<ul><li>milk</li><li>eggs</li></ul>', '- milk\n- eggs'],
    ['<p>Bring</p><ol><li>milk</li><li>eggs</li></ol><p>please</p>', 'Bring\n1. milk\n2. eggs\nplease'],
    ['<ol start="3"><li>three</li><li><p>four</p></li></ol>', '3. three\n4. four'],
    ['<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>', '- a\n  - b\n- c'],
    ['<ul><li></li></ul><p>after</p>', 'after'],
    ['<ol><li value="5">five</li><li>six</li></ol>', '5. five\n6. six'],
    ['<table><caption>Times</caption><tr><td>a</td></tr></table>', 'Times\na'],
    [
      '<table><tbody><tr><th>Day</th><th>Time</th></tr><tr><td><p>Mon</p></td><td><p>8 am</p><p>9 am</p></td></tr></tbody></table>end',
      'Day | Time\nMon | 8 am 9 am\nend',
    ],
    ['<table><tr><td>a</td><td></td><td>c</td></tr></table>', 'a | | c'],
  ])('%j', (content, text) => expect(shown(content)).toBe(text));
});

describe('links', () => {
  test.each([
    [
      '<p><a href="https://shop.contoso.example/order/4711" title="x">Our order form</a></p>',
      'Our order form (https://shop.contoso.example/order/4711)',
    ],
    ['<a href="https://contoso.example/a">https://contoso.example/a</a> ok', 'https://contoso.example/a ok'],
    ['<a href="https://www.contoso.example/">contoso.example</a>', 'contoso.example'],
    ['<a href="https://contoso.example/B%C3%BCro">https://contoso.example/büro</a>', 'https://contoso.example/büro'],
    ['<a href="https://contoso.example/?a=1&amp;b=2">here</a>', 'here (https://contoso.example/?a=1&b=2)'],
    ['<a href="https://contoso.example/a"></a>', 'https://contoso.example/a'],
    ['<a href="https://contoso.example/a"><b>the</b> form</a>, please', 'the form (https://contoso.example/a), please'],
    ['<a href="mailto:a@contoso.example">a@contoso.example</a>', 'a@contoso.example'],
    ['<a href="mailto:a@contoso.example">Anna</a>', 'Anna (a@contoso.example)'],
    ['<a href="tel:+16502530000">+1 650-253-0000</a> hi', '+1 650-253-0000 hi'],
    ['<a href="tel:+16502530000">call us</a>', 'call us (+16502530000)'],
    ['<a href="callto:+1-650-253-0000">+16502530000</a> <a href="smsto:+16502530000">text us</a>', '+16502530000 text us (+16502530000)'],
    ['<a href="www.contoso.example/a">form</a> <a href="//contoso.example/b">b</a>', 'form (www.contoso.example/a) b (contoso.example/b)'],
    ['<a href="www.contoso.example">www.contoso.example</a>', 'www.contoso.example'],
    ['<a href="geo:52.5,13.4">here</a> <a href="webcal://contoso.example/c">c</a>', 'here (geo:52.5,13.4) c (webcal://contoso.example/c)'],
    ['<A HREF="HTTPS://CONTOSO.example/A">a</A>', 'a (HTTPS://CONTOSO.example/A)'],
    ['<a href="javascript:alert(1)">click</a> <a href="data:text/html,x">x</a> <a href="/a">a</a>', 'click x a'],
    ['<a href="#top">up</a> <a>down</a>', 'up down'],
    ['<a href="https://one.example">one<a href="https://two.example">two</a>', 'one (https://one.example)two (https://two.example)'],
  ])('%j', (content, text) => expect(shown(content)).toBe(text));
});

describe('mentions', () => {
  test.each([
    ['<at>SMS</at> <at>Anna Berg</at> will call you', [mention('SMS', BOT), mention('Anna Berg', '29:anna')], 'Anna Berg will call you'],
    ['type <at>x</at> here', [], 'type <at>x</at> here'],
    ['Please ask <at>Megan B</at> for it', [mention('Megan B', '29:2-placeholder')], 'Please ask Megan B for it'],
    ['\r\n<at>SMS</at> who are you?\r\n', [mention('SMS', BOT)], 'who are you?'],
    ['Please <at>SMS</at> ask  <at>x</at>', [mention('SMS', BOT)], 'Please ask  <at>x</at>'],
    ['<at>SMS</at>&nbsp;hi', [mention('SMS', BOT)], 'hi'],
    // Two of one name, and one whose entity lacks its text (microsoft/botbuilder-dotnet#2504).
    ['<at>SMS</at> ask <at>SMS</at>', [mention('SMS', BOT), mention('SMS', '29:sam')], 'ask SMS'],
    ['<at>SMS</at> hi', [mention('SMS', BOT, null)], 'hi'],
    ['<at id="0">SMS</at> hi', [mention('SMS', BOT, '<at id="0">SMS</at>')], 'hi'],
    ['<at>R&amp;D</at> knows', [mention('R&D', '29:rd', '<at>R&amp;D</at>')], 'R&D knows'],
    ['<at>SMS</at> hi', [mention('SMS', '00000000-0000-0000-0000-0000000000BB')], 'hi'],
    ['<at>sms</at> hi', [mention('SMS', BOT)], 'hi'],
    ['<at>SMS</at>, hi', [mention('SMS', BOT)], 'hi'],
    ['<at>SMS</at>: +16502530000 hi', [mention('SMS', BOT)], '+16502530000 hi'],
    ['<at>SMS</at> :-) hi', [mention('SMS', BOT)], ':-) hi'],
    ['Hi <at>SMS</at>, hi', [mention('SMS', BOT)], 'Hi, hi'],
    ['Are you there <at>SMS</at>?', [mention('SMS', BOT)], 'Are you there?'],
    ['Hi <at>SMS</at> :-) hi', [mention('SMS', BOT)], 'Hi :-) hi'],
    [
      '<at>SMS</at> ask <at>SMS</at> and <at>Anna</at> or <at>Anna</at>',
      [mention('SMS', BOT), mention('Anna', '29:a')],
      'ask and Anna or Anna',
    ],
    ['<at>Support Team</at>, hi', [mention('Support Team', 'tag:1')], 'Support Team, hi'],
    ['<at>O&#39;Neil &lt;x&gt;</at> knows', [mention("O'Neil <x>", '29:o')], "O'Neil <x> knows"],
  ])('%j in a text', (text, entities, expected) => expect(read({ text, entities }).text).toBe(expected));

  const span = (name: string, itemid = 0) =>
    `<span itemscope="" itemtype="http://schema.skype.com/Mention" itemid="${itemid}">${name}</span>`;
  test.each([
    [
      `<p>${span('SMS')}&nbsp;hi ${span('Anna Berg', 1)}, ok</p>`,
      [mention('SMS', BOT), mention('Anna Berg', '29:anna')],
      'hi Anna Berg, ok',
    ],
    [`<p>Please ${span('SMS')}&nbsp;ask</p>`, [mention('SMS', BOT)], 'Please ask'],
    [`<p>${span('My')}&nbsp;${span('Bot', 1)}&nbsp;hi</p>`, [mention('My', BOT), mention('Bot', BOT)], 'hi'],
    ['<p><at id="0">SMS</at> hi <at id="1">R&amp;D</at></p>', [mention('SMS', BOT), mention('R&D', '29:rd')], 'hi R&D'],
    ['<p>type &lt;at&gt;x&lt;/at&gt; here</p>', [], 'type <at>x</at> here'],
    [`<p>${span('SMS')} said</p>`, [mention('SMS', '29:sam')], 'SMS said'],
    [`<p>${span('SMS')}, hi</p>`, [mention('SMS', BOT)], 'hi'],
    [`<p>Hi ${span('SMS')}, hi</p>`, [mention('SMS', BOT)], 'Hi, hi'],
    [`<p>Hi&nbsp;${span('SMS')}&nbsp;please</p>`, [mention('SMS', BOT)], 'Hi\u00a0please'],
    [`<p>Hi&nbsp;${span('SMS')}! Please</p>`, [mention('SMS', BOT)], 'Hi! Please'],
    [`<p>${span('SMS')}&nbsp;ask ${span('SMS')}&nbsp;again</p>`, [mention('SMS', BOT)], 'ask again'],
    [`<p>${span('sms').replace('http:', 'https:')}&nbsp;hi</p>`, [mention('SMS', BOT)], 'hi'],
    ['<readonly itemtype="http://schema.skype.com/Mention" itemid="0"><span>SMS</span></readonly> hi', [mention('SMS', BOT)], 'hi'],
  ])('%j in HTML', (content, entities, expected) => expect(shown(content, { entities })).toBe(expected));

  test('of a bot, in an activity without its recipient, are its own', () => {
    expect(textOf({ text: '<at>SMS</at> hi', entities: [mention('SMS', BOT)] }).text).toBe('hi');
    expect(textOf({ text: '<at>Anna</at> hi', entities: [mention('Anna', '29:anna')] }).text).toBe('Anna hi');
  });

  test('tell whether the bot is mentioned', () => {
    expect(read({ text: '<at>SMS</at> hi', entities: [mention('SMS', BOT)] }).mentionsBot).toBe(true);
    expect(read({ text: '<at>Anna</at> hi', entities: [mention('Anna', '29:anna')] }).mentionsBot).toBe(false);
  });
});

describe('quoted messages are left out, and named', () => {
  const quotedReply = (messageId: string) => ({
    type: 'quotedReply',
    quotedReply: { messageId, preview: 'From +4917012345671: Is the order ready?', senderId: BOT },
  });
  const quote = (id: string, inner = '') =>
    `<blockquote itemscope="" itemtype="http://schema.skype.com/Reply" itemid="${id}">\n<strong itemprop="mri" itemid="${BOT}">SMS</strong><span itemprop="time" itemid="${id}"></span>\n<p itemprop="preview">Is it ready?</p>${inner}\n</blockquote>`;

  test.each<[string, TextActivity, string, string]>([
    [
      'text and entity',
      { text: '<quoted messageId="1772050244572"/> Ok cool', entities: [quotedReply('1772050244572')] },
      'Ok cool',
      '1772050244572',
    ],
    ['text alone', { text: '<quoted messageId="1772000000000"/> +4917012345672 yes' }, '+4917012345672 yes', '1772000000000'],
    ['text with a closing tag', { text: "yes <quoted messageId='17'></quoted>please" }, 'yes please', '17'],
    ['text that repeats it', { text: '<quoted messageId="17">Is it ready?</quoted> Ok' }, 'Ok', '17'],
    ['a long text', { text: `<quoted messageId="17" preview="${'x'.repeat(3000)}"/> Ok` }, 'Ok', '17'],
    ['text with a long quotation in it', { text: '<quoted messageId="17" preview="1 > 0, isn\'t it?"/> Ok' }, 'Ok', '17'],
    ['several', { text: '<quoted messageId="17"/> <quoted messageId="18"/>\r\nOk' }, 'Ok', '17'],
    [
      'text that repeats it, with another in it',
      { text: '<quoted messageId="17">Is it <quoted messageId="18"/>ready?</quoted> Ok' },
      'Ok',
      '17',
    ],
    ['XML', { text: '<quoted messageId="17"/> Ok', textFormat: 'xml' }, 'Ok', '17'],
    ['XML in upper case', { text: '<quoted messageId="17"/> O&amp;k', textFormat: 'XML' }, 'O&k', '17'],
    [
      'an attachment',
      { attachments: [{ id: '17', contentType: 'messageReference', content: '{}' }, html('<attachment id="17"></attachment><p>Ok</p>')] },
      'Ok',
      '17',
    ],
    ['HTML with another schema', { attachments: [html(`${quote('17').replace('http:', 'https:')}<p>Ok</p>`)] }, 'Ok', '17'],
    ['an id that cannot be stored', { text: 'Ok', entities: [quotedReply('1\0\ud800')] }, 'Ok', '1\ufffd\ufffd'],
    ['its short form in HTML', { attachments: [html('<p><quoted messageId="17"/> Ok <attachment id="1"/>cool</p>')] }, 'Ok cool', '17'],
    ['HTML', { text: 'Is it ready? Ok', attachments: [html(`${quote('1600457867820')}<p>Ok</p>`)] }, 'Ok', '1600457867820'],
    ['HTML in HTML', { attachments: [html(`<div>${quote('1', quote('2'))}<p>Ok</p></div>`)] }, 'Ok', '1'],
    ['HTML that says nothing more', { text: 'Is it ready?', attachments: [html(quote('1'))] }, '', '1'],
    ['HTML without an id, and entity', { attachments: [html('<p>Ok</p>')], entities: [quotedReply('3')] }, 'Ok', '3'],
  ])('by %s', (_by, activity, text, id) => expect(read(activity)).toMatchObject({ text, quotedMessageId: id }));

  test('forwarded messages and the user’s own quotations are part of the text', () => {
    expect(shown('<p>see</p><blockquote itemtype="http://schema.skype.com/Forward"><p>the news</p></blockquote>')).toBe('see\nthe news');
    expect(shown('<blockquote><p>To be</p></blockquote><p>he said</p>')).toBe('To be\nhe said');
  });

  test('a forwarded message that is only an attachment is counted as one', () => {
    const forwarded = { contentType: 'forwardedMessageReference', content: '{"originalMessageContent":"the news"}' };
    const media = [{ kind: 'message', count: 1 }];
    expect(read({ attachments: [html('<attachment id="1"></attachment>'), forwarded] })).toMatchObject({ text: '', media });
    expect(read({ attachments: [html('<p>see</p><attachment id="1"></attachment>'), forwarded] })).toMatchObject({ text: 'see', media });
    const within = html('<p>see</p><blockquote itemtype="http://schema.skype.com/Forward"><p>the news</p></blockquote>');
    expect(read({ attachments: [within, forwarded] })).toMatchObject({ text: 'see\nthe news', media: [] });
  });

  test.each([
    ['From +4917012345671: Is it ready?', '+4917012345671'],
    ['From 68849: Your code', '68849'],
    ['Sent to +4917012345671.', '+4917012345671'],
    ['Your SMS to +4917012345671 was not delivered: “Hi”', '+4917012345671'],
    ['From AMAZON: Your parcel', undefined],
    ['Read this: From +4917012345671: Hi', undefined],
    ['From 1234567890123456: Hi', undefined],
    [7, undefined],
  ])('%j names the number %s', (preview, number) => {
    const entities = [{ type: 'quotedReply', quotedReply: { messageId: '17', preview } }];
    expect(read({ text: 'Ok', entities }).quotedNumber).toBe(number);
  });

  test('without a quotation, no message is named', () =>
    expect(read({ text: 'hi' })).toEqual({ text: 'hi', mentionsBot: false, media: [] }));
});

describe('special characters', () => {
  test('stay as typed in plain text, which is not escaped', () => {
    const text = 'Write &lt;b&gt; and AT&amp;T literally';
    expect(read({ text }).text).toBe(text);
    expect(read({ text: 'text <data> & more' }).text).toBe('text <data> & more');
    expect(read({ text, textFormat: undefined }).text).toBe(text);
  });

  test('are decoded once in HTML and XML', () => {
    expect(shown('<p>1 &lt; 2 &amp; &quot;3&quot; &#39;4&#39; &euro;</p>')).toBe('1 < 2 & "3" \'4\' €');
    expect(shown('<p>&amp;lt;b&amp;gt;</p>')).toBe('&lt;b&gt;');
    expect(read({ text: '1 &lt; 2<br/><b>bold</b>', textFormat: 'xml' }).text).toBe('1 < 2\nbold');
    expect(read({ text: '1 &lt; 2<br/><b>bold</b>', textFormat: 'html' }).text).toBe('1 < 2\nbold');
  });

  test('that are emoji become their character', () => {
    const emoji = (alt: string) =>
      `<span title="x" type="(smile)" class="animated-emoticon-20-smile"><img itemscope="" itemtype="http://schema.skype.com/Emoji" itemid="smile" src="https://statics.teams.cdn.office.net/evergreen-assets/personal-expressions/v2/assets/emoticons/smile/default/20_f.png" title="Smile" alt="${alt}"></span>`;
    const picture = {
      contentType: 'image/*',
      contentUrl: 'https://statics.teams.cdn.office.net/evergreen-assets/personal-expressions/v2/assets/emoticons/smile/default/20_f.png',
    };
    const activity = { text: 'Thanks ', attachments: [picture, html(`<p>Thanks ${emoji('🙂')}</p>`)] };
    expect(read(activity)).toEqual({ text: 'Thanks 🙂', mentionsBot: false, media: [] });
    expect(shown(`<p>${emoji('')}</p>`)).toBe('Smile');
    expect(shown('<p><emoji id="smile" alt="🙂" title="Smile">(smile)</emoji></p>')).toBe('🙂');
    expect(shown('<p>Thanks <customemoji id="YQ==" alt="party" source="https://x.example"></customemoji>!</p>')).toBe('Thanks :party:!');
  });

  test('line ends of plain text become \\n', () => expect(read({ text: ' a\r\nb\rc\n' }).text).toBe('a\nb\nc'));
});

describe('attachments are counted by kind', () => {
  const image = (contentType: string) => ({
    contentType,
    contentUrl: 'https://smba.trafficmanager.net/emea/v3/attachments/x/views/original',
  });
  test.each<[string, TextActivity, string, unknown[]]>([
    [
      'a picture with a text',
      { text: 'look', attachments: [image('image/png'), html('<p>look</p><img src="https://x.example">')] },
      'look',
      [['picture', 1]],
    ],
    [
      'a picture as Teams sends it',
      {
        text: 'See the picture',
        attachments: [
          image('image/*'),
          html('<div><div><span>See the picture</span></div><img src="https://graph.microsoft.com/v1.0/placeholder"></div>'),
        ],
      },
      'See the picture',
      [['picture', 1]],
    ],
    ['a picture alone', { text: '', attachments: [image('image/*')] }, '', [['picture', 1]]],
    ['pictures that only the HTML has', { attachments: [html('<p>a <img src="https://x.example"> b<img></p>')] }, 'a b', [['picture', 2]]],
    [
      'a file',
      {
        attachments: [
          {
            contentType: 'application/vnd.microsoft.teams.file.download.info',
            contentUrl: 'https://contoso.sharepoint.com/personal/a_user/Documents/f.pdf',
            name: 'f.pdf',
            content: { downloadUrl: 'https://download.link', fileType: 'pdf' },
          },
        ],
      },
      '',
      [['file', 1]],
    ],
    [
      'many kinds',
      {
        text: 'x',
        attachments: [
          image('image/png'),
          image('image/gif'),
          image('video/mp4'),
          image('audio/ogg'),
          image('application/pdf'),
          { contentType: 'application/vnd.microsoft.card.adaptive', content: {} },
        ],
      },
      'x',
      [
        ['picture', 2],
        ['video', 1],
        ['audio', 1],
        ['file', 1],
        ['card', 1],
      ],
    ],
    [
      'a part without a type',
      { text: 'see it', attachments: [{ contentType: null, contentUrl: 'https://files.example/1' }] },
      'see it',
      [['file', 1]],
    ],
    ...[null, undefined, 'application/octet-stream'].flatMap((contentType): [string, TextActivity, string, unknown[]][] => [
      [
        `a picture as ${contentType}`,
        { attachments: [{ contentType, contentUrl: 'https://files.example/1', name: 'Beach.PNG' }] },
        '',
        [['picture', 1]],
      ],
      [
        `a video as ${contentType}`,
        { attachments: [{ contentType, contentUrl: 'https://files.example/1', name: 'a.b.mp4' }] },
        '',
        [['video', 1]],
      ],
      [
        `a recording as ${contentType}`,
        { attachments: [{ contentType, contentUrl: 'https://files.example/1', name: 'a.m4a' }] },
        '',
        [['audio', 1]],
      ],
      [
        `a document as ${contentType}`,
        { attachments: [{ contentType, contentUrl: 'https://files.example/1', name: 'png' }] },
        '',
        [['file', 1]],
      ],
    ]),
    [
      'parts of HTML that say something else, and one that says the same',
      { text: 'one', attachments: [html('<p>one</p><img src="https://x.example">'), html('<p>two</p>'), html('<div>one</div>')] },
      'one\ntwo',
      [['picture', 1]],
    ],
    [
      'a picture of 3,000 characters',
      { text: 'see it', attachments: [{ contentType: 'image/png', contentUrl: `data:image/png;base64,${'A'.repeat(3000)}` }] },
      'see it',
      [['picture', 1]],
    ],
  ])('%s', (_what, activity, text, media) => {
    const { text: found, media: counted } = read(activity);
    expect([found, counted.map(({ kind, count }) => [kind, count])]).toEqual([text, media]);
  });
});

describe('any activity is read', () => {
  test.each<TextActivity>([
    {},
    { text: null, attachments: null, entities: null, recipient: null },
    { text: 7, attachments: 'x', entities: {}, recipient: 'x', textFormat: [] },
    {
      attachments: [null, 1, {}, { contentType: 'text/html', content: { text: 'x' } }],
      entities: [null, { type: 'mention' }, { type: 'quotedReply', quotedReply: 1 }],
    },
  ])('%j', (activity) => expect(textOf(activity)).toEqual({ text: '', mentionsBot: false, media: [] }));

  test('HTML without content is ignored in favor of the text', () => {
    expect(shown('<p></p>', { text: 'hi' })).toBe('hi');
    expect(shown('<script>x</script><style>y</style><attachment id="1">z</attachment>', { text: 'hi' })).toBe('hi');
  });

  const MEGABYTE = 1_000_000;
  const repeated = (part: string) => part.repeat(Math.floor(MEGABYTE / part.length));
  test.each([
    ['nested elements', repeated('<div>'), 'the text'],
    ['nested elements that are closed', repeated('<div>').slice(0, MEGABYTE / 2) + repeated('</div>').slice(0, MEGABYTE / 2), 'the text'],
    ['more than a message can have', '<p>a</p>'.repeat(200_000), 'the text'],
  ])('%s: the text is used instead', (_what, content, text) => expect(shown(content, { text: 'the text' })).toBe(text));

  test.each([
    ['unclosed tags', repeated('<b>a</b><')],
    ['closing tags', `${'<b>'.repeat(150)}${repeated('</i>')}`],
    ['tags that never end', repeated('<a href="')],
    ['quotations', repeated('<quoted messageId="1"')],
    ['quotations that never end', repeated('<quoted a>')],
    ['entities', repeated('&amp;')],
    ['unfinished entities', repeated('&am')],
    ['small pieces', repeated('<i>a</i>')],
    ['lists', `${'<ul><li>'.repeat(90)}${repeated('<li>a')}`],
    ['links', repeated('<a href="https://x.example">y</a>')],
    ['links in quotes', repeated('<a href="https://x.example/////////">x.example///////</a>')],
    ['mentions', repeated('<at>x</at>')],
    ['cells', repeated('<td>a')],
    ['blank', repeated(' ')],
    ['slashes in a link', `<a href="https://x.example/${repeated('/')}a">x</a>`],
  ])('1 MB of %s takes linear time', (_what, content) => {
    const started = performance.now();
    textOf({ text: content, attachments: [html(content.slice(0, MEGABYTE))], entities: [mention('x', BOT)], recipient: { id: BOT } });
    expect(performance.now() - started).toBeLessThan(3000);
  });
});
