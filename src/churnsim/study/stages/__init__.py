"""The stages of a study, from data to claims."""
