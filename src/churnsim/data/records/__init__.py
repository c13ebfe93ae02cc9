"""A firm's own records beside its purchases: contacts, spending, complaints, referrals, win-backs and offers."""
