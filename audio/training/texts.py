"""Words for the synthetic voices of the training corpus, by language as espeak-ng names it.

`HELLO` is what people say and wait after; `GREETING` what a mailbox says; `SCREENING` what an assistant asks; `MENU`
a menu's parts: an opening and its choices.
"""

from collections.abc import Mapping, Sequence

Texts = Mapping[str, Sequence[str]]

HELLO: Texts = {
    "en-us": (
        "Hello?",
        "Hello.",
        "Yes?",
        "Hi.",
        "Speaking.",
        "Hello, who is this?",
        "Good morning.",
        "Yeah, hello?",
        "Yes, speaking.",
        "Anna speaking.",
        "Hello, Miller.",
        "Who's calling?",
        "Miller and sons, good morning.",
        "Hello, can I help you?",
    ),
    "ru": (
        "Алло.",
        "Да.",
        "Слушаю.",
        "Да, алло.",
        "Алло, слушаю вас.",
        "Говорите.",
        "Кто это?",
        "Да, слушаю.",
        "Добрый день.",
    ),
    "cmn": ("喂。", "你好。", "喂，你好。", "哪位？", "您好，哪位？", "喂，谁啊？", "说话。", "对，我是。"),
    "de": ("Hallo?", "Ja bitte?", "Müller.", "Schmidt, guten Tag.", "Ja, hallo?", "Wer ist da?"),
    "es": ("¿Diga?", "¿Sí?", "Hola.", "¿Bueno?", "¿Quién habla?", "Sí, dígame."),
    "fr-fr": ("Allô ?", "Oui ?", "Oui, allô ?", "Bonjour.", "Qui est à l'appareil ?"),
    "it": ("Pronto?", "Sì?", "Pronto, chi parla?", "Buongiorno."),
    "pt-br": ("Alô?", "Oi.", "Quem fala?", "Pois não?"),
    "tr": ("Alo?", "Efendim?", "Buyurun.", "Alo, kimsiniz?"),
    "pl": ("Halo?", "Słucham.", "Tak, słucham?", "Dzień dobry."),
    "vi": ("A lô?", "Xin chào.", "Ai đấy ạ?"),
    "hi": ("हैलो?", "जी, बोलिए।", "कौन?"),
    "uk": ("Алло?", "Слухаю.", "Так, хто це?"),
    "kk": ("Алло.", "Иә, тыңдап тұрмын.", "Бұл кім?"),
}

GREETING: Texts = {
    "en-us": (
        "Hi, this is Susan. Sorry I missed your call. Please leave a message and I'll get back to you as soon as I can.",
        "You have reached the voice mailbox of four one five, seven two nine. Please record your message after the tone.",
        "The customer you are calling cannot take your call. Please leave your message after the tone.",
        "You've reached Tom and Ellen. We're not home. Leave your name and number.",
        "We are sorry, no one is available to answer your call. Please leave a message after the beep.",
        "Hello. Our lines are closed until Monday. For urgent matters please write to us.",
        "This mailbox is full. Please try again later. Goodbye.",
        "Please leave your message for",
        "Please record after the tone.",
        "I'm away. Leave a message, thanks.",
        "Thank you for calling. All of our agents are busy at the moment. Please stay on the line.",
    ),
    "ru": (
        "Абонент не отвечает. Вы можете оставить сообщение после сигнала, и он получит его в виде текста.",
        "Привет, это Максим. Я сейчас занят, перезвоню позже. Оставьте сообщение.",
        "Вы позвонили в компанию Вектор. К сожалению, сейчас нерабочее время. Мы работаем с девяти до восемнадцати.",
        "Оставьте сообщение после сигнала.",
        "Здравствуйте. Все операторы заняты. Пожалуйста, оставайтесь на линии.",
        "Голосовая почта. Говорите после гудка.",
    ),
    "cmn": (
        "您好，您拨打的用户无法接听，请在嘀声后留言，挂机即可结束。",
        "我现在有事，请留言，我会尽快给您回电话。",
        "您好，这里是语音信箱，请在提示音后录音。",
        "您好，我是机主的电话秘书，他现在不方便接电话，您可以给他留言。",
        "感谢您的来电，现在是非工作时间，我们的工作时间是上午九点到下午六点。",
        "请留言。",
    ),
    "de": (
        "Guten Tag. Sie sind mit der Mailbox von Familie Weber verbunden. Bitte hinterlassen Sie eine Nachricht nach dem Ton.",
        "Der gewünschte Gesprächspartner ist zur Zeit nicht erreichbar. Bitte sprechen Sie nach dem Signalton.",
        "Wir sind im Urlaub. Bitte rufen Sie später wieder an.",
    ),
    "es": (
        "Hola, soy Carmen. Ahora no puedo atenderte. Deja tu mensaje después de la señal.",
        "Este es el buzón de voz. Por favor, grabe su mensaje después del tono.",
        "En este momento no estamos. Gracias por llamar.",
    ),
    "fr-fr": (
        "Bonjour, vous êtes bien sur la messagerie de Paul. Laissez-moi un message après le bip.",
        "Votre correspondant n'est pas disponible. Veuillez laisser un message après le signal sonore.",
    ),
    "it": (
        "Risponde la segreteria telefonica. Lasciate un messaggio dopo il segnale acustico.",
        "Ciao, sono Marco, in questo momento non posso rispondere.",
    ),
    "pt-br": ("Sua chamada está sendo encaminhada para a caixa postal. Deixe seu recado após o sinal.",),
    "tr": ("Aradığınız kişiye şu anda ulaşılamıyor. Lütfen sinyal sesinden sonra mesajınızı bırakın.",),
    "pl": ("Dzień dobry, nie mogę teraz odebrać telefonu. Proszę zostawić wiadomość po sygnale.",),
    "vi": ("Thuê bao quý khách vừa gọi hiện không trả lời. Vui lòng để lại lời nhắn sau tiếng bíp.",),
    "hi": ("आप जिस व्यक्ति को फ़ोन कर रहे हैं वह उत्तर नहीं दे रहे हैं। कृपया अपना संदेश छोड़ें।",),
    "uk": ("Вітаю. Я зараз не можу відповісти. Залиште, будь ласка, повідомлення після сигналу.",),
    "kk": ("Сәлеметсіз бе. Абонент қазір жауап бере алмайды. Сигналдан кейін хабарлама қалдырыңыз.",),
}

