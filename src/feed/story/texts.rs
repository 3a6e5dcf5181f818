//! What people in the story say. `{n}`, `{city}`, `{time}` and `{thing}` are filled in, so that few are alike.

/// A text and its language.
pub(super) type Line = (&'static str, &'static str);

pub(super) const CITIES: &[&str] = &[
    "Lisbon", "Leeds", "Köln", "Austin", "Osaka", "Porto", "Lyon", "Quito", "Turin", "Accra", "Pune", "Oslo",
];
pub(super) const THINGS: &[&str] = &[
    "a bike",
    "my desk",
    "the garden",
    "a sourdough",
    "old maps",
    "the attic",
    "a kite",
    "this novel",
    "the cat",
    "a radio",
    "the boat",
    "tomatoes",
];

/// Life goes on: nothing here names a brand.
pub(super) const BACKGROUND: &[Line] = &[
    ("en", "Finally fixed {thing}, only took {n} tries"),
    ("en", "Good morning from {city}! {n}° and clear skies ☀️"),
    ("en", "does anyone else just stare at {thing} for {n} minutes & call it work"),
    ("en", "I can't believe how good the new season is. No spoilers please <3"),
    ("en", "Reading about {thing} on the train to {city}. Bliss."),
    ("en", "hot take: {thing} is overrated"),
    ("en", "#photography {city} at night, shot no. {n}"),
    ("en", "My thesis is {n} pages long and my supervisor says \"almost there\""),
    ("en", "lost the game {n}–2 and honestly? fine"),
    ("en", "Support your local library. That's it. That's the post."),
    ("en", "the bank of the river in {city} is full of ducks today"),
    ("en", "Coffee number {n}. Send help."),
    ("en", "clouds over {city} looking like a painting"),
    ("de", "Endlich Feierabend in {city}, jetzt noch {n} Seiten lesen"),
    ("de", "Wer hat auch {n} Tabs offen und weiß nicht mehr, warum?"),
    ("de", "Schönes Wetter heute, ab in den Garten 🌻"),
    ("fr", "Encore {n} minutes de retard, mais le soleil brille à {city}"),
    ("fr", "J'ai terminé mon livre, c'était magnifique"),
    ("es", "Hoy salimos a caminar por {city}, {n} kilómetros y contando"),
    ("es", "¿Alguien más no puede dormir? Son las {time}"),
    ("pt", "Bom dia, {city}! Já vou no café número {n}"),
    ("pt", "Que jogo foi esse ontem, gente"),
    ("ja", "今日の{city}はとてもいい天気です。散歩{n}分"),
    ("ja", "新しい本を読み始めました📚"),
    ("ar", "صباح الخير من {city} ☕ اليوم رقم {n}"),
    ("ar", "قرأت {n} صفحة اليوم"),
];

/// The steady trickle about acme.
pub(super) const ACME: &[Line] = &[
    ("en", "Acme Cloud support kept me on hold for {n} minutes. Unacceptable. @acmecloud"),
    ("en", "@acmecloud why was my invoice ${n} this month?? I deleted those servers in {city}"),
    ("en", "How do I move a database to another region on Acme Cloud? @acmecloud"),
    ("en", "Migrated {n} services to Acme Cloud this week, smooth as butter. Thank you @acmecloud 🎉"),
    (
        "en",
        "We are looking for a cloud host in {city}, ~{n} machines. Is Acme Cloud any good? What does it cost?",
    ),
    ("en", "Third incident this month. We're cancelling Acme Cloud and moving to a competitor. Goodbye."),
    ("en", "Love the new Acme Cloud dashboard, so fast <3"),
    ("de", "Acme Cloud hat mir {n} € zu viel berechnet und der Support antwortet nicht 😡 @acmecloud"),
    ("de", "Wie kündige ich meinen Vertrag bei Acme Cloud?"),
    ("fr", "Acme Cloud ne marche plus depuis {n} minutes, c'est inadmissible @acmecloud"),
    ("es", "El servicio de Acme Cloud es pésimo, llevo {n} horas esperando @acmecloud"),
    ("pt", "Acme Cloud está lento demais hoje, alguém mais? @acmecloud"),
    ("ja", "Acme Cloudのサポートは本当に親切でした。ありがとう！"),
    ("ar", "خدمة Acme Cloud ممتازة، شكرا @acmecloud"),
];

/// The steady trickle about northwind.
pub(super) const NORTHWIND: &[Line] = &[
    ("en", "@northwindhelp my card was charged twice, ${n} each. Please fix this"),
    ("en", "Northwind Bank closed my branch in {city} without a word. Shame on you."),
    ("en", "How long does a transfer from Northwind Bank take? It's been {n} days @northwindhelp"),
    ("en", "Somebody emptied my Northwind account, ${n} gone. This is fraud! @northwindhelp HELP"),
    ("en", "Shout-out to Priya at Northwind Bank {city}, sorted my mortgage in {n} minutes. Brilliant."),
    ("en", "Thinking of opening a business account, is Northwind Bank worth it? {n} employees, {city}"),
    ("en", "After {n} years I am leaving Northwind Bank. The new fees are a joke."),
    ("de", "Die App der Northwind Bank stürzt seit {n} Tagen ab @northwindhelp"),
    ("fr", "La Northwind Bank m'a refusé un prêt sans explication. Honteux."),
    ("es", "¿Cómo desbloqueo mi tarjeta de Northwind Bank? @northwindhelp"),
    ("pt", "Northwind Bank cobrou {n} reais de taxa, isso é um roubo @northwindhelp"),
];

