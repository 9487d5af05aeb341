"""The schema's history: one tree for the client and the hub, explicit DDL, package data."""
