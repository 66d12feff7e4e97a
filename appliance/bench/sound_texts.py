"""What the bench's voices say: people who pick up, voicemail greetings, the exchange's announcements, agents."""

from __future__ import annotations

PEOPLE: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("espeak:+m7", "zh", ("喂？", "喂，你好？"), ("哪位？", "什么事情？", "我知道了，下个星期还。", "好的，再见。")),
    ("espeak:+f4", "zh", ("喂，你好。", "喂？"), ("我就是。", "你说什么？", "我现在没有钱。", "明天再打给我吧。")),
    ("espeak:+m7", "ru", ("Алло?", "Да, алло."), ("Кто это?", "Я слушаю вас.", "Я заплачу в пятницу.", "До свидания.")),
    ("espeak:+f4", "ru", ("Слушаю.", "Алло, говорите."), ("Это я.", "Какой долг?", "Перезвоните завтра.", "Хорошо.")),
    ("espeak:+m7", "en", ("Hello?", "Yes, hello?"), ("Who is calling?", "I see.", "I can pay on Monday.", "Goodbye.")),
    ("espeak:+f4", "en", ("Yes?", "Hello?"), ("Speaking.", "Which bill is that?", "Call me next week.", "All right.")),
    ("flite:kal16", "en", ("Hello?", "Hello, who is there?"), ("That is me.", "How much is it?", "I will pay it.")),
    ("flite:slt", "en", ("Hello.", "Hello?"), ("He is not at home.", "Can you say that again?", "Thank you, bye.")),
)
"""(engine, language, hellos, lines) of each synthetic person."""

GREETINGS: tuple[tuple[str, str, str], ...] = (
    ("espeak:+f4", "zh", "您好，我现在不方便接听电话，请在提示音后留言。"),
    ("espeak:+m7", "zh", "您好，这里是语音信箱，机主暂时无法接听，请在滴声之后留下您的口信。"),
    ("espeak:+m7", "ru", "Здравствуйте. Я сейчас не могу ответить на ваш звонок. Оставьте сообщение после сигнала."),
    ("espeak:+f4", "ru", "Вас приветствует автоответчик. Вы можете оставить голосовое сообщение после сигнала."),
    ("flite:slt", "en", "Hi, you've reached my phone. I can't take your call right now. Please leave a message."),
    ("flite:kal16", "en", "The person you are calling is not available. At the tone, please record your message."),
)
"""(engine, language, text) of each voicemail greeting."""

ANNOUNCEMENTS: dict[str, dict[str, str]] = {
    "vacant": {
        "zh": "您好，您拨打的号码是空号，请核对后再拨。",
        "ru": "Набранный вами номер не существует. Проверьте правильность набора номера.",
        "en": "Sorry, the number you have dialed does not exist. Please check it and dial later.",
    },
    "powered_off": {
        "zh": "您好，您拨打的电话已关机，请稍后再拨。",
        "ru": "Телефон абонента выключен. Попробуйте позвонить позднее.",
        "en": "Sorry, the subscriber you dialed is powered off. Please redial later.",
    },
    "number_changed": {
        "zh": "您好，您拨打的号码已改号，请拨打新的号码。",
        "ru": "Номер абонента изменён. Узнайте новый номер в справочной службе.",
        "en": "The number you have dialed has been changed. Please look up the new number.",
    },
    "unreachable": {
        "zh": "您好，您拨打的电话暂时无法接通，请稍后再拨。",
        "ru": "Абонент временно недоступен. Пожалуйста, попробуйте позвонить позднее.",
        "en": "Sorry, the subscriber you dialed can not be connected for the moment. Please redial later.",
    },
}
"""Announcement -> language -> text."""

AGENT_LINES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "espeak:+f4", "zh",
        ("您好，我是客户服务中心的，请问您是机主本人吗？", "您的账单已经逾期，何时还款？", "好的，谢谢您，再见。"),
    ),
    (
        "espeak:+m7", "ru",
        ("Здравствуйте, я звоню по поводу вашего договора.", "Когда вы сможете оплатить?", "Спасибо, до свидания."),
    ),
    (
        "flite:slt", "en",
        ("Good afternoon, I am calling about your account.", "When can you make the payment?", "Thank you, goodbye."),
    ),
    (
        "flite:kal16", "en",
        ("Hello, this is the service centre.", "May I ask for your date of birth?", "Thank you for your time."),
    ),
)  # fmt: skip
"""(engine, language, lines) of each agent's voice."""
