"""What exchanges say, for the sayings that `audio.meanings` listens for; by label and language as espeak-ng names it.

The builder's own sentences stand in the builder; none of those by which `early_score` judges stand here.
"""

from collections.abc import Mapping

from audio.labels import Label
from audio.training.texts import Texts

ANNOUNCED: Mapping[Label, Texts] = {
    Label.VACANT: {
        "en-us": (
            "The number you are calling is not assigned. Please check the number and try again.",
            "The number you dialed is incorrect. Please check and dial again.",
            "You have dialed an invalid number.",
            "Your call cannot be completed as dialed. Please check the number and dial again.",
            "That number has been disconnected.",
        ),
        "ru": (
            "Номер набран неправильно.", "Такого номера не существует. Уточните номер.",
            "Вы набрали несуществующий номер.", "Данный номер не обслуживается. Проверьте номер.",
        ),
        "cmn": (
            "对不起，您拨的是空号。", "您拨叫的号码不存在，请核实后再拨。", "号码有误，请查询后再拨。",
            "您好，您呼叫的号码未启用，请核对。",
        ),
        "es": (
            "El número marcado no está en servicio. Verifique el número y marque otra vez.",
            "Su llamada no puede ser completada como la marcó. Revise el número y vuelva a marcar.",
            "El número que marcó no es válido.", "Extensión no válida. Por favor intente de nuevo.",
        ),
        "fr-fr": (
            "Le numéro que vous avez composé n'est pas en service. Vérifiez le numéro et recommencez.",
            "Votre appel ne peut aboutir. Vérifiez le numéro puis rappelez.",
            "Numéro invalide. Veuillez réessayer.", "Il n'y a pas d'abonné au numéro que vous avez demandé.",
        ),
        "it": (
            "Il numero che ha composto non è in servizio. Verifichi il numero e richiami.",
            "La chiamata non può essere completata. Controlli il numero e riprovi.",
            "Numero non valido. La preghiamo di riprovare.", "Il numero selezionato è inesistente.",
        ),
        "de": (
            "Kein Anschluss unter dieser Nummer.",
            "Diese Rufnummer ist uns nicht bekannt. Bitte prüfen Sie die Nummer.",
            "Ungültige Nummer. Bitte versuchen Sie es erneut.",
        ),
    },
    Label.POWERED_OFF: {
        "en-us": (
            "The phone you have called is turned off.",
            "The subscriber's phone is switched off. Please call again later.",
            "The mobile is powered off or out of the coverage area.",
        ),
        "ru": (
            "Телефон выключен или вне зоны доступа.", "Абонент выключил свой аппарат.",
            "Вызываемый телефон отключён от сети.",
        ),
        "cmn": ("对不起，您呼叫的手机已关机。", "您拨的机主已关机。", "对方手机已经关机，请您稍后再试。"),
        "es": ("El teléfono está apagado o fuera de cobertura.", "El móvil al que llama está desconectado."),
        "fr-fr": ("Le téléphone de votre correspondant est éteint.", "Le mobile appelé est éteint ou hors de portée."),
        "it": ("Il telefono della persona chiamata è spento.", "Il cellulare è spento o non raggiungibile."),
        "de": ("Das Telefon ist abgeschaltet.", "Das Mobiltelefon des Teilnehmers ist ausgeschaltet."),
    },
    Label.OUT_OF_SERVICE: {
        "en-us": (
            "This phone line has been suspended.", "Service to this number has been temporarily interrupted.",
            "The number you have called is barred.", "That feature is not available on this line.",
            "The account of this subscriber is blocked.",
        ),
        "ru": (
            "Обслуживание абонента приостановлено.", "Номер заблокирован.", "Абонент отключён за неуплату.",
        ),
        "cmn": ("您所呼叫的号码已停机。", "该用户已欠费停机。", "您拨的号码已暂停使用。"),
        "es": (
            "El servicio de este número está suspendido.", "Esa función no está disponible en esta línea.",
            "Se ha alcanzado el límite de llamadas simultáneas.",
        ),
        "fr-fr": (
            "La ligne de votre correspondant est suspendue.", "Cette fonction n'est pas disponible sur cette ligne.",
            "La limite d'appels simultanés est atteinte.",
        ),
        "it": (
            "Il servizio su questa linea è sospeso.", "Questa funzione non è disponibile su questa linea.",
            "È stato raggiunto il limite di chiamate contemporanee.",
        ),
        "de": ("Der Anschluss ist gesperrt.", "Diese Nummer ist vorübergehend außer Betrieb."),
    },
    Label.BUSY: {
        "en-us": (
            "The line is busy. Please call back later.", "The subscriber is talking to somebody else.",
            "All circuits are busy now. Please try your call again later.", "That number is in use.",
            "The person at this extension is on the phone.",
        ),
        "ru": (
            "Линия занята.", "Абонент говорит по другому телефону.", "Номер занят. Попробуйте ещё раз.",
        ),
        "cmn": ("对不起，您呼叫的用户正在通话。", "用户忙，请稍候再拨。", "您拨的电话占线，请过一会儿再拨。"),
        "es": (
            "La línea está ocupada.", "Todas las líneas están ocupadas. Por favor llame más tarde.",
            "La persona de la extensión está al teléfono.", "Ese número de teléfono está en uso.",
        ),
        "fr-fr": (
            "La ligne est occupée.", "Toutes les lignes sont occupées. Veuillez rappeler plus tard.",
            "La personne au poste est déjà au téléphone.", "Ce numéro de téléphone est utilisé.",
        ),
        "it": (
            "La linea è occupata.", "Tutte le linee sono occupate. Si prega di richiamare più tardi.",
            "La persona all'interno è al telefono.", "Il numero di telefono è in uso.",
        ),
        "de": ("Der Anschluss ist besetzt.", "Ihr Gesprächspartner telefoniert gerade."),
    },
    Label.UNREACHABLE: {
        "en-us": (
            "The number does not answer.", "The subscriber cannot be reached. Please try later.",
            "The person you are trying to call is out of range.", "Nobody is available to take your call.",
            "The person at this extension is unavailable.",
        ),
        "ru": (
            "Абонент недоступен.", "Абонент вне зоны действия сети.", "Никто не отвечает. Попробуйте позже.",
        ),
        "cmn": ("对不起，您呼叫的用户无法接通。", "您拨的用户不在服务区。", "您拨打的电话无人应答。"),
        "es": (
            "El número no contesta.", "La persona de la extensión no está disponible.",
            "No hay nadie disponible para contestar su llamada.", "No se puede localizar a la persona.",
        ),
        "fr-fr": (
            "Le numéro ne répond pas.", "La personne au poste n'est pas disponible.",
            "Personne n'est disponible pour prendre votre appel.", "Nous n'avons pas pu joindre cette personne.",
        ),
        "it": (
            "Il numero non risponde.", "La persona all'interno non è disponibile.",
            "Nessuno è disponibile a rispondere.", "Non è stato possibile trovare la persona.",
        ),
        "de": ("Der Teilnehmer meldet sich nicht.", "Der Teilnehmer ist vorübergehend nicht zu erreichen."),
    },
}  # fmt: skip
"""Sentences of announcements by what they mean."""
