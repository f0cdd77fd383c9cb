"""Why an answer is not what was asked for, as short stable codes for the log."""

from collections.abc import Mapping

from bot.domain.answers import Blocked, DeadIncident, Denied, Limited, NoSuchProduct, NothingMatches

OK: Mapping[str, str] = {"reason": "ok"}
UNKNOWN_WORD: Mapping[str, str] = {"reason": "unknown_word"}
UNKNOWN_BUILD: Mapping[str, str] = {"reason": "gone", "cause": "unknown_build"}


def because(answer: object) -> Mapping[str, str]:
    """What the log says about a service's answer. `cause` is the vendor's side of it, such as "html" or "http_429"."""
    match answer:
        case Blocked():
            facts = {"reason": answer.obstacle, "cause": answer.reason or "", "account": answer.account}
            return {name: str(value) for name, value in facts.items() if value}
        case Denied():
            return {"reason": f"denied_{answer.denial}"}
        case NoSuchProduct():
            return {"reason": "no_such_product" if answer.asked.strip() else "no_product_named"}
        case NothingMatches():
            return {"reason": "nothing_matches"}
        case Limited():
            return {"reason": "limited"}
        case DeadIncident():
            return {"reason": "incident_gone"}
    return OK
