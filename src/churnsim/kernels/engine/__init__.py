"""The compiled simulation engine: records, event rules, event times, the event loop and the ledger."""
