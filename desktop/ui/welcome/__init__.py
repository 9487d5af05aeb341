"""The first window: sign-in, and the enrolment of a new installation.

Everything here must load fast: what is needed only later is imported later.
"""
