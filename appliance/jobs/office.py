"""The office: all commands about people, configuration, recordings' custody and audit, each with its one method.

Synchronous, so that the same object answers the bus (in threads) and the command line (when no service runs).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from appliance import commands
from appliance.commands import Command, Done
from appliance.errors import CallerError, ValidationErrors
from appliance.jobs import audit, quality
from appliance.jobs.accounts import Accounts
from appliance.jobs.announcements import Announcements
from appliance.jobs.api_requests import ApiRequests
from appliance.jobs.api_tokens import ApiTokens
from appliance.jobs.articles import Articles
from appliance.jobs.caller_queues import CallerQueues
from appliance.jobs.campaign_texts import CampaignTexts
from appliance.jobs.contact_merges import ContactMerges
from appliance.jobs.contact_rules import ContactRules
from appliance.jobs.context import Context
from appliance.jobs.customers import Customers
from appliance.jobs.ear_labels import EarLabels
from appliance.jobs.line_cards import LineCards
from appliance.jobs.number_states import NumberStates
from appliance.jobs.passwords import Hasher
from appliance.jobs.phones import Phones
from appliance.jobs.provisioning import Provisioning
from appliance.jobs.retention import Retention
from appliance.jobs.roles import Roles
from appliance.jobs.second_factor import SecondFactor
from appliance.jobs.set_up import SetUp
from appliance.jobs.shortcuts import Shortcuts
from appliance.jobs.tickets import Tickets
from appliance.store.repositories import users

_ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)*")


class Office:
    """Answers the commands of the service `office`; safe to call from several threads."""

    def __init__(self, context: Context, hasher: Hasher | None = None) -> None:
        self._context = context
        hasher = hasher or Hasher()
        second_factor = SecondFactor(context, hasher)
        accounts = Accounts(context, hasher, second_factor)
        provisioning = Provisioning(context)
        contact_rules = ContactRules(context)
        retention = Retention(context)
        line_cards = LineCards(context)
        announcements = Announcements(context)
        caller_queues = CallerQueues(context)
        ear_labels = EarLabels(context, announcements)
        roles, api_tokens, phones, set_up = Roles(context), ApiTokens(context), Phones(context), SetUp(context)
        api_requests = ApiRequests(context)
        customers, merges = Customers(context), ContactMerges(context)
        articles, campaign_texts = Articles(context), CampaignTexts(context)
        self._methods: dict[type[Command], Callable[[Any], Done]] = {
            commands.SetUpAdministrator: accounts.set_up_administrator,
            commands.LogIn: accounts.log_in,
            commands.LogOut: accounts.log_out,
            commands.SaveUser: accounts.save_user,
            commands.SaveShortcuts: Shortcuts(context).save,
            commands.EnrolTotp: second_factor.enrol_totp,
            commands.ConfirmTotp: second_factor.confirm_totp,
            commands.DisableTotp: second_factor.disable_totp,
            commands.SaveRole: roles.save_role,
            commands.RemoveRole: roles.remove_role,
            commands.SaveDepartment: roles.save_department,
            commands.RemoveDepartment: roles.remove_department,
            commands.MakeApiToken: api_tokens.make,
            commands.RevokeApiToken: api_tokens.revoke,
            commands.BeginApiRequest: api_requests.begin,
            commands.EndApiRequest: api_requests.end,
            commands.NoteTokenUse: api_requests.note_use,
            commands.PreparePhone: phones.prepare,
            commands.RedeemPhoneToken: phones.redeem,
            commands.FinishSetUpStep: set_up.finish_step,
            commands.UploadCertificate: set_up.upload_certificate,
            commands.SaveSeat: provisioning.save_seat,
            commands.SeatPhoneCredentials: provisioning.seat_phone_credentials,
            commands.SaveTrunk: provisioning.save_trunk,
            commands.PreviewNumber: provisioning.preview_number,
            commands.SaveCampaign: provisioning.save_campaign,
            commands.SavePace: provisioning.save_pace,
            commands.SaveDoNotCall: contact_rules.save_do_not_call,
            commands.ImportDoNotCall: contact_rules.import_do_not_call,
            commands.SavePerson: contact_rules.save_person,
            commands.SetNumberState: NumberStates(context).save,
            commands.SaveContact: customers.save,
            commands.SaveContactField: customers.save_field,
            commands.OrderContactFields: customers.order_fields,
            commands.MergeContacts: merges.merge,
            commands.UndoMerge: merges.undo,
            commands.SaveArticle: articles.save,
            commands.WithdrawArticle: articles.withdraw,
            commands.SaveScript: campaign_texts.save_script,
            commands.SaveForm: campaign_texts.save_form,
            commands.SaveSettings: provisioning.save_settings,
            commands.SaveLineCard: line_cards.save,
            commands.RemoveLineCard: line_cards.remove,
            commands.SaveQueue: caller_queues.save,
            commands.RemoveQueue: caller_queues.remove,
            commands.SaveRetention: retention.save_rule,
            commands.LegalHold: retention.legal_hold,
            commands.LabelCall: ear_labels.label,
            commands.EarCurve: ear_labels.curve,
            commands.EnrolAnnouncement: announcements.enrol,
            commands.SaveAnnouncement: announcements.save,
            commands.RetireAnnouncement: announcements.retire,
            commands.NameCluster: announcements.name_cluster,
            commands.OpenRecording: Tickets(context).open_recording,
            **quality.handlers(context),
            commands.Audit: self._audit,
        }

    def handle(self, command: Command) -> Done:
        """Carry out one command; raises CallboxError as its method says."""
        method = self._methods.get(type(command))
        if method is None:
            name = type(command).__name__
            raise CallerError("office.unknown_command", f"The office does not know the command {name}.", command=name)
        return method(command)

    def _audit(self, command: commands.Audit) -> Done:
        if not _ACTION.fullmatch(command.action) or not command.subject:
            raise ValidationErrors([("action", "audit.bad_action", "Use words like report.exported, and a subject.")])
        with self._context.store.write() as session:
            users.actor(session, command.actor_id)
            entry = audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action=command.action, subject=command.subject, detail=command.detail,
            )  # fmt: skip
        return Done(id=str(entry.id))
