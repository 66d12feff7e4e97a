"""More of what machines say, for the sayings that `audio.phrases` listens for; by language as espeak-ng names it.

None of the builder's own sentences stand here, so that these may be tried on them.
"""

from audio.training.texts import Texts

GREETING: Texts = {
    "en-us": (
        "Please leave a message after the tone.", "Leave your name, your number and the reason for your call.",
        "At the beep, please speak your message.", "Please record your message after the signal.",
        "Just say who you are after the beep and I will ring you back.", "Please try again later.",
        "You may hang up when you are done.", "Leave me a message.",
        "I am not able to answer the phone at the moment.", "Nobody is here to take your call.", "I am in a meeting.",
        "The subscriber cannot answer your call right now.", "We are away until next week.",
        "The customer you have dialed is unavailable.", "I missed your call.", "All our operators are busy.",
        "Our office is closed today. We open at nine.", "The mailbox is full and cannot take more messages.",
    ),
    "ru": (
        "Оставьте сообщение после гудка.", "Пожалуйста, говорите после сигнала.",
        "Оставьте ваше имя и номер, я перезвоню.", "Запишите ваше сообщение после звукового сигнала.",
        "Перезвоните, пожалуйста, позже.", "Вы можете оставить голосовое сообщение.",
        "Абонент сейчас не может подойти к телефону.", "Меня нет на месте.", "Я сейчас на встрече.",
        "К сожалению, никто не может вам ответить.", "Сейчас мы не работаем.", "Почтовый ящик переполнен.",
        "Вызываемый абонент занят.", "Наш офис закрыт. Мы открываемся в девять утра.",
    ),
    "cmn": (
        "请在嘀声之后留言。", "请听到提示音后开始录音。", "请留下您的姓名和电话号码。", "请稍后再打。",
        "有事请留言，我会回电话给您。", "请在信号音后讲话。", "请您稍候。", "我现在不能接电话。",
        "机主现在无法接听。", "您拨打的用户暂时不在。", "我正在开会。", "我们已经下班了。", "坐席全忙。",
        "留言信箱已满。", "现在没有人接听您的电话。",
    ),
    "es": (
        "Deje su mensaje después del tono.", "Por favor, deje su nombre y su número.",
        "Grabe su mensaje al oír la señal.", "Inténtelo más tarde, por favor.", "Espere en la línea, por favor.",
        "Ahora mismo no puedo contestar.", "No estamos en casa.", "La persona a la que llama no está disponible.",
        "Nuestra oficina está cerrada.", "Todos nuestros agentes están ocupados.", "El buzón está lleno.",
    ),
    "fr-fr": (
        "Laissez un message après le bip.", "Merci de laisser votre nom et votre numéro.",
        "Parlez après le signal sonore.", "Veuillez rappeler plus tard.", "Veuillez patienter.",
        "Je ne peux pas vous répondre pour le moment.", "Nous sommes absents.", "La personne appelée n'est pas là.",
        "Nos bureaux sont fermés.", "Tous nos conseillers sont en ligne.", "La boîte vocale est pleine.",
    ),
    "it": (
        "Lasciate un messaggio dopo il segnale.", "Lasciate il vostro nome e numero di telefono.",
        "Parlate dopo il bip.", "Richiamate più tardi, per favore.", "Vi preghiamo di attendere in linea.",
        "In questo momento non possiamo rispondere.", "Non sono in casa.", "La persona chiamata non è disponibile.",
        "I nostri uffici sono chiusi.", "Tutti gli operatori sono occupati.", "La casella vocale è piena.",
    ),
}  # fmt: skip
"""What a mailbox says."""

