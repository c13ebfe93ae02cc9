"""The ledger's accounts and the event log's kinds, by name and by place, for engines and readers alike."""

from __future__ import annotations

# One account for each thing that is paid for, so that no cost stands under another one's name.
COSTS = (
    "acquisition", "retention", "renewal_costs", "bonds", "cost_to_serve", "wages", "service", "recovery", "win_back",
    "referral", "cross_selling", "fixed",
)  # fmt: skip
# The residual stands in the last period alone: what those then active are still worth at the horizon.
MONEY = ("revenue", "margin", *COSTS, "residual")
COUNTS = (
    "purchases", "births", "births_paid", "births_referred", "births_told", "births_switched", "returns",
    "losses_organic", "losses_failure", "losses_complaint", "losses_dismissed", "losses_switched",
    "failures", "complaints", "replies_quick", "replies_slow", "replies_unresolved",
    "contacts", "renewal_offers", "members", "win_back_contacts", "cross_selling_contacts", "told_against", "told_for",
    "active_start", "active_end", "competitor_customers",
)  # fmt: skip
ACCOUNTS = MONEY + COUNTS
# The account that counts each kind of event.
COUNTED_IN = {
    "birth": "births",
    "purchase": "purchases",
    "failure": "failures",
    "complaint": "complaints",
    "reply_quick": "replies_quick",
    "reply_slow": "replies_slow",
    "reply_unresolved": "replies_unresolved",
    "lost_organic": "losses_organic",
    "lost_failure": "losses_failure",
    "lost_complaint": "losses_complaint",
    "lost_dismissed": "losses_dismissed",
    "returned": "returns",
}
KINDS = tuple(COUNTED_IN)

# Places of accounts, as compiled code writes to them.
REVENUE = ACCOUNTS.index("revenue")
MARGIN = ACCOUNTS.index("margin")
SERVICE = ACCOUNTS.index("service")
RETENTION = ACCOUNTS.index("retention")
CONTACTS = ACCOUNTS.index("contacts")
RECOVERY = ACCOUNTS.index("recovery")
BIRTHS_PAID = ACCOUNTS.index("births_paid")
LOSSES_SWITCHED = ACCOUNTS.index("losses_switched")
TOLD_AGAINST = ACCOUNTS.index("told_against")
TOLD_FOR = ACCOUNTS.index("told_for")
# Beside the accounts, in the compiled engine's tables: members of the club who came or came back, less those lost.
MEMBERS = len(ACCOUNTS)
COLUMNS = MEMBERS + 1

# Kinds of events by place in the log, and the account of each.
BIRTH, PURCHASE, FAILURE, COMPLAINT = 0, 1, 2, 3
# The first of the replies (quick, slow, unresolved) and of the losses (organic, failure, complaint), and two more.
REPLY, LOST, LOST_DISMISSED, RETURNED = 4, 7, 10, 11
ACCOUNT_OF = tuple(ACCOUNTS.index(account) for account in COUNTED_IN.values())
