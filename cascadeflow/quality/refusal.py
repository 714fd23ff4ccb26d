"""Whether an answer opens with a refusal, in a dozen languages.

A refusal is looked for only where it is the answer: at the start of one of the first three
sentences of the opening (400 characters), after emoji and other marks and an optional "sorry" or
"unfortunately". A mention further on, in the midst of a sentence, or in quotation marks that do not
hold the whole opening is no refusal. *Flat* refusals decline the task; *soft* ones ("as an AI ...",
"I don't know") may still lead to an answer, so they count less, and less the longer it goes on.

The patterns hold alternatives and bounded repeats only, and see 400 characters at most.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Literal, TypeAlias

from .query import holds

Kind: TypeAlias = Literal["none", "soft", "instead", "flat"]

OPENING_CHARS = 400
SENTENCES = 3
TURN_CHARS = 200
"""An opening up to this long has no room for an offer in place of what it refuses."""
SHORT_ANSWER = 400
"""Characters up to which a soft refusal counts in full; none of it is left at four times that."""

_LEAD = re.compile(
    r"(?:(?:i am|i'm)? ?(?:very |so |really |truly |deeply )?sorry,?(?: but| for .{0,40}?but)?"
    r"|i apologi[sz]e,?(?: but| for .{0,40}?but)?|unfortunately,?|regrettably,?"
    r"|my apologies,?(?: but)?"
    r"|hello,?|hi,?|thank you for .{0,40}?[,;]|but|however,?|no[,;]"
    r"|(?:es )?tut mir leid,?(?: aber)?|entschuldigung,?(?: aber)?|leider|aber"
    r"|(?:je suis )?désolée?,?(?: mais)?|malheureusement,?"
    r"|lo siento,?(?: pero)?|lamentablemente,?|desafortunadamente,?"
    r"|mi dispiace,?(?: ma)?|purtroppo,?|spiacente,?(?: ma)?"
    r"|(?:sinto muito|desculpe|lamento),?(?: mas)?|infelizmente,?"
    r"|(?:het )?spijt me,?(?: maar)?|sorry,? maar|helaas,?|maar"
    r"|извините,?(?: но)?|простите,?(?: но)?|к сожалению,?) ?"
)

_CANNOT = (
    r"i(?: am|'m) (?:unable|not able|not allowed|not permitted|not in a position) to"
    r"|i (?:can't|cannot|can not|won't|will not|must decline to|have to decline to"
    r"|am going to decline to)(?: be able to)?"
)
_DECLINED = (
    r"help (?:you|with|out)|help$|assist|provide|answer|fulfill?|comply|create|generate|write"
    r"|do (?:that|this|so)|"
    r"discuss|give|share|offer|engage|complete|process|access|see (?:the|images|any)|view|browse|"
    r"predict|recommend|support|participate|continue|produce|respond|perform|open|play|tell you|"
    r"fulfil|disclose|reveal|satisfy|accommodate|translate|summarize|analyze"
)

_FLAT = re.compile(
    rf"(?:as an? (?:\w+ ){{1,3}}(?:model|assistant"
    rf"|ai),? )?(?:{_CANNOT}) (?:\w+ ){{0,2}}?(?:{_DECLINED})"
    r"|i (?:must|have to) (?:respectfully |politely )?(?:decline|refuse)|i decline to|i refuse to"
    r"|(?:that|this|it) (?:is|goes|would be) against my (?:\w+ )?(?:guidelines|policy|programming)"
    r"|i can't do that|i cannot do that|can't help with|cannot help with"
    # German, Dutch
    r"|ich kann (?:dir |ihnen |euch )?(?:\w+ ){0,5}?nicht (?:\w+ ){0,2}?(?:helfen|beantworten"
    r"|erfüllen|weiterhelfen|bereitstellen|unterstützen|geben|erstellen|tun)"
    r"|ich darf (?:\w+ ){0,3}?nicht|ich bin nicht in der lage|dabei kann ich (?:\w+ )?nicht helfen"
    r"|kann ich (?:dir |ihnen )?(?:\w+ ){0,2}?nicht (?:weiter)?helfen|das kann ich nicht"
    r"|ik kan (?:je |u )?(?:\w+ ){0,4}?niet (?:\w+ )?(?:helpen|beantwoorden|geven|doen)"
    r"|daar kan ik (?:\w+ )?niet|ik ben niet in staat|ik kan geen"
    # French
    r"|je ne (?:peux|puis|suis) pas (?:\w+ ){0,2}?(?:vous |t'|répondre|aider|fournir|capable"
    r"|en mesure|donner|autorisé)|je refuse de"
    # Spanish, Portuguese, Italian
    r"|no (?:puedo|podré) (?:\w+ ){0,2}?(?:ayudar|responder|proporcionar|cumplir|asistir|ofrecer"
    r"|hacer|dar|generar)"
    r"|no me es posible|no estoy en condiciones"
    r"|(?:eu )?não (?:posso|consigo|poderei) (?:\w+ ){0,2}?(?:ajudar|responder|fornecer|atender"
    r"|fazer|dar|gerar|oferecer)"
    r"|(?:io )?non (?:posso|sono in grado|mi è possibile) (?:\w+ ){0,2}?"
    r"(?:aiutar|rispondere|fornire|di |fare|dare|soddisfare|assister)"
    # Russian
    r"|я не (?:могу|в состоянии|буду) (?:\w+ ){0,2}?(?:помочь|ответить|предоставить|выполнить"
    r"|дать|помогать)"
)

_FLAT_DENSE = re.compile(
    "(?:很?抱歉|对不起|對不起|不好意思|非常抱歉)[，,]?.{0,12}?(?:无法|不能|無法|没办法|沒辦法)|我(?:无法|不能|無法)"
    "(?:提供|回答|帮助|協助|协助|满足|完成|为您|为你|幫助|讨论)"
    "|申し訳.{0,12}?が|(?:お手伝い|お答え|対応|提供|回答).{0,8}?(?:できません|できかねます|致しかねます)"
    "|죄송(?:하지만|합니다만).{0,30}?(?:없습니다|어렵습니다)|도와드릴 수 없습니다"
)

_SOFT = re.compile(
    r"as an? (?:\w+ ){0,3}?(?:ai|language model|artificial intelligence)\b|i(?:'m| am) (?:just "
    r"|only )?an ai\b"
    r"|i (?:don't|do not) (?:\w+ )?(?:know|have (?:\w+ ){0,3}?(?:access|information|data|context"
    r"|ability|details|answers?|knowledge|records?|enough|way|means|sources?))"
    r"|i(?:'m| am) not (?:aware|familiar|able to (?:find|verify|confirm|determine))"
    r"|ich habe (?:\w+ ){0,2}?keine (?:\w+ )?(?:informationen|angaben|daten|antwort)"
    r"|je n'ai pas (?:\w+ )?(?:d'|de )?(?:information|réponse|donnée|accès)"
    r"|no tengo (?:\w+ ){0,2}?(?:información|respuesta|datos|acceso)"
    r"|i(?:'m| am) not sure (?:what|how|which|who)|i have no (?:idea|information|knowledge)"
    r"|i (?:can't|cannot|am unable to|was unable to|could not|couldn't) (?:determine|find|verify"
    r"|confirm|locate)"
    r"|there is not enough information"
    r"|als (?:ki|ai|künstliche intelligenz|sprachmodell|taalmodel)\b"
    r"|ich weiß (?:es )?(?:leider )?nicht"
    r"|ik weet (?:het )?niet|en tant qu(?:e |'i)(?:ia|modèle|ntelligence|a\b)|je ne sais pas"
    r"|como (?:una? |um )?(?:ia|modelo|inteligencia|inteligência)\b|no (?:lo )?sé|(?:eu )?não sei"
    r"|come (?:ia|modello|intelligenza)\b|non (?:lo )?so\b|как (?:ии|языковая модель"
    r"|искусственный)|я не знаю"
    r"|作为(?:一个|一名)?(?:人工智能|ai|语言模型)|我不知道|aiとして|わかりません|分かりません"
)

_INSTEAD = (
    ", but", "however", "here is", "here's", "here are", "instead", "that said", "aber", "jedoch",
    "mais", "cependant", "pero", "sin embargo", "però", "tuttavia", " mas ", "porém", "maar", "но ",
    "但", "不过", "ただし", "しかし",
)  # fmt: skip

_QUOTES = re.compile('[:：\n"“”„«»「」]+ *')
PARTS = 16
"""Parts of a query in which a refusal is looked for."""

_END = re.compile(r"\. |[!?。！\n]")
_SHARES: Mapping[Kind, float] = {"none": 0.0, "instead": 0.5, "soft": 0.6}
_APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "`": "'", "*": None, "_": None, "#": None})
_DECORATION = re.compile("\\A[^\\w\"'“„«「‘+–—-]+")
"""Emoji and other marks in front of a sentence, but those of speech: quotation marks, dashes."""
_CLOSING = {'"': '"', "'": "'", "‘": "'", "“": "”", "„": "“", "«": "»", "「": "」"}


def _plain(opening: str) -> str:
    """The lower-cased opening without marks in front of it, or quotation marks around all of it."""
    text = _DECORATION.sub("", opening.lower().translate(_APOSTROPHES)).rstrip()
    closing = _CLOSING.get(text[:1], "")
    quoted = len(text) > 1 and closing and text.endswith(closing)
    return text[1:-1] if quoted and f"{closing} " not in text[1:-1] else text


def _without_lead(sentence: str) -> str:
    """The sentence behind up to two words of regret or greeting."""
    for _ in range(2):
        lead = _LEAD.match(sentence)
        if lead is None:
            break
        sentence = sentence[lead.end() :].lstrip(" ,-—")
    return sentence


def kind(opening: str) -> Kind:
    """How the opening of an answer refuses, if it does."""
    text = _plain(opening[:OPENING_CHARS])
    split = (_DECORATION.sub("", part.strip()) for part in _END.split(text))
    sentences = list(islice(filter(None, split), SENTENCES))
    bodies = [_without_lead(sentence) for sentence in sentences]
    if any(map(_FLAT.match, bodies)) or any(map(_FLAT_DENSE.match, sentences)):
        # A long opening may turn from what cannot be done to something else.
        turns = len(opening) > TURN_CHARS and holds(_without_lead(text), _INSTEAD)
        return "instead" if turns else "flat"
    return "soft" if any(map(_SOFT.match, bodies)) else "none"


def strength(kind: Kind, size: int) -> float:
    """How much an answer of `size` characters refuses, in [0, 1].

    1 for a flat refusal, 0.5 if something else is offered, 0.6 for a soft one. It fades with the
    length of the answer; a flat one to a half.
    """
    left = min(1.0, max(0.0, 1 - (size - SHORT_ANSWER) / (3 * SHORT_ANSWER)))
    return max(0.5, left) if kind == "flat" else _SHARES[kind] * left


def quoted_in(query: str) -> bool:
    """Whether a query holds a refusal itself, to be translated or repeated for instance."""
    parts = _QUOTES.split(query)[:PARTS]
    return any(kind(part) != "none" for part in parts if part)
