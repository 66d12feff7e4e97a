"""People who are called, their numbers, who must not be called."""

from __future__ import annotations

from typing import Any

from appliance import commands as cmd
from appliance.store.read import people as cards
from appliance.store.read import tables, why
from appliance.store.read.people import FieldView, MergeView, Pair, PersonCard
from appliance.store.read.why import Call as PastCall
from appliance.store.read.why import PersonView
from appliance.types import Permission
from webui.api.v1 import cursors
from webui.api.v1.collection import Api, whole
from webui.api.v1.declare import Call, Paged, query_of
from webui.box import store

IMPORT = Permission.LISTS_IMPORT



def _search(call: Call) -> Paged:
    found = cards.search(store(), call.query.q, before=cursors.read(call.query.cursor, "id"), size=call.query.limit)
    return Paged(found.rows, cursors.write(found.older))


contacts = Api("Contacts")
contacts.rows("/contacts", tables.CONTACTS, IMPORT, summary="People who are called", filters=("number", "name"),
              one=False)  # fmt: skip
contacts.get("/contacts/{contact_id}", PersonView, lambda call: why.person(store(), call.path["contact_id"]), IMPORT,
             summary="One person: numbers, what bars him, consents", versioned="person",
             version_key="contact_id")  # fmt: skip
contacts.get("/contacts/{contact_id}/calls", list[PastCall],
             lambda call: whole(why.calls(store(), call.path["contact_id"], limit=500)), IMPORT,
             summary="The newest calls to any of a person's numbers")  # fmt: skip
contacts.command("PUT", "/contacts/{contact_id}/rules", cmd.SavePerson, IMPORT, versioned="person",
                 version_key="contact_id")  # fmt: skip

contacts.command("POST", "/contacts", cmd.SaveContact, IMPORT, hidden=("contact_id",), status=201)
contacts.get("/contacts/{contact_id}/card", PersonCard, lambda call: cards.card(store(), call.path["contact_id"]),
             IMPORT, summary="What is edited of a person: name, numbers, fields of one's own", versioned="contact",
             version_key="contact_id")  # fmt: skip
contacts.command("PUT", "/contacts/{contact_id}/card", cmd.SaveContact, IMPORT, versioned="contact",
                 version_key="contact_id")  # fmt: skip
contacts.get("/contacts/{contact_id}/merges", list[MergeView],
             lambda call: whole(cards.merges(store(), call.path["contact_id"])), IMPORT,
             summary="Who was merged into a person")  # fmt: skip
contacts.get("/contact-search", list[PersonCard], _search, IMPORT, summary="People by part of a name or number",
             query=query_of("ContactSearch", {"q": (str,)}))  # fmt: skip
contacts.get("/contact-duplicates", list[Pair], lambda _call: whole(cards.pairs(store())), IMPORT,
             summary="People who share a number")  # fmt: skip
contacts.command("POST", "/contacts/merge", cmd.MergeContacts, IMPORT)
contacts.command("POST", "/contact-merges/{merge_id}/undo", cmd.UndoMerge, IMPORT)
FIELDS = Permission.SETTINGS_WRITE
contacts.get("/contact-fields", list[FieldView], lambda _call: whole(cards.fields(store(), retired=True)), FIELDS,
             IMPORT, summary="Fields of one's own, also those not used any more")  # fmt: skip
contacts.command("POST", "/contact-fields", cmd.SaveContactField, FIELDS, fixed={"new": True}, status=201)
contacts.command("PUT", "/contact-fields", cmd.SaveContactField, FIELDS, fixed={"new": False})
contacts.command("PUT", "/contact-fields/order", cmd.OrderContactFields, FIELDS)

numbers = Api("Numbers")
numbers.rows("/numbers", tables.NUMBERS, IMPORT, summary="What is known of numbers", filters=("state", "region"))
numbers.command("PUT", "/numbers/{number}/state", cmd.SetNumberState, IMPORT)

do_not_call = Api("Do not call")
do_not_call.rows("/do-not-call", tables.DO_NOT_CALL, IMPORT, summary="Numbers that the box never calls")
do_not_call.command("POST", "/do-not-call", cmd.SaveDoNotCall, IMPORT, hidden=("remove",))
do_not_call.command("DELETE", "/do-not-call/{number}", cmd.SaveDoNotCall, IMPORT, fixed={"remove": True},
                    hidden=("reason", "level", "campaign_id"), status=200,
                    summary="Let the box call a number again")  # fmt: skip
do_not_call.command("POST", "/do-not-call/import", cmd.ImportDoNotCall, IMPORT, timeout_s=120.0)


def collections() -> tuple[Any, ...]:
    return contacts, numbers, do_not_call