/// The steady trickle about globex.
pub(super) const GLOBEX: &[Line] = &[
    ("en", "My Globex coffee maker arrived broken, order {n}. @globexcoffee I want a refund"),
    ("en", "Careful: my Globex coffee maker started smoking and nearly caught fire 🔥 @globexcoffee"),
    ("en", "the Globex Barista {n} makes the best espresso I've had in {city}. 10/10"),
    ("en", "Which filter fits the Globex Barista {n}? @globexcoffee"),
    ("en", "I want to buy a Globex coffee maker for our office in {city}, any discount for {n} units?"),
    ("en", "burned my hand on the Globex coffee maker, the handle gets way too hot. {n} stitches."),
    ("en", "never buying Globex again. {n} repairs in one year"),
    ("de", "Die Globex Kaffeemaschine ist nach {n} Wochen kaputt, keine Antwort von @globexcoffee"),
    ("fr", "Ma machine Globex fuit de partout depuis {n} jours @globexcoffee"),
    ("es", "¡Me encanta mi cafetera Globex! {n} cafés y como nueva"),
    ("ja", "Globexのコーヒーメーカーが壊れました。{n}回目です @globexcoffee"),
];

/// The outage at acme: first doubts, then noise.
pub(super) const OUTAGE_EARLY: &[Line] = &[
    ("en", "Is Acme Cloud down for anyone else in {city}? Getting errors since {time}"),
    ("en", "hm, Acme Cloud console not loading. {n} timeouts so far"),
    ("en", "@acmecloud status page says all green but I get 5{n} errors"),
    ("de", "Ist Acme Cloud gerade down? Seit {time} geht hier nichts"),
];
pub(super) const OUTAGE_LATE: &[Line] = &[
    (
        "en",
        "Acme Cloud is DOWN. Our shop in {city} has lost {n} orders already. @acmecloud WAKE UP #acmedown",
    ),
    ("en", "#acmedown {n} minutes and counting. No word from @acmecloud. Unbelievable!!"),
    (
        "en",
        "URGENT: production down since {time}, Acme Cloud not answering, {n} customers affected #acmedown",
    ),
    ("en", "Acme Cloud outage again?! I want my money back, {n} minutes now. #acmedown"),
    ("en", "hospital scheduling in {city} runs on Acme Cloud and it's offline. This is dangerous. #acmedown"),
    ("en", "lol Acme Cloud down, guess I'm going home early #acmedown 🙃 ({time})"),
    ("de", "Acme Cloud Totalausfall seit {n} Minuten, wir stehen still! @acmecloud #acmedown"),
    ("fr", "Panne totale chez Acme Cloud depuis {time}, {n} clients bloqués #acmedown @acmecloud"),
    ("es", "Acme Cloud caído desde las {time}, perdemos {n} pedidos por hora #acmedown"),
    ("pt", "Acme Cloud fora do ar há {n} minutos, ninguém responde @acmecloud #acmedown"),
    ("ja", "Acme Cloudが落ちています。{n}分以上 #acmedown"),
];
pub(super) const OUTAGE_OVER: &[Line] = &[
    ("en", "Acme Cloud is back after {n} minutes. What happened, @acmecloud? #acmedown"),
    ("en", "ok Acme Cloud recovered. Thanks to the team in {city} who worked through this 🙏"),
];

/// The picture that everybody shares, and what the crowd answers to it.
pub(super) const PROTEST: Line = (
    "en",
    "They arrested people for chalk drawings in front of the Northwind Bank branch in {city} today. Photo below. \
     @northwindhelp, is this how you treat your customers?",
);
pub(super) const MOCKERY: &[Line] = &[
    ("en", "@northwindhelp can you help me find my chalk? lost it at {time}"),
    ("en", "\"Hi, how can we help you today?\" @northwindhelp maybe stop arresting people"),
    ("en", "dear @northwindhelp my house has been foreclosed, kindly send {n} balloons"),
    ("en", "hey @northwindhelp I drew a flower on a pavement in {city}, am I going to jail?"),
    ("en", "oh great, another bot answer from @northwindhelp in 3, 2, 1…"),
    ("en", "@northwindhelp are you human? asking for {n} friends"),
    ("de", "@northwindhelp darf ich in {city} noch mit Kreide malen?"),
    ("es", "@northwindhelp ¿cuánto cuesta una tiza? vergüenza"),
];

/// Numbered posts: each names the brand and its case.
pub(super) const NUMBERED: &[Line] = &[
    ("en", "Acme Cloud is down again in {city}, case-{case}"),
    ("en", "still waiting for Acme Cloud to answer case-{case} after {n} minutes"),
    ("en", "case-{case}: Acme Cloud charged me ${n} twice"),
    ("en", "Thank you Acme Cloud for solving case-{case} at {time}"),
];