SCREENING: Texts = {
    "en-us": (
        "Please state your name and the reason for your call, and I will see if they can talk.",
        "Hello. You have reached the assistant of this number. May I ask who is calling and what it is about?",
        "Before I connect you, tell me your name and why you are calling.",
        "The person you are trying to reach wants to know who is calling. Please say your name.",
        "Hi, I'm answering for the owner of this phone. How can I help?",
    ),
    "ru": (
        "Здравствуйте, вас слушает секретарь абонента. Представьтесь, пожалуйста, и скажите, по какому вопросу вы звоните.",
        "Абонент просит назвать себя. Скажите, кто звонит и зачем.",
        "Это помощник. Что передать абоненту?",
    ),
    "cmn": (
        "您好，请问您是哪位，有什么事情找机主？",
        "您好，我是智能助理，请告诉我您的姓名和来电目的。",
        "机主开启了来电防护，请说明您的身份和来意。",
    ),
    "de": ("Bitte nennen Sie Ihren Namen und den Grund Ihres Anrufs, dann frage ich, ob jemand sprechen kann.",),
    "es": ("Por favor, diga su nombre y el motivo de su llamada, y veré si esta persona está disponible.",),
    "fr-fr": ("Veuillez indiquer votre nom et la raison de votre appel. Je vais voir si la personne est disponible.",),
    "it": ("Per favore, dica il suo nome e il motivo della chiamata.",),
    "pt-br": ("Por favor, diga seu nome e o motivo da ligação, e eu verei se a pessoa pode atender.",),
    "tr": ("Lütfen adınızı ve arama nedeninizi söyleyin, kişinin uygun olup olmadığına bakayım.",),
    "pl": ("Proszę podać swoje imię i powód rozmowy, a sprawdzę, czy ta osoba może odebrać.",),
    "vi": ("Xin cho biết tên và lý do cuộc gọi của bạn, tôi sẽ xem người này có rảnh không.",),
    "hi": ("कृपया अपना नाम और कॉल करने का कारण बताएँ।",),
}

MENU: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "en-us": (
        (
            "Thank you for calling Northgate Bank.",
            "Welcome to City Clinic.",
            "Please listen carefully as our menu has changed.",
            "",
        ),
        (
            "For sales, press one.",
            "For support, press two.",
            "For billing, press three.",
            "To hear your balance, press four.",
            "To repeat this menu, press star.",
            "For all other questions, stay on the line.",
            "Press five to leave a message.",
        ),
    ),
    "ru": (
        ("Здравствуйте, вы позвонили в банк.", "Вас приветствует компания Связь.", ""),
        (
            "Если у вас вопрос по счёту, нажмите один.",
            "Для соединения с оператором нажмите ноль.",
            "Нажмите два, чтобы узнать баланс.",
            "Чтобы прослушать меню ещё раз, нажмите звёздочку.",
            "Для оформления заказа нажмите три.",
        ),
    ),
    "cmn": (
        ("您好，欢迎致电客户服务中心。", "感谢您的来电。", ""),
        ("查询余额请按一。", "业务办理请按二。", "投诉建议请按三。", "人工服务请按零。", "重听请按星号键。"),
    ),
    "de": (
        ("Herzlich willkommen bei der Stadtsparkasse.", ""),
        (
            "Für Bestellungen drücken Sie die eins.",
            "Für den Kundendienst drücken Sie die zwei.",
            "Zur Wiederholung drücken Sie Stern.",
        ),
    ),
    "es": (
        ("Bienvenido al servicio de atención al cliente.", ""),
        ("Para ventas, marque uno.", "Para soporte, marque dos.", "Para hablar con un operador, marque cero."),
    ),
    "fr-fr": (
        ("Bienvenue chez France Assurance.", ""),
        ("Pour une commande, tapez un.", "Pour le service client, tapez deux.", "Pour réécouter, tapez étoile."),
    ),
    "tr": (
        ("Bankamıza hoş geldiniz.", ""),
        (
            "Kart işlemleri için bire basın.",
            "Müşteri temsilcisi için sıfıra basın.",
            "Tekrar dinlemek için yıldıza basın.",
        ),
    ),
    "pl": (
        ("Witamy w infolinii.", ""),
        ("Aby sprawdzić saldo, naciśnij jeden.", "Aby połączyć się z konsultantem, naciśnij zero."),
    ),
}

COUNTRY = {
    "en-us": "us",
    "ru": "ru",
    "cmn": "cn",
    "de": "de",
    "es": "es",
    "fr-fr": "fr",
    "it": "it",
    "pt-br": "br",
    "tr": "tr",
    "pl": "pl",
    "vi": "cn",
    "hi": "in",
    "uk": "ru",
    "kk": "kz",
}
