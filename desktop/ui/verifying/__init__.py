"""Showing an answer about one entity, with the evidence it rests on."""