ASSISTANT: Texts = {
    "en-us": (
        "Please say your name and why you are calling.", "May I ask who is calling?",
        "Tell me your name and the reason for your call.", "Who are you, and what is this about?",
        "If you say your name and reason for the call, I will ask whether they can talk.",
        "Please state your full name and your company.", "Please record your name and the purpose of your call.",
        "Go ahead and tell me what you are calling about.", "Can you tell me who you want to speak with and why?",
        "I will check if they are available.", "Please stay on the line.", "They will get a copy of what you say.",
        "I will try to connect you.", "Then I will see if she can talk.",
    ),
    "ru": (
        "Представьтесь, пожалуйста.", "Скажите, кто вы и по какому вопросу звоните.",
        "Назовите себя и цель вашего звонка.", "Как вас зовут и зачем вы звоните?",
        "Пожалуйста, скажите ваше имя и причину обращения.", "Подскажите, с кем вы хотите поговорить и о чём?",
        "Я узнаю, может ли он ответить.", "Оставайтесь на линии.", "Я спрошу, удобно ли ему говорить.",
        "Тогда я вас соединю.",
    ),
    "cmn": (
        "请问您是哪位？", "请告诉我您的名字和打电话的原因。", "请说明您是谁，有什么事情。", "请问您找机主有什么事？",
        "请先报一下您的姓名和来意。", "请讲出您的身份和来电目的。", "我帮您问一下他是否方便。", "请不要挂机。",
        "我会为您转接。",
    ),
    "es": (
        "¿Quién llama, por favor?", "Diga su nombre y por qué llama.", "Por favor, indique su nombre y el motivo.",
        "Grabe su nombre y la razón de su llamada.", "Veré si puede atenderle.", "No cuelgue, por favor.",
    ),
    "fr-fr": (
        "Qui est à l'appareil ?", "Dites votre nom et pourquoi vous appelez.",
        "Merci de donner votre nom et le motif de votre appel.", "Enregistrez votre nom et la raison de l'appel.",
        "Je vais voir si elle peut vous parler.", "Restez en ligne.",
    ),
    "it": (
        "Chi parla, per favore?", "Dica il suo nome e perché chiama.",
        "Indichi il suo nome e la ragione della chiamata.", "Registri il suo nome e il motivo della telefonata.",
        "Verifico se può parlare.", "Resti in linea.",
    ),
}  # fmt: skip
"""What an assistant asks, and what it says it will do."""

MENU: Texts = {
    "en-us": (
        "For sales, press one.", "For support, press two.", "Press three for billing.",
        "Press four for your balance.", "To reach an operator, press five.", "To reach new orders, press six.",
        "If you want opening hours, press seven now.", "If you want this menu again, press eight now.",
        "For technical help, dial nine.", "For the next message, dial zero.",
        "For mailbox options, please press or say star.", "For a new password, please press or say pound.",
    ),
    "ru": (
        "Для связи с оператором нажмите один.", "Для проверки баланса нажмите два.",
        "Нажмите три для оформления заказа.", "Нажмите четыре для технической помощи.",
        "Если вам нужно повтора меню, нажмите пять.", "Если вам нужно отдела продаж, нажмите шесть.",
        "Для бухгалтерии наберите семь.", "Для смены пароля наберите восемь.",
    ),
    "cmn": (
        "账单查询请按一。", "人工服务请按二。", "业务咨询，请按三键。", "故障报修，请按四键。", "按五，返回上一级。",
        "按六，重听。", "如需修改密码，请按七。", "如需产品销售，请按八。",
    ),
    "es": (
        "Para cambiar de carpeta, presione uno.", "Para hablar con un operador, presione dos.",
        "Presione tres para ventas.", "Presione cuatro para soporte técnico.", "Pulse cinco para escuchar otra vez.",
        "Pulse seis para su saldo.", "Para las opciones del buzón, marque el siete.",
        "Para borrar el mensaje, marque el ocho.", "Oprima nueve si quiere buscar por nombre.",
        "Oprima cero si quiere grabar su nombre.", "Si desea repetir el menú, oprima el asterisco.",
        "Si desea cambiar de carpeta, oprima el almohadilla.",
    ),
    "fr-fr": (
        "Pour changer de dossier, tapez un.", "Pour parler à un conseiller, tapez deux.",
        "Tapez trois pour le service commercial.", "Tapez quatre pour une panne.", "Appuyez sur cinq pour réécouter.",
        "Appuyez sur six pour les options de la messagerie.", "Pour effacer le message, appuyez sur le sept.",
        "Pour votre facture, appuyez sur le huit.", "Pour chercher par le nom, faites le neuf.",
        "Pour enregistrer votre nom, faites le zéro.", "Composez le étoile pour revenir au menu.",
        "Composez le dièse pour changer de dossier.",
    ),
    "it": (
        "Per cambiare cartella, premere uno.", "Per parlare con un operatore, premere due.",
        "Premere tre per il servizio clienti.", "Premere quattro per assistenza tecnica.",
        "Prema cinque per riascoltare.", "Prema sei per le opzioni della casella.",
        "Premi sette per cancellare il messaggio.", "Premi otto per il saldo.",
        "Per cercare per nome, digitare nove.", "Per registrare il suo nome, digitare zero.",
        "Se desidera tornare al menu, prema il tasto asterisco.",
        "Se desidera cambiare cartella, prema il tasto cancelletto.",
    ),
}  # fmt: skip
"""Choices of a menu."""
