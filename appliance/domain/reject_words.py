"""Why a row was not taken, in a sentence that says what to do; by language, for the file of rejected rows."""

from __future__ import annotations

REASON_TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "empty": "The phone cell is empty.",
        "no_digits": "The phone cell holds text, not a number.",
        "formula": "The phone cell holds a formula without a stored result. Replace it by its value.",
        "cell_error": "The phone cell holds an error of the spreadsheet.",
        "rounded": "The spreadsheet rounded the number (1.38E+10). Type it again in a cell of type text.",
        "too_short": "The number is too short.",
        "too_long": "The number is too long.",
        "short_code": "This is a service code, not a person's number.",
        "invalid": "No telephone network has such a number. Is the area or country code missing?",
        "premium": "Calls to this number cost extra.",
        "hidden_row": "The row was hidden in the spreadsheet. Send it again if it is to be called.",
        "do_not_call": "The number is on the do-not-call list.",
        "duplicate_in_list": "The person stands further up in the list.",
        "duplicate_in_campaign": "The person is already in the campaign.",
        "duplicate_elsewhere": "The person waits in another campaign.",
    },
    "zh": {
        "empty": "电话单元格为空。",
        "no_digits": "电话单元格里是文字，不是号码。",
        "formula": "电话单元格里是没有保存结果的公式，请改成数值。",
        "cell_error": "电话单元格里是表格软件的错误值。",
        "rounded": "表格软件把号码四舍五入了（1.38E+10），请把单元格设为文本后重新输入。",
        "too_short": "号码太短。",
        "too_long": "号码太长。",
        "short_code": "这是服务号码，不是个人号码。",
        "invalid": "没有任何电话网有这个号码。是否缺少区号或国家代码？",
        "premium": "拨打此号码要额外收费。",
        "hidden_row": "该行在表格中被隐藏。如需拨打，请重新发送。",
        "do_not_call": "该号码在禁呼名单上。",
        "duplicate_in_list": "此人在名单前面已经出现过。",
        "duplicate_in_campaign": "此人已在该活动中。",
        "duplicate_elsewhere": "此人正在另一个活动中等待拨打。",
    },
    "ru": {
        "empty": "Ячейка с телефоном пуста.",
        "no_digits": "В ячейке с телефоном текст, а не номер.",
        "formula": "В ячейке с телефоном формула без сохранённого результата. Замените её значением.",
        "cell_error": "В ячейке с телефоном ошибка таблицы.",
        "rounded": "Таблица округлила номер (1.38E+10). Введите его заново в ячейку текстового типа.",
        "too_short": "Номер слишком короткий.",
        "too_long": "Номер слишком длинный.",
        "short_code": "Это служебный номер, а не номер человека.",
        "invalid": "Такого номера нет ни в одной сети. Не пропущен ли код города или страны?",
        "premium": "Звонок на этот номер платный.",
        "hidden_row": "Строка была скрыта в таблице. Пришлите её ещё раз, если нужно звонить.",
        "do_not_call": "Номер в списке «не звонить».",
        "duplicate_in_list": "Этот человек уже есть выше в списке.",
        "duplicate_in_campaign": "Этот человек уже есть в кампании.",
        "duplicate_elsewhere": "Этот человек ждёт звонка в другой кампании.",
    },
}


def reason_text(reason: str, language: str) -> str:
    """The sentence for a reason; English where the language has none, the reason itself where nobody knows it."""
    return REASON_TEXTS.get(language, {}).get(reason) or REASON_TEXTS["en"].get(reason, reason)
