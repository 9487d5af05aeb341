"""Entering records: one room per record type, drafts, spreadsheets in and out."""
