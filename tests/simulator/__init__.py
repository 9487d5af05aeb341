"""Deterministic simulator of the exchange: real stores, real engine, real hub; everything else seeded."""
