// The gateway's own texts are English. Errors have codes, and words of the catalogs; but what is wrong with a value, a file or a bot, only the text says.

type Translations = readonly (readonly [english: string, german: string])[];

/** Restcomm's errors. What the carrier adds stays in its words. */
const CARRIER_ERRORS: Translations = [
  ['Queue overflow', 'Zu viele SMS warten'],
  ['Account suspended', 'Das Konto ist gesperrt'],
  ['Unreachable destination handset', 'Das Gerät des Empfängers ist nicht erreichbar'],
  ['Message blocked', 'Die SMS wurde blockiert'],
  ['Unknown destination handset', 'Die Rufnummer des Empfängers ist unbekannt'],
  ['Landline or unreachable carrier', 'Ein Festnetzanschluss, oder das Netz ist nicht erreichbar'],
  ['Carrier violation', 'Die SMS verstößt gegen Regeln des Netzbetreibers'],
  ['Unknown error', 'Unbekannter Fehler'],
  ['Missing segment', 'Ein Teil der SMS fehlt'],
  ['Message price exceeds max price', 'Die SMS kostet mehr als erlaubt'],
  ['Restcomm error {code}', 'Fehler {code} von Restcomm'],
];

/**
 * What the gateway says, and the same in German. A name in braces stands for any text, the shorter the better, which is taken over; what `{why}` stands for is translated itself, and may be
 * empty.
 * The first one that fits counts.
 */
