"""Which news of a call-back is this message?"""

from collections.abc import Mapping

from router.ami import dialplan
from router.ami.fields import Impossible, fitting, instant_of, one_of, parts_of
from router.ami.outbound import ENDPOINT, UNIQUEID
from router.calls.calling_back import CallBackEnded, CallBackEvent, CallBackNews, Failed, What, is_call_back

CALL_BACK_JOURNAL = "b1"


def of_call_back(fields: Mapping[str, str]) -> bool:
    """Whether this UserEvent of ours tells of a call-back, which is no call."""
    return is_call_back(f":{fields.get('call', '')}")


def read_call_back(fields: Mapping[str, str], *, pbx: str, skew: float) -> CallBackEvent | None:
    """What a UserEvent tells of a call-back; None when a field can't be, and for what its phones tell besides."""
    try:
        return _call_back_event(fields, pbx, skew)
    except Impossible:
        return None


def call_back_ended(call_id: str, journal: str | None, skew: float) -> CallBackEnded:
    """The end of a call-back, as its event and the journal tell it. Raises Impossible."""
    began, phone, taken, called, talked, ended, failed = parts_of(journal, 7, CALL_BACK_JOURNAL)
    return CallBackEnded(
        call_id=call_id,
        began_at=instant_of(began, skew),
        phone=fitting(ENDPOINT, phone) if phone else None,
        taken_at=instant_of(taken, skew) if taken else None,
        called_at=instant_of(called, skew) if called else None,
        talked_at=instant_of(talked, skew) if talked else None,
        at=instant_of(ended, skew),
        failed=one_of(Failed, failed) if failed else None,
    )


def _call_back_event(fields: Mapping[str, str], pbx: str, skew: float) -> CallBackEvent:
    call_id = f"{pbx}:{fitting(UNIQUEID, fields.get('call'))}"
    if fields.get("userevent") == dialplan.EVENT_CALL_BACK_ENDED:
        return call_back_ended(call_id, fields.get("journal"), skew)
    at = instant_of(fields.get("at"), skew)
    match fields.get("userevent"):
        case dialplan.EVENT_CALL_BACK:
            return CallBackNews(call_id=call_id, what=one_of(What, fields.get("what")), phone="", at=at)
        case dialplan.EVENT_TAKEN:
            phone = fitting(ENDPOINT, fields.get("phone"))
            return CallBackNews(call_id=call_id, what=What.TAKEN, phone=phone, at=at)
        case _:
            raise Impossible
