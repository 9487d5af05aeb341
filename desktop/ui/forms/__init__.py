"""Entry forms, derived from a :class:`shared.record.RecordType` alone.

``editors`` maps each Kind to one widget that holds raw text; ``form`` lays them out.
"""
