"""The words by which headers of number lists are known, in zh, ru and en: first the commoner ones."""

from __future__ import annotations

HEADER_WORDS: dict[str, tuple[str, ...]] = {
    "phone": (
        "手机号码", "手机号", "手机", "电话号码", "电话", "联系电话", "联系方式", "移动电话", "号码", "客户电话",
        "phone", "phone number", "phone no", "mobile", "mobile phone", "mobile number", "cell", "cell phone",
        "telephone", "tel", "msisdn", "contact number", "телефон", "номер телефона", "моб",
        "мобильный", "мобильный телефон", "сотовый", "тел", "номер", "контактный телефон", "number",
    ),
    "name": (
        "姓名", "客户姓名", "名字", "客户", "客户名称", "联系人", "债务人", "借款人", "户名", "name", "full name",
        "fullname", "customer", "customer name", "client", "debtor", "borrower", "contact", "имя",
        "фио", "ф.и.о.", "клиент", "должник", "фамилия имя отчество", "абонент", "контакт",
    ),
    "amount": (
        "欠款", "欠款金额", "金额", "欠费", "欠费金额", "债务", "应还金额", "逾期金额", "余额", "总额", "账单金额",
        "amount", "debt", "balance", "amount due", "due", "sum", "total", "outstanding", "debt amount",
        "долг", "сумма", "сумма долга", "задолженность", "сумма задолженности", "остаток",
        "к оплате",
    ),
    "currency": (
        "币种", "货币", "currency", "валюта",
    ),
    "external_id": (
        "合同号", "合同编号", "账号", "客户编号", "编号", "借据号", "订单号", "external id", "id", "account",
        "account number", "contract", "contract number", "customer id", "client id", "reference",
        "ref", "договор", "номер договора", "лицевой счет", "лицевой счёт", "счет", "л/с", "ид",
    ),
    "consent": ("同意项", "同意", "授权同意", "consent", "consents", "согласие", "согласия"),
    "third_party": ("第三方", "是否第三方", "third party", "third_party", "третье лицо"),
    "time_zone": ("时区", "time zone", "timezone", "time_zone", "tz", "часовой пояс"),
}  # fmt: skip

NUMBER_TYPE_WORDS: dict[str, tuple[str, ...]] = {
    "mobile": (
        "手机", "移动电话", "mobile", "cell", "cellular", "моб", "мобильный", "сотовый", "мобильный телефон",
    ),
    "home": ("家庭", "住宅", "家电话", "宅电", "座机", "固话", "home", "landline", "домашний", "дом", "городской"),
    "work": ("单位", "办公", "公司", "工作", "work", "office", "business", "рабочий", "раб", "служебный"),
    "other": (
        "备用", "其他", "另", "alternative", "alternate", "alt", "other", "second", "additional", "доп",
        "дополнительный", "второй", "другой",
    ),
}  # fmt: skip
"""Words in the header of a phone column that say what its numbers are to the person (types.NumberType)."""

NOT_TO_CALL_WORDS: tuple[str, ...] = (
    "传真", "fax", "факс", "紧急", "联系人", "担保", "亲属", "配偶", "推荐人", "emergency", "guarantor", "reference",
    "relative", "spouse", "поручитель", "поручителя", "родственник", "родственника", "контактное лицо",
)  # fmt: skip
"""A column so named is no further number of the person: a fax, or somebody else's telephone."""

REASON_HEADERS = {"en": "Callbox: reason", "zh": "Callbox：原因", "ru": "Callbox: причина"}
DETAIL_HEADERS = {"en": "Callbox: detail", "zh": "Callbox：详情", "ru": "Callbox: подробно"}
"""Columns that the box adds to a file of rejects; they are passed over when the corrected file comes back."""
OUR_HEADERS = frozenset(
    text.lower().replace("：", ":") for text in (*REASON_HEADERS.values(), *DETAIL_HEADERS.values())
)
