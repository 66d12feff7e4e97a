"""What callers hear while they wait, in the languages of the box: prompt id -> (language, words)."""

from __future__ import annotations

from functools import lru_cache

from appliance.domain.inbound_prompts import (
    CALLBACK_LAST_OFFER,
    CALLBACK_OFFER,
    CALLBACK_PROMISED,
    CLOSED,
    LANGUAGES,
    MANY,
    NOTICE,
    OVERFLOW,
    POSITIONS_MAX,
    WAIT_STEPS_MIN,
    sentence,
)

_SENTENCES: dict[str, dict[str, str]] = {
    "zh": {
        NOTICE: "您好，为保证服务质量，本次通话将被录音。",
        CLOSED: "您好，现在是非工作时间，请您在工作时间再来电。",
        OVERFLOW: "很抱歉，现在没有空闲的座席，请您稍后再来电。",
        CALLBACK_OFFER: "如果您不想等待，请按一，我们会尽快给您回电。",
        CALLBACK_LAST_OFFER: "很抱歉，现在没有空闲的座席。请按一，我们会尽快给您回电。",
        CALLBACK_PROMISED: "好的，我们会尽快给您回电。再见。",
        MANY: "您好，目前等待人数较多，请您稍候。",
    },
    "ru": {
        NOTICE: "Здравствуйте. Разговор записывается.",
        CLOSED: "Здравствуйте. Сейчас нерабочее время. Пожалуйста, позвоните позже.",
        OVERFLOW: "К сожалению, сейчас все операторы заняты. Пожалуйста, позвоните позже.",
        CALLBACK_OFFER: "Чтобы не ждать, нажмите один, и мы вам перезвоним.",
        CALLBACK_LAST_OFFER: "К сожалению, все операторы заняты. Нажмите один, и мы вам перезвоним.",
        CALLBACK_PROMISED: "Хорошо, мы вам перезвоним. До свидания.",
        MANY: "Сейчас ожидают много звонков. Пожалуйста, подождите.",
    },
    "en": {
        NOTICE: "Hello. This call is recorded.",
        CLOSED: "Hello. You have reached us outside our office hours. Please call again later.",
        OVERFLOW: "We are sorry, all our agents are busy. Please call again later.",
        CALLBACK_OFFER: "If you do not want to wait, press one and we will call you back.",
        CALLBACK_LAST_OFFER: "We are sorry, all our agents are busy. Press one and we will call you back.",
        CALLBACK_PROMISED: "Thank you, we will call you back. Good bye.",
        MANY: "Many callers are waiting. Please hold the line.",
    },
}


_ZH = {
    1: "一", 2: "两", 3: "三", 4: "四", 5: "五", 6: "六", 7: "七", 8: "八", 9: "九", 10: "十", 15: "十五",
    20: "二十", 30: "三十",
}  # fmt: skip


def _zh_before(others: int) -> str:
    return "您是下一位，请稍候。" if others == 0 else f"您前面还有{_ZH[others]}位，请稍候。"


def _ru_before(others: int) -> str:
    return "Вы следующий в очереди." if others == 0 else f"Перед вами в очереди: {others}."


def _en_before(others: int) -> str:
    if others == 0:
        return "You are the next in the queue."
    return f"There {'is one caller' if others == 1 else f'are {others} callers'} before you."


def _ru_minutes(minutes: int) -> str:
    if minutes == 1:
        return "одной минуты"
    return f"{minutes} минут"


def _counted(language: str) -> dict[str, str]:
    before = {"zh": _zh_before, "ru": _ru_before, "en": _en_before}[language]
    found = {f"position-{n}": before(n - 1) for n in range(1, POSITIONS_MAX + 1)}
    for minutes in WAIT_STEPS_MIN:
        found[f"wait-{minutes}"] = {
            "zh": f"预计等待时间约{_ZH[minutes]}分钟。",
            "ru": f"Ожидание: около {_ru_minutes(minutes)}.",
            "en": f"The estimated wait is about {minutes} minute{'s' if minutes > 1 else ''}.",
        }[language]
    return found


@lru_cache(maxsize=1)
def words() -> dict[str, tuple[str, str]]:
    """Return all sentences by prompt id."""
    return {
        sentence(language, name): (language, text)
        for language in LANGUAGES
        for name, text in (*_SENTENCES[language].items(), *_counted(language).items())
    }