const GERMAN: Translations = [
  // Values that are refused.
  ['Mandatory parameter {names} is missing.', 'Pflichtangabe fehlt: {names}.'],
  ['Parameter {name} is invalid: {why}', 'Nicht gültig ({name}): {why}'],
  ['is malformed', 'hat nicht die richtige Form'],
  ['must not be empty', 'darf nicht leer sein'],
  ['must not contain NUL', 'darf kein NUL-Zeichen enthalten'],
  ['must be well-formed Unicode', 'muss gültiges Unicode sein'],
  ['must be well-formed text without NUL', 'muss gültiger Text ohne NUL-Zeichen sein'],
  ['must not contain control characters', 'darf keine Steuerzeichen enthalten'],
  ['must have at most {max} characters', 'darf höchstens {max} Zeichen haben'],
  ['must have at least three characters', 'muss mindestens drei Zeichen haben'],
  ['must be from {min} to {max} seconds', 'muss zwischen {min} und {max} Sekunden liegen'],
  ['must be from {min} to {max}', 'muss zwischen {min} und {max} liegen'],
  ['must be an e-mail address', 'muss eine E-Mail-Adresse sein'],
  ['must be 3 to 18 digits with an optional leading +', 'muss aus 3 bis 18 Ziffern bestehen, auch mit + davor'],
  ['must be # and six hex digits', 'muss # und sechs Hexadezimalziffern sein'],
  ['must be an https: URL or a base64 data: URL of an image', 'muss eine https-Adresse oder ein Bild als base64-data:-URL sein'],
  ['must be an https: URL', 'muss eine https-Adresse sein'],
  ['must have a host on the public internet', 'muss auf einen Rechner im öffentlichen Internet zeigen'],
  ['must not contain credentials', 'darf keine Zugangsdaten enthalten'],
  ['must not have a fragment', 'darf keinen Teil nach # haben'],
  ['must be a PNG of {width} × {height} pixels as a base64 data: URL', 'muss ein PNG von {width} × {height} Pixeln sein'],
  ['must be an X.509 certificate as PEM', 'muss ein X.509-Zertifikat als PEM sein'],
  ['must be an unencrypted private key as PEM', 'muss ein unverschlüsselter privater Schlüssel als PEM sein'],
  ['must be PEM', 'muss PEM sein'],
  ['must be an RSA key of at least {bits} bits', 'muss ein RSA-Schlüssel von mindestens {bits} Bit sein'],
  ["must be the certificate's", 'muss der des Zertifikats sein'],
  ['must not have expired', 'darf nicht abgelaufen sein'],
  ['must be a secret, not the mask of another one', 'muss ein Schlüssel sein, nicht die Maske eines anderen'],
  ['must not be given with clientSecret', 'geht nicht zusammen mit einem neuen Schlüssel'],
  ['a bot has at most {max} further credentials', 'Ein Bot hat höchstens {max} weitere Zugangsdaten'],
  ['needs another credential of the bot', 'geht nur, wenn der Bot andere Zugangsdaten hat'],
  ['must be given with the authority HOME', 'fehlt: das eigene Verzeichnis der Anwendung'],
  ['must be the object id of a group: a GUID', 'muss die Objekt-ID einer Gruppe sein: eine GUID'],
  ['has no members with a phone number', 'hat keine Mitglieder mit einer Rufnummer'],
  ['has more than {max} members with a phone number', 'hat mehr als {max} Mitglieder mit einer Rufnummer'],
  ['must be one of your own permissions', 'muss zu Ihren eigenen Berechtigungen gehören'],
  ['has a permission that you do not have', 'hat eine Berechtigung, die Sie nicht haben'],
  ['must be your own permissions', 'dürfen nur Ihre eigenen Berechtigungen sein'],
  ['must be after from', 'muss nach dem Anfang liegen'],
  ['must not be before createdFrom', 'darf nicht vor dem Anfang liegen'],
  ['is not a time zone of the IANA database', 'ist keine Zeitzone der IANA-Datenbank'],
  ['must be given, or since instead', 'fehlt: diese Angabe oder stattdessen eine Zeit'],
  ['must be given, or a Teams user instead', 'fehlt: eine Rufnummer oder stattdessen ein Teams-Nutzer'],
  ['is not a cursor of this list', 'gehört nicht zu dieser Liste'],
  ['is out of date: read from the first page', 'ist veraltet: Beginnen Sie mit der ersten Seite'],
  [
    "must be an unexpired token that Microsoft Entra has issued for the bot's application and a user of its tenant",
    'muss ein gültiges Token sein, das Microsoft Entra für die Anwendung des Bots und einen Nutzer seines Mandanten ausgestellt hat',
  ],
  ['has {count} characters; an SMS takes at most {max}', 'hat {count} Zeichen; eine SMS fasst höchstens {max}'],
  [
    'takes {count} SMS segments of up to {each} characters, since it has characters outside the GSM alphabet; at most {max} can be sent',
    'braucht {count} SMS-Segmente mit je bis zu {each} Zeichen, da es Zeichen außerhalb des GSM-Alphabets hat; höchstens {max} können gesendet werden',
  ],
  [
    'takes {count} SMS segments of up to {each} characters; at most {max} can be sent',
    'braucht {count} SMS-Segmente mit je bis zu {each} Zeichen; höchstens {max} können gesendet werden',
  ],

  // Files that are refused.
  ['The file is empty', 'Die Datei ist leer'],
  ['The file has no rows', 'Die Datei hat keine Zeilen'],
  ['The file has more than {max} rows', 'Die Datei hat mehr als 10.000 Zeilen'],
  ['The file is larger than {max} MiB', 'Die Datei ist größer als {max} MiB'],
  ['The file is not UTF-8. Save it as "CSV UTF-8"', 'Die Datei ist nicht in UTF-8. Speichern Sie sie als „CSV UTF-8“'],
  ['The file is not {encoding}', 'Die Datei ist nicht in {encoding}'],
  [
    'Line 1: the header must name the columns {columns}; {missing} is missing',
    'Zeile 1: Die Kopfzeile muss die Spalten {columns} nennen; es fehlt {missing}',
  ],
  ['Line 1: the header names {column} twice', 'Zeile 1: Die Kopfzeile nennt {column} zweimal'],
  ['Line {line}: {why}', 'Zeile {line}: {why}'],
  ['the row does not have as many fields as the header', 'Sie hat nicht so viele Felder wie die Kopfzeile'],
  [
    'the row is longer than {max} characters, or a quote is not closed',
    'Sie ist länger als {max} Zeichen, oder ein Anführungszeichen wird nicht geschlossen',
  ],
  ['the row is longer than {max} characters', 'Sie ist länger als {max} Zeichen'],
  [
    'a quote is not closed, or is not at the beginning of its field',
    'Ein Anführungszeichen wird nicht geschlossen, oder steht nicht am Anfang seines Feldes',
  ],
  ['the row is no JSON object', 'Sie ist kein JSON-Objekt'],
  ['{column} is no text', '{column} ist kein Text'],
  ['{column} must be well-formed text without NUL', '{column} muss gültiger Text ohne NUL-Zeichen sein'],
  ['The import already has its file, or it is being uploaded', 'Der Import hat seine Datei schon, oder sie wird gerade hochgeladen'],
  ['The import already has its file', 'Der Import hat seine Datei schon'],
  [
    'This link is not valid, or has expired. Ask for another one.',
    'Dieser Link ist nicht gültig oder abgelaufen. Beginnen Sie noch einmal.',
  ],

  // What the checks of a bot say, and what cures it.
  [
    'Give the ids from the overview of the app registration in Microsoft Entra with `updateBot`.',
    'Übernehmen Sie die IDs aus der Übersicht der App-Registrierung in Microsoft Entra.',
  ],
  [
    'Give the bot working credentials with `updateBot`, or enable its application in Microsoft Entra; `verifyBot` shows what Microsoft says.',
    'Geben Sie dem Bot gültige Zugangsdaten, oder aktivieren Sie seine Anwendung in Microsoft Entra.',
  ],
  [
    'Grant the application the permission {permission} of Microsoft Graph, as application permissions. An administrator of the tenant consents at {url}',
    'Erteilen Sie der Anwendung die Anwendungsberechtigung {permission} von Microsoft Graph. Ein Administrator des Mandanten stimmt zu unter {url}',
  ],
  [
    'Grant the application the permissions {permissions} of Microsoft Graph, as application permissions. An administrator of the tenant consents at {url}',
    'Erteilen Sie der Anwendung die Anwendungsberechtigungen {permissions} von Microsoft Graph. Ein Administrator des Mandanten stimmt zu unter {url}',
  ],
  [
    "Grant the application the permission {permission} of Microsoft Graph, with an administrator's consent.",
    'Erteilen Sie der Anwendung die Berechtigung {permission} von Microsoft Graph, mit Administratorzustimmung.',
  ],
  [
    "Upload the app's package in the Teams admin center, or submit it to Microsoft's store.",
    'Laden Sie das App-Paket im Teams Admin Center hoch, oder reichen Sie es beim Store von Microsoft ein.',
  ],
  [
    "Publish the app's package in the Teams admin center, or submit it to Microsoft's store.",
    'Veröffentlichen Sie das App-Paket im Teams Admin Center, oder reichen Sie es beim Store von Microsoft ein.',
  ],
  [
    'Approve the app in the Teams admin center: Teams apps, Manage apps.',
    'Genehmigen Sie die App im Teams Admin Center: Teams-Apps, Apps verwalten.',
  ],
  [
    "Give the bot the app's id with `updateBot` (`botAppId`): the application's, or the one that the catalog gave the app.",
    'Geben Sie dem Bot die ID der App: die der Anwendung oder die, die der Katalog der App gegeben hat.',
  ],
  [
    "Download the app's package again, and upload it to Teams as an update.",
    'Laden Sie das App-Paket neu herunter und in Teams als Aktualisierung hoch.',
  ],
  [
    "Install the bot's app for the Teams user, or let the gateway do so: publish the bot's app package, and grant the application the permission {permission} of Microsoft Graph. A user of 21Vianet's cloud who has the app writes to the bot once.",
    'Installieren Sie die App des Bots für den Teams-Nutzer, oder lassen Sie das vom Gateway tun: Veröffentlichen Sie das App-Paket des Bots, und erteilen Sie der Anwendung die Berechtigung {permission} von Microsoft Graph. In der Cloud von 21Vianet schreibt ein Nutzer, der die App hat, dem Bot einmal.',
  ],
  [
    "Give the user principal name of a user of the bot's tenant.",
    'Geben Sie den Benutzerprinzipalnamen eines Nutzers im Mandanten des Bots an.',
  ],
  [
    'Register the application as an Azure bot with the channel Microsoft Teams.',
    'Registrieren Sie die Anwendung als Azure-Bot mit dem Kanal Microsoft Teams.',
  ],
  ["Allow the bot's app for the user in the Teams admin center.", 'Erlauben Sie dem Nutzer die App des Bots im Teams Admin Center.'],
  [
    "Set BOT_SERVICE_URL and BOT_SERVICE_HOSTS of the gateway to the connector of the tenant's cloud.",
    'Der Betreiber des Gateways muss BOT_SERVICE_URL und BOT_SERVICE_HOSTS auf den Connector der Cloud des Mandanten setzen.',
  ],
  [
    "Give the bot the cloud of its tenant with `updateBot` (`cloud`). In the cloud `COMMERCIAL`, the gateway's BOT_SERVICE_URL must be the connector's address, and BOT_SERVICE_HOSTS allow its host.",
    'Geben Sie dem Bot die Cloud seines Mandanten. In der weltweiten Cloud muss der Betreiber des Gateways BOT_SERVICE_URL auf die Adresse des Connectors setzen, und BOT_SERVICE_HOSTS muss dessen Host erlauben.',
  ],
  [
    'Set PUBLIC_URL to the https address at which the internet reaches the gateway, and the same with /api/messages as messaging endpoint of the Azure bot.',
    'Der Betreiber des Gateways muss PUBLIC_URL auf die https-Adresse setzen, unter der es aus dem Internet erreichbar ist. Dieselbe mit /api/messages ist der Nachrichtenendpunkt des Azure-Bots.',
  ],
  [
    'Graph finds no app {id} in the catalog. That may take two days after its upload.',
    'Graph findet im Katalog keine App {id}. Nach dem Hochladen kann das zwei Tage dauern.',
  ],
  [
    'The catalog has the app {id}, but no published version of it ({states}).',
    'Der Katalog hat die App {id}, aber keine veröffentlichte Version davon ({states}).',
  ],
  ['In this cloud, Microsoft Graph has no app catalog.', 'In dieser Cloud hat Microsoft Graph keinen App-Katalog.'],
  [
    "The bot's botAppId {id} is not the id of a Teams app: it must be a GUID.",
    'Die App-ID {id} des Bots ist keine ID einer Teams-App: Sie muss eine GUID sein.',
  ],
  ['Not granted: {why}.', 'Nicht erteilt: {why}.'],
  ['{permission} (to install its app for users), {why}', '{permission} (um seine App für Nutzer zu installieren), {why}'],
  ['{permission} (to install its app for users)', '{permission} (um seine App für Nutzer zu installieren)'],
  ['{permission} (to find its app in the catalog), {why}', '{permission} (um seine App im Katalog zu finden), {why}'],
  ['{permission} (to find its app in the catalog)', '{permission} (um seine App im Katalog zu finden)'],
  ['{permission} (to read the members of groups), {why}', '{permission} (um die Mitglieder von Gruppen zu lesen), {why}'],
  ['{permission} (to read the members of groups)', '{permission} (um die Mitglieder von Gruppen zu lesen)'],
  ['{permission} (to read when its secret ends)', '{permission} (um zu lesen, wann sein Schlüssel endet)'],
  [
    'The catalog has version {published} of the app, the app package is {version}.',
    'Im Katalog ist die App in der Version {published}, das App-Paket hat {version}.',
  ],
  ['Microsoft does not know {user}.', 'Microsoft kennt {user} nicht.'],
  ['Graph shows no installation of the app for {user}.', 'Graph zeigt für {user} keine Installation der App.'],
  [
    'The application may not read this: it lacks the permission {permission}.',
    'Die Anwendung darf das nicht lesen: Ihr fehlt die Berechtigung {permission}.',
  ],
  ['The application id {id} is not a GUID.', 'Die Anwendungs-ID {id} ist keine GUID.'],
  ['The tenant id {id} is neither a GUID nor a domain.', 'Die Mandanten-ID {id} ist weder eine GUID noch eine Domain.'],
  ['Not checked: the cloud has no connector in common.', 'Nicht geprüft: In dieser Cloud gibt es keinen gemeinsamen Connector.'],
  ['{url} is not https, which Microsoft requires.', '{url} ist nicht https, wie Microsoft es verlangt.'],
  [
    '{url} can only be reached from this machine: Microsoft needs a public https address.',
    '{url} ist nur von diesem Rechner aus erreichbar: Microsoft braucht eine öffentliche https-Adresse.',
  ],
  [
    '{url} responds with status {status} to an activity without a token, and not as this gateway does (403).',
    '{url} antwortet auf eine Aktivität ohne Token mit Status {status} und nicht wie dieses Gateway (403).',
  ],

  [
    '{why} Another credential lasts longer: remove what ends before that.',
    '{why} Andere Zugangsdaten gelten länger: Entfernen Sie, was davor endet.',
  ],
  ['The client secret {secret} ends on {date}.{why}', 'Der geheime Clientschlüssel {secret} endet am {date}.{why}'],
  ['The secret {secret} ends on {date}.{why}', 'Der Schlüssel {secret} endet am {date}.{why}'],
  ['The certificate {name} ends on {date}.{why}', 'Das Zertifikat {name} endet am {date}.{why}'],
  [
    'Microsoft takes tokens of the authority {authority}, not of {own}: change it with updateBot.{why}',
    'Microsoft nimmt Token des Ausstellers {authority}, nicht von {own}: Ändern Sie den Aussteller der Token des Bots.{why}',
  ],
  [
    'Microsoft takes tokens of none of the authorities that were tried: {tried}. HOME was not, because homeTenantId is missing: if the application is registered in another tenant, give that one with updateBot.{why}',
    'Microsoft nimmt von keinem der versuchten Aussteller Token: {tried}. HOME wurde nicht versucht, weil das eigene Verzeichnis der Anwendung fehlt: Ist die Anwendung in einem anderen Mandanten registriert, geben Sie diesen beim Bot an.{why}',
  ],
  [
    'Microsoft takes tokens of none of the authorities that were tried: {tried}.{why}',
    'Microsoft nimmt von keinem der versuchten Aussteller Token: {tried}.{why}',
  ],
  ['{domain} is the tenant {tenant}.', '{domain} ist der Mandant {tenant}.'],
  [
    "{domain} is no tenant's id, and Microsoft does not say whose domain it is. Texts from Teams do not arrive; give the tenant's id.",
    '{domain} ist keine Mandanten-ID, und Microsoft sagt nicht, wessen Domain es ist. Texte aus Teams kommen nicht an; geben Sie die Mandanten-ID an.',
  ],
  ['The bot has neither a client secret nor a certificate.', 'Der Bot hat weder einen geheimen Clientschlüssel noch ein Zertifikat.'],
  [
    'Upload the package that the gateway makes for the bot, whose manifest names its application (`webApplicationInfo`), and allow the app for its users in the Teams admin center.',
    'Laden Sie das Paket in Teams hoch, das das Gateway für den Bot erstellt und dessen Manifest seine Anwendung nennt (`webApplicationInfo`), und erlauben Sie die App im Teams Admin Center für seine Nutzer.',
  ],

  // Why Microsoft was not asked, or did not answer.
  ['The service URL is not on the list of allowed hosts.', 'Die Service-URL steht nicht auf der Liste der erlaubten Hosts.'],
  [
    "The cloud has no connector in common: the user's becomes known when the app is installed for them, or they write to the bot.",
    'Die Cloud hat keinen gemeinsamen Connector: Der des Nutzers wird bekannt, wenn die App für ihn installiert wird oder er dem Bot schreibt.',
  ],
  ['The connector responded without a conversation.', 'Der Connector hat geantwortet, aber ohne Unterhaltung.'],
  ['{host} responded with status {status} and no user.', '{host} hat mit Status {status} geantwortet, aber ohne Nutzer.'],
  ['{host} responded with status {status} and no users.', '{host} hat mit Status {status} geantwortet, aber ohne Nutzer.'],
  ['{host} responded with status {status} and no members.', '{host} hat mit Status {status} geantwortet, aber ohne Mitglieder.'],
  ['{host} responded with status {status} and no token.', '{host} hat mit Status {status} geantwortet, aber ohne Token.'],
  ['{host} responded with status {status}.', '{host} hat mit Status {status} geantwortet.'],
  ['{host} did not respond in time.', '{host} hat nicht rechtzeitig geantwortet.'],
  ['{host} cannot be reached ({code}).', '{host} ist nicht erreichbar ({code}).'],
  ['{host} broke the connection ({code}).', '{host} hat die Verbindung abgebrochen ({code}).'],
  ['The gateway stopped before {host} responded.', 'Das Gateway wurde beendet, bevor {host} geantwortet hat.'],
  [
    'The application needs the permission {permission} of Microsoft Graph. {why}',
    'Die Anwendung braucht die Berechtigung {permission} von Microsoft Graph. {why}',
  ],
  [
    '{why} The permission {permission} of Microsoft Graph allows it.',
    '{why} Die Berechtigung {permission} von Microsoft Graph erlaubt das.',
  ],
  ['Graph does not show the catalog: {why}', 'Graph zeigt den Katalog nicht: {why}'],
  ['Graph does not show which apps the user has: {why}', 'Graph zeigt nicht, welche Apps der Nutzer hat: {why}'],
  [
    'The gateway does not have the key that the credentials of the bot are stored with.',
    'Das Gateway hat den Schlüssel nicht, mit dem die Zugangsdaten des Bots gespeichert sind.',
  ],

  // Why a user has no app, or an import has ended.
  ['Internal error while installing the app', 'Interner Fehler beim Installieren der App'],
  ["The bot's app was removed for the user in Teams.", 'Die App des Bots wurde für den Nutzer in Teams entfernt.'],
  [
    'In this cloud, Microsoft Graph installs no apps for applications. Install the app in the Teams admin center: Teams apps, Setup policies, Installed apps.',
    'In dieser Cloud installiert Microsoft Graph keine Apps für Anwendungen. Installieren Sie die App im Teams Admin Center: Teams-Apps, Setuprichtlinien, Installierte Apps.',
  ],
  [
    "No app {id} is published to the organization's app catalog, or to the Teams Store.",
    'Weder im App-Katalog der Organisation noch im Teams Store ist eine App {id} veröffentlicht.',
  ],
  [
    'Graph cannot install the app: the user is not, or not yet, a user of Microsoft Teams.',
    'Graph kann die App nicht installieren: Der Nutzer ist kein Nutzer von Microsoft Teams, oder noch keiner.',
  ],
  [
    'Graph no longer knows the app {id}, or the user is not, or not yet, a user of Microsoft Teams.',
    'Graph kennt die App {id} nicht mehr, oder der Nutzer ist kein Nutzer von Microsoft Teams, oder noch keiner.',
  ],
  ['Graph does not install the app: {why}', 'Graph installiert die App nicht: {why}'],
  [
    'The application may not install its app: grant it the permission {permission} of Microsoft Graph. {why}',
    'Die Anwendung darf ihre App nicht installieren: Erteilen Sie ihr die Berechtigung {permission} von Microsoft Graph. {why}',
  ],
  [
    'The credentials that started the import have ended; run it again',
    'Die Zugangsdaten, mit denen der Import begann, gelten nicht mehr. Starten Sie ihn noch einmal.',
  ],

  // Why a message is not delivered.
  ['The number is not mapped to a Teams user', 'Die Rufnummer ist keinem Teams-Nutzer zugeordnet'],
  ['The enterprise is CLOSED', 'Das Unternehmen ist geschlossen'],
  ['The enterprise is INACTIVE', 'Das Unternehmen ist inaktiv'],
  ["The message's account is closed", 'Das Konto der Nachricht ist geschlossen'],
  ["The message's account is not active", 'Das Konto der Nachricht ist nicht aktiv'],
  ['The enterprise has no bot', 'Das Unternehmen hat keinen Bot'],
  [
    "The mapping's Microsoft address is not a user of the bot's tenant",
    'Die Microsoft-Adresse der Zuordnung gehört keinem Nutzer im Mandanten des Bots',
  ],
  ["{user} is not a user of the bot's tenant", '{user} ist kein Nutzer im Mandanten des Bots'],
  ['Internal error while delivering the message', 'Interner Fehler beim Zustellen der Nachricht'],
  ['Internal error while installing the app', 'Interner Fehler beim Installieren der App'],
  [
    'The carrier has not reported within three days whether the SMS arrived',
    'Der Netzbetreiber hat drei Tage lang nicht gemeldet, ob die SMS angekommen ist',
  ],
  [
    'Restcomm cut the text: it sends the first {kept} of {all} characters',
    'Restcomm hat den Text gekürzt: Es sendet die ersten {kept} von {all} Zeichen',
  ],
  ['Restcomm changed the text before it sent it', 'Restcomm hat den Text vor dem Senden geändert'],
  ['Restcomm cannot store the text', 'Restcomm kann den Text nicht speichern'],
  ['Restcomm sent an unreadable response', 'Die Antwort von Restcomm ist nicht lesbar'],
  ['Restcomm did not respond', 'Restcomm hat nicht geantwortet'],
  ['Restcomm cannot be reached', 'Restcomm ist nicht erreichbar'],
  ['Restcomm refused the request ({code})', 'Restcomm hat die Anfrage abgelehnt ({code})'],
  ...CARRIER_ERRORS.flatMap(([english, german]) => [[`${english}: {said}`, `${german}: {said}`] as const, [english, german] as const]),
  ['The connector responded without a conversation.', 'Die Antwort des Connectors nennt keine Unterhaltung.'],
  ['The service URL is not on the list of allowed hosts.', 'Die Adresse des Connectors gehört nicht zu den erlaubten (BOT_SERVICE_HOSTS).'],
  [
    "The cloud has no connector in common: the user's becomes known when the app is installed for them, or they write to the bot.",
    'In dieser Cloud gibt es keinen gemeinsamen Connector: Der des Nutzers wird bekannt, wenn die App installiert wird oder der Nutzer dem Bot schreibt.',
  ],
  ['The bot has neither a client secret nor a certificate.', 'Der Bot hat weder einen geheimen Clientschlüssel noch ein Zertifikat.'],
  ['{host} responded with status 200 and no token.', '{host} hat mit Status 200 geantwortet, aber ohne Token.'],

  // Why there is no response, or no request.
  ['The gateway stopped before {host} responded.', 'Das Gateway wurde beendet, bevor {host} geantwortet hat.'],
  ['{host} did not respond in time.', '{host} hat nicht rechtzeitig geantwortet.'],
  ['{host} cannot be reached ({code}).', '{host} ist nicht erreichbar ({code}).'],
  ['{host} broke the connection ({code}).', '{host} hat die Verbindung abgebrochen ({code}).'],
  ['{host} responded with status {status}.', '{host} hat mit Status {status} geantwortet.'],
  ['The request failed.', 'Die Anfrage ist fehlgeschlagen.'],
  [
    'The gateway does not have the key of this endpoint’s secret. Rotate the secret, or have the operator restore the key.',
    'Das Gateway hat den Schlüssel für das Geheimnis dieses Webhooks nicht. Ersetzen Sie das Geheimnis, oder lassen Sie den Betreiber den Schlüssel wiederherstellen.',
  ],
];

interface Text {
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly german: string;
}

let texts: readonly Text[] | undefined;

const anyText = (name: string) => (name === '{why}' ? '([\\s\\S]*)' : '([\\s\\S]+?)');

const textOf = ([english, german]: readonly [string, string]): Text => ({
  pattern: new RegExp(`^${english.replace(/[.*+?^$|()[\]\\]/g, '\\$&').replace(/\{\w+\}/g, anyText)}$`),
  names: [...english.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name),
  german,
});

/** A text of the gateway's in German; as it is if there is none, as of a gateway that is newer than its page. */
export function inGerman(text: string): string {
  texts ??= GERMAN.map(textOf);
  for (const { pattern, names, german } of texts) {
    const found = pattern.exec(text);
    if (!found) continue;
    const values = new Map(names.map((name, index) => [name, found[index + 1] ?? '']));
    return german.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values.get(name) ?? '';
      return name === 'why' ? value.replace(/\S[\s\S]*/, inGerman) : value;
    });
  }
  return text;
}
